// The client: what an application holds.
(function (internal) {
  'use strict';

  // Calls opened(error) once: without an error when the client is connected, with one when it is gone.
  function Client(identity, transport, opened) {
    var self = this;
    self.id = identity.client;
    self.application = identity.application;
    self.parameters = identity.parameters || {};
    self.state = 'connecting';
    self.opened = opened;
    // The name of the transport that brings messages.
    self.transport = null;
    self.listeners = {message: [], state: [], error: [], transport: []};
    // Events that wait for the start of the application.
    self.early = [];
    // Callbacks of calls, by the number of the item.
    self.calls = {};
    self.dispatcher = new internal.Dispatcher(identity, transport, self);
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
      this.dispatcher.send({
        data: internal.json.stringify(data),
        done: function (error) { internal.run(callback, error); }
      });
    },

    call: function (method, parameters, callback) {
      var self = this;
      self.dispatcher.send({
        data: internal.json.stringify(parameters),
        method: internal.json.stringify(method),
        done: function (error, number) {
          // An earlier callback may have made the client leave.
          error = error || self.dispatcher.error;
          if (error) { internal.run(callback, error); } else { self.calls[number] = callback; }
        }
      });
    },

    leave: function () {
      this.dispatcher.leave();
    },

    // The rest is for the other files, not for the application.

    listenersOf: function (name) {
      if (!Object.prototype.hasOwnProperty.call(this.listeners, name)) {
        throw new Error('There is no event "' + name + '": message, state, error, transport.');
      }
      return this.listeners[name];
    },

    // The application's listeners are there: they get what has waited for them.
    start: function () {
      internal.page.listenLast();
      while (this.early && this.early.length) { this.notify.apply(this, this.early.shift()); }
      this.early = null;
    },

    deliver: function (data, replyTo) {
      var callback = this.calls[replyTo];
      delete this.calls[replyTo];
      if (callback) {
        internal.run(callback, data.error || null, data.result);
      } else if (!replyTo) {
        this.emit('message', data);
      } else if (data.error) {
        this.emit('error', data.error);
      }
    },

    changeState: function (state, detail) {
      var opened = this.opened;
      if (state === 'connected' && state === this.state) { return; }
      this.state = state;
      this.emit('state', state, detail);
      if (state === 'gone') { this.failCalls(detail); }
      if (opened && (state === 'connected' || state === 'gone')) {
        this.opened = null;
        opened(detail);
      }
    },

    changeTransport: function (name) {
      if (name === this.transport) { return; }
      this.transport = name;
      this.emit('transport', name);
    },

    failCalls: function (error) {
      var calls = this.calls;
      this.calls = {};
      internal.each(calls, function (number, callback) { internal.run(callback, error); });
    },

    emit: function () {
      if (this.early) { this.early.push(arguments); } else { this.notify.apply(this, arguments); }
    },

    notify: function (name, first, second) {
      var list = this.listeners[name], i;
      if (name === 'error' && !list.length) { internal.report(new Error(first.message)); }
      for (i = 0; i < list.length; i += 1) { internal.run(list[i], first, second); }
    }
  };

  internal.Client = Client;
}(thywill.internal));
