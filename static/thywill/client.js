// The client, as an application sees it.
(function (thywill) {
  // Calls opened(error) once: when the server has confirmed the connection, or has refused it.
  function Client(identity, transport, opened) {
    thywill.Emitter.call(this, ['message', 'state', 'error']);
    this.id = identity.client;
    this.application = identity.application;
    this.parameters = identity.parameters || {};
    this.state = 'connecting';
    this.opened = opened;
    this.early = []; // what happens before the application has started
    this.calls = {}; // callbacks of the calls that were accepted, by number
    this.dispatcher = new thywill.Dispatcher(identity, transport, this);
  }

  Client.prototype = new thywill.Emitter([]);

  Client.prototype.send = function (data, callback) {
    this.dispatcher.send({
      data: thywill.json.stringify(data),
      done: function (error) { thywill.run(callback, error); }
    });
  };

  Client.prototype.call = function (method, parameters, callback) {
    var calls = this.calls;
    if (!thywill.isArray(parameters)) { throw new TypeError('thywill: call() takes its arguments as a list.'); }
    this.dispatcher.send({
      data: thywill.json.stringify(parameters),
      method: thywill.json.stringify(method),
      done: function (error, number) {
        if (error) {
          thywill.run(callback, error);
        } else {
          calls[number] = callback;
        }
      }
    });
  };

  Client.prototype.leave = function () {
    this.dispatcher.leave();
  };

  // From here on, what the dispatcher and the bootstrap call.

  Client.prototype.open = function () {
    this.dispatcher.start();
  };

  // The application has started: it is told what has happened meanwhile.
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
    if (state === 'connected' && this.state === state) { return; }
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
