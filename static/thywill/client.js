// The client: the object that an application uses.
(function (internal) {
  'use strict';

  var EVENTS = 'message, message:TYPE, state, error, transport, presence, restart, ticket',
      // The most messages in unsent.
      UNSENT = 1000,
      // Milliseconds for each second of a ticket until the page is asked for a new one.
      EARLY = 800,
      // The most milliseconds of a timer.
      LONGEST = 2e9;

  function nothing() {}

  // Calls begin(done). Without a callback it returns a promise, if the browser has promises.
  function promise(callback, begin) {
    if (callback || !window.Promise) {
      return begin(function (error, result) { internal.run(callback, error, result); });
    }
    return new window.Promise(function (resolve, reject) {
      begin(function (error, result) { if (error) { reject(error); } else { resolve(result); } });
    });
  }

  // Calls opened(error) once: without an error when the client is connected, with one when it is gone.
  function Client(identity, transport, opened) {
    var self = this;
    self.application = identity.application;
    self.parameters = identity.parameters || {};
    self.state = 'connecting';
    self.opened = opened;
    // The name of the transport that brings messages.
    self.transport = null;
    self.listeners = {};
    // Events that wait for the start of the application.
    self.early = [];
    // Messages that the server had not accepted when the client ended.
    self.unsent = [];
    // Whether a connection bar may be shown, and its script.
    self.bar = identity.bar !== false && thywill.bar !== false;
    self.barScript = identity.bar || internal.fileOf(transport.address, 'bar.js');
    self.identity = identity;
    // The transport of all requests but streams.
    self.base = transport;
    // The fields of the request for a new client.
    self.fields = identity.fields || {application: self.application};
    self.requester = internal.ask(transport, 'connect', self.fields, 'token', function (answer) {
      internal.each(answer, function (name, value) { identity[name] = value; });
      self.begin();
      self.dispatcher.start();
    }, function (error) {
      self.changeState('gone', error);
    });
    self.begin();
  }

  Client.prototype = {
    // The list is replaced, not changed: it may be in use by an event.
    on: function (name, listener) {
      this.listeners[name] = this.listenersOf(name).concat([listener]);
    },

    off: function (name, listener) {
      this.listeners[name] = internal.without(this.listenersOf(name), listener);
    },

    send: function (data, callback) {
      var self = this, item = {data: internal.json.stringify(data)}, sent = promise(callback, function (done) {
        item.done = function (error) {
          if (error && error === self.dispatcher.error && self.unsent.length < UNSENT) {
            self.unsent.push(internal.json.parse(item.data));
          }
          done(error);
        };
        self.dispatcher.send(item);
      });
      // An application may ignore the promise, so its rejection is no error.
      if (sent) { sent.then(null, nothing); }
      return sent;
    },

    // The callback may be left out. The only option is timeout, in seconds.
    call: function (method, parameters, callback, options) {
      var self = this, item = {data: internal.json.stringify(parameters || []), method: internal.json.stringify(method)};
      if (typeof callback !== 'function') {
        options = options || callback;
        callback = null;
      }
      return promise(callback, function (done) {
        var seconds = (options || {}).timeout, timer = seconds > 0 && thywill.clock.set(function () {
          end(internal.late(seconds).error);
        }, seconds * 1000);

        function end(error, result) {
          var first = done;
          done = null;
          thywill.clock.clear(timer);
          if (first) { first(error, result); }
        }

        item.done = function (error, number) {
          // An earlier callback may have made the client leave.
          error = error || self.dispatcher.error;
          if (error) { end(error); } else { self.calls[number] = end; }
        };
        self.dispatcher.send(item);
      });
    },

    // Sends a new ticket of the same user, before the present one ends.
    renew: function (ticket, callback) {
      var self = this;
      return promise(callback, function (done) {
        internal.ask(self.base, 'ticket', {token: self.identity.token, ticket: ticket}, 'ticket', function (answer) {
          self.fields.ticket = ticket;
          self.expectEnd(answer.ticket);
          done(null);
        }, done).proceed();
      });
    },

    leave: function () {
      this.requester.close();
      this.dispatcher.leave();
      if (this.state !== 'gone') { this.changeState('gone', internal.LEFT); }
    },

    // The methods below are for the other files, not for the application.

    // Begins with an identity from the server: the first one, or a new one after a restart.
    begin: function () {
      var identity = this.identity;
      this.id = identity.client;
      this.user = identity.user || null;
      // The functions that end the calls, by the numbers of their items.
      this.calls = {};
      this.dispatcher = new internal.Dispatcher(identity, this.base, this);
      this.expectEnd(identity.ticket);
    },

    // Asks the application for a new ticket some time before the present one ends, which is valid for `seconds`.
    expectEnd: function (seconds) {
      var self = this;
      thywill.clock.clear(self.ending);
      self.ending = seconds && thywill.clock.set(function () { self.emit('ticket'); }, Math.min(seconds * EARLY, LONGEST));
    },

    listenersOf: function (name) {
      if (!/^message:/.test(name) && (', ' + EVENTS + ', ').indexOf(', ' + name + ', ') < 0) {
        throw new Error('There is no event "' + name + '": ' + EVENTS + '.');
      }
      return this.listeners[name] || [];
    },

    // The application has added its listeners: they get the events that have waited.
    start: function () {
      internal.page.listenLast();
      while (this.early && this.early.length) { this.notify.apply(this, this.early.shift()); }
      this.early = null;
      if (this.bar && !this.listeners.state) { this.addBar(); }
    },

    addBar: function () {
      var self = this;
      internal.loadScript(self.barScript, function () {
        self.notice = internal.Bar && new internal.Bar(self);
      });
    },

    deliver: function (data, replyTo) {
      var end = this.calls[replyTo];
      delete this.calls[replyTo];
      if (end) {
        end(data.error || null, data.result);
      } else if (replyTo === 'presence') {
        this.emit(replyTo, data.channel, data.joined, data.reset ? null : data.left);
      } else if (replyTo === undefined) {
        this.emit('message', data);
        if (data && typeof data.type === 'string') { this.emit('message:' + data.type, data); }
      } else if (data.error) {
        this.emit('error', data.error);
      }
    },

    changeState: function (state, detail) {
      var opened = this.opened, isAgain = state === 'gone' && this.mayRestart(detail);
      if (state === 'connected' && state === this.state) { return; }
      this.state = isAgain ? 'connecting' : state;
      this.emit('state', this.state, detail);
      this.detail = detail;
      if (this.notice) { this.notice.change(); }
      if (state === 'gone') { this.failCalls(detail); }
      if (isAgain) {
        this.restart();
      } else if (opened && (state === 'connected' || state === 'gone')) {
        this.opened = null;
        opened(detail);
      }
    },

    // Returns whether nobody has ended the client on purpose, and the application listens to restart.
    mayRestart: function (error) {
      var hasTicket = !this.identity.ticket || this.fields.ticket;
      return error.reconnect && !this.early && hasTicket && this.listenersOf('restart').length;
    },

    // Asks for a new identity, with back-off, until it has worked.
    restart: function () {
      var self = this;
      self.opened = function (error) {
        var unsent = self.unsent;
        self.requester.backoff.reset();
        self.unsent = [];
        if (!error) { self.emit('restart', unsent); }
      };
      self.requester.retry();
    },
    changeTransport: function (name) {
      if (name === this.transport) { return; }
      this.transport = name;
      this.emit('transport', name);
    },

    failCalls: function (error) {
      var calls = this.calls;
      this.calls = {};
      this.expectEnd(0);
      internal.each(calls, function (number, end) { end(error); });
    },

    emit: function () {
      if (this.early) { this.early.push(arguments); } else { this.notify.apply(this, arguments); }
    },

    notify: function (name, first, second, third) {
      var list = this.listenersOf(name), i;
      if (name === 'error' && !list.length) { internal.report(new Error(first.message)); }
      for (i = 0; i < list.length; i += 1) { internal.run(list[i], first, second, third); }
    }
  };

  internal.Client = Client;
}(thywill.internal));
