// The button "Cut the connection": for ten seconds every request of this page fails, as if its network were gone.
// Meanwhile the server goes on sending numbers. At the end the page shows which numbers have arrived: none is lost, and
// none comes twice. thywill.cuttable(client, place) puts the button into the element place.
(function (internal) {
  'use strict';

  var SECONDS = 10,
      isCut = false,
      // The functions that make the open requests fail.
      open = [],
      exchange = internal.exchange;

  function fail(settle) {
    internal.later(function () { settle(internal.failure('unreachable', 'The connection is cut.')); });
  }

  // Each request of each transport begins here.
  internal.exchange = function (start, seconds, done) {
    return exchange(function (settle) {
      var release;
      if (isCut) {
        fail(settle);
        return null;
      }
      open.push(settle);
      release = start(settle);
      return function (isOpen) {
        open = internal.without(open, settle);
        if (release) { release(isOpen); }
      };
    }, seconds, done);
  };

  // Each stream begins here.
  internal.each(internal.streaming, function (name, kind) {
    var openStream = kind.open;
    kind.open = function (transport, address, receive, end) {
      var close;
      function cut() {
        if (close) { close(); }
        close = null;
        end('cut');
      }
      if (isCut) {
        internal.later(cut);
        return function () {};
      }
      close = openStream(transport, address, receive, end);
      open.push(cut);
      return function () {
        open = internal.without(open, cut);
        if (close) { close(); }
        close = null;
      };
    };
  });

  function cutFor(seconds, done) {
    var closing = open;
    isCut = true;
    open = [];
    internal.each(closing, function (index, end) { fail(end); });
    thywill.clock.set(function () {
      isCut = false;
      done();
    }, seconds * 1000);
  }

  // Counts the server's numbers, and how often each came.
  function Count(total) {
    this.total = total;
    this.seen = {};
    this.different = this.twice = 0;
  }

  Count.prototype = {
    add: function (number) {
      if (this.seen[number]) {
        this.twice += 1;
      } else {
        this.seen[number] = true;
        this.different += 1;
      }
    },

    text: function () {
      return this.different + ' of ' + this.total + ' numbers arrived, ' + this.twice + ' of them twice';
    }
  };

  // The button, and the line that says which numbers have arrived.
  function Cut(client, place) {
    var self = this;
    self.client = client;
    self.button = internal.dom.element('button', 'thywill-cut', 'Cut the connection', place);
    self.told = internal.dom.element('span', 'thywill-cut-told soft', '', place);
    self.told.setAttribute('role', 'status');
    self.count = null;
    self.isAsked = false;
    self.button.onclick = function () { self.ask(); };
    client.on('message', function (data) {
      if (data && data.type === 'count') { self.receive(data); }
    });
  }

  Cut.prototype = {
    tell: function (text) {
      this.told.firstChild.nodeValue = ' ' + text;
    },

    ask: function () {
      var self = this;
      self.button.disabled = true;
      self.isAsked = true;
      self.count = null;
      // It is answered when all numbers are sent, or when nobody counts any more.
      self.client.call('count', [], function (error) {
        if (!error) { return; }
        self.button.disabled = false;
        self.isAsked = false;
        self.count = null;
        self.tell(error.message);
      });
    },

    receive: function (data) {
      var self = this;
      if (self.isAsked) {
        self.isAsked = false;
        self.count = new Count(data.of);
        self.tell('Cut for ' + SECONDS + ' s. The server goes on counting\u2026');
        cutFor(SECONDS, function () { self.show(); });
      }
      if (self.count) {
        self.count.add(data.n);
        self.show();
      }
    },

    show: function () {
      var count = this.count;
      if (count && count.different === count.total) {
        this.tell(count.text() + ': lost 0.');
        this.button.disabled = false;
      } else if (count && !isCut) {
        this.tell(count.text() + '\u2026');
      }
    }
  };

  thywill.cuttable = function (client, place) {
    return new Cut(client, place);
  };
}(thywill.internal));
