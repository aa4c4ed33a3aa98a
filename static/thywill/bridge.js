// The page's end of the bridge to the server's page in a hidden frame; frame.js is the other end. The page sends
// [n, operation, body, seconds] for a request, [n, transport, address] for a stream, and [n] to end one of these; the
// frame answers [n, answer], [n, frame of a stream], or [n, null, how the stream ended]. All messages are JSON, since
// IE8 passes only texts.
(function (internal) {
  'use strict';

  // Seconds in which the frame has to load.
  var LOAD = 5,
      // Seconds in which it then has to answer.
      ANSWER = 2,
      prototype = internal.Iframe.prototype,
      bridges = {},
      count = 0;

  // Another client of this page has loaded this script before.
  if (prototype.openStream) { return; }

  function Bridge(address) {
    var self = this;
    self.address = address;
    self.origin = address.split('/', 3).join('/');
    self.calls = {};
    self.streams = {};
    // Messages for the frame, until it has loaded.
    self.waiting = null;
    self.element = self.timer = null;
    self.isProven = self.isBroken = false;
    internal.listen(window, 'message', function (event) {
      if (event.origin === self.origin) { self.hear(event.data); }
    });
  }

  Bridge.prototype = {
    // Sends a message to the frame. Calls hear(first, second) for each answer, or lost() if the frame is lost. Returns a
    // function that ends the exchange.
    ask: function (what, hear, lost) {
      var self = this, n = internal.digits() + (count += 1);
      if (!self.element || !self.element.contentWindow) { self.load(); }
      self.calls[n] = {hear: hear, lost: lost};
      self.post([n].concat(what));
      return function () {
        if (!self.calls[n]) { return; }
        delete self.calls[n];
        self.post([n]);
      };
    },

    post: function (message) {
      if (this.waiting) {
        this.waiting.push(message);
      } else if (this.element.contentWindow) {
        this.element.contentWindow.postMessage(internal.json.stringify(message), this.origin);
      }
    },

    hear: function (text) {
      var message, call;
      try {
        message = internal.json.parse(text) || [];
        call = /^\d/.test(message[0]) && this.calls[message[0]];
      } catch (exception) {
        // The server's pages may post other messages, too.
      }
      if (call) {
        call.hear(message[1], message[2]);
      } else if (message && message[0] === 'ready') {
        this.ready(message[1]);
      }
    },

    load: function () {
      var self = this, element = document.createElement('iframe');
      element.style.display = 'none';
      element.src = self.address.replace(/thywill\/$/, 'static/' + (internal.frameVersion || 0) + '/frame.html');
      internal.listen(element, 'load', function () {
        if (element === self.element) { self.loaded(); }
      });
      document.body.appendChild(element);
      self.lose();
      self.element = element;
      self.waiting = [];
      self.expect(LOAD);
    },

    // If no list of messages waits, the frame was loaded a second time, and has forgotten our calls.
    loaded: function () {
      var list = this.waiting;
      this.waiting = null;
      this.expect(ANSWER);
      this.post(['ready']);
      if (!list) { this.lose(); }
      while (list && list.length) { this.post(list.shift()); }
    },

    expect: function (seconds) {
      var self = this;
      thywill.clock.clear(self.timer);
      self.timer = thywill.clock.set(function () { self.fail(); }, seconds * 1000);
    },

    ready: function (streams) {
      thywill.clock.clear(this.timer);
      this.isProven = true;
      this.streams = streams;
    },

    // The frame is forbidden or too slow. If it has worked before, it is tried again.
    fail: function () {
      var element = this.element;
      this.isBroken = !this.isProven;
      this.element = null;
      this.waiting = [];
      if (element.parentNode) { element.parentNode.removeChild(element); }
      this.lose();
    },

    lose: function () {
      var calls = this.calls;
      this.calls = {};
      internal.each(calls, function (n, call) { call.lost(); });
    }
  };

  // All clients of a page share one frame.
  function find(address) {
    bridges[address] = bridges[address] || new Bridge(address);
    return bridges[address];
  }

  // Turns the transport into one by JSONP, which can at least find out why the server refuses the page.
  function become(transport, jsonp) {
    for (var name in jsonp) { transport[name] = jsonp[name]; }
  }

  prototype.request = function (operation, fields, seconds, done) {
    var bridge = find(this.address);
    if (bridge.isBroken) {
      become(this, new internal.Jsonp(this.address));
      return this.request(operation, fields, seconds, done);
    }
    return internal.exchange(function (settle) {
      return bridge.ask([operation, internal.encode(fields), seconds], settle, function () {
        settle(internal.failure('unreachable', 'The frame is lost.'));
      });
    }, seconds, done);
  };

  prototype.openStream = function (transport, address, receive, end, name) {
    return find(transport.address).ask([name, address], function (frame, kind) {
      if (kind) { end(kind); } else { receive(frame); }
    }, function () { end('cut'); });
  };

  prototype.isUsable = function (transport, name) {
    return find(transport.address).streams[name] === true;
  };

  // The frame is closed with its page, before it could send a request.
  prototype.leave = function (fields, unloading) {
    if (unloading) {
      new internal.Jsonp(this.address).leave(fields);
    } else {
      this.request('leave', fields, ANSWER, function () {});
    }
  };

  // This says that the transport has streams.
  prototype.open = true;
}(thywill.internal));
