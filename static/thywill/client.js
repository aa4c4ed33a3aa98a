// A client, as the application sees it.
(function (thywill) {
  // Calls opened(error) once: when the server has confirmed the connection, or refused it.
  function Client(identity, transport, opened) {
    var self = this;
    thywill.Emitter.call(self, ['message', 'state', 'error']);
    self.id = identity.client;
    self.application = identity.application;
    self.parameters = identity.parameters || {};
    self.state = 'connecting';
    self.opened = opened;
    self.early = []; // events from before the application has started
    self.calls = {}; // callbacks, by the number of the call
    self.dispatcher = new thywill.Dispatcher(identity, transport, self);
  }

  Client.prototype = new thywill.Emitter([]);

  Client.prototype.send = function (data, callback) {
    this.dispatcher.send({
      data: thywill.json.stringify(data),
      done: function (error) { thywill.run(callback, error); }
    });
  };

  Client.prototype.call = function (method, parameters, callback) {
    var self = this;
    if (!thywill.isArray(parameters)) { throw new TypeError('thywill: a call takes its arguments as a list'); }
    self.dispatcher.send({
      data: thywill.json.stringify(parameters),
      method: thywill.json.stringify(method),
      done: function (error, number) {
        if (error) { thywill.run(callback, error); } else { self.calls[number] = callback; }
      }
    });
  };

  Client.prototype.leave = function () {
    this.dispatcher.leave();
  };

  // What follows is for the dispatcher and the bootstrap.

  // The application has started: now it hears what has happened meanwhile.
  Client.prototype.begin = function () {
    var event;
    while (this.early.length) {
      event = this.early.shift();
      this.show(event[0], event[1], event[2]);
    }
    this.early = null;
  };

  Client.prototype.received = function (data) {
    this.tell('message', data);
  };

  Client.prototype.replied = function (number, outcome) {
    var callback = this.calls[number];
    delete this.calls[number];
    if (callback) {
      thywill.run(callback, outcome.error || null, outcome.result);
    } else if (outcome.error) {
      this.tell('error', outcome.error);
    }
  };

  Client.prototype.changed = function (state, detail) {
    var opened = this.opened;
    if (state === 'connected' && state === this.state) { return; }
    this.state = state;
    this.tell('state', state, detail);
    if (state === 'gone') { this.fail(detail); }
    if (opened && (state === 'connected' || state === 'gone')) {
      this.opened = null;
      opened(detail);
    }
  };

  Client.prototype.fail = function (error) {
    var calls = this.calls, number;
    this.calls = {};
    for (number in calls) {
      if (calls.hasOwnProperty(number)) { thywill.run(calls[number], error); }
    }
  };

  Client.prototype.tell = function (name, first, second) {
    if (this.early) {
      this.early.push([name, first, second]);
    } else {
      this.show(name, first, second);
    }
  };

  Client.prototype.show = function (name, first, second) {
    if (!this.emit(name, first, second) && name === 'error') {
      thywill.report(new Error('thywill: ' + first.code + ': ' + first.message));
    }
  };

  thywill.Client = Client;
}(window.thywill));
