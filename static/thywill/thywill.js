// The global `thywill`, and the helpers that every other file uses.
(function (window) {
  var thywill = window.thywill = {};

  // All timers and times go through here, so that tests can put another clock in its place.
  thywill.clock = {
    now: function () { return new Date().getTime(); },
    set: function (action, milliseconds) { return window.setTimeout(action, milliseconds); },
    clear: function (timer) { window.clearTimeout(timer); }
  };

  thywill.later = function (action) {
    thywill.clock.set(action, 0);
  };

  thywill.isArray = function (value) {
    return Object.prototype.toString.call(value) === '[object Array]';
  };

  thywill.without = function (list, item) {
    var kept = [], i;
    for (i = 0; i < list.length; i += 1) {
      if (list[i] !== item) { kept.push(list[i]); }
    }
    return kept;
  };

  // Shows an exception in the console, where it stops nothing else.
  thywill.report = function (exception) {
    thywill.later(function () { throw exception; });
  };

  // Calls a function of the application, if there is one.
  thywill.run = function (action, first, second) {
    try {
      if (action) { action(first, second); }
    } catch (exception) {
      thywill.report(exception);
    }
  };

  function Emitter(names) {
    this.listeners = {};
    for (var i = 0; i < names.length; i += 1) { this.listeners[names[i]] = []; }
  }

  Emitter.prototype = {
    on: function (name, listener) {
      this.listeners[name] = this.listening(name).concat([listener]);
    },

    off: function (name, listener) {
      this.listeners[name] = thywill.without(this.listening(name), listener);
    },

    // Returns whether anyone listens. Listeners may come and go meanwhile: on() and off() make new lists.
    emit: function (name, first, second) {
      var list = this.listening(name), i;
      for (i = 0; i < list.length; i += 1) { thywill.run(list[i], first, second); }
      return list.length > 0;
    },

    listening: function (name) {
      if (!this.listeners.hasOwnProperty(name)) { throw new Error('thywill: there is no event "' + name + '"'); }
      return this.listeners[name];
    }
  };

  thywill.Emitter = Emitter;
}(window));
