// The global `thywill` and the helpers that every other file uses.
(function (window) {
  var thywill = window.thywill = {};

  // Every timer and every look at the time goes through here: tests put a clock of their own in its place.
  thywill.clock = {
    now: function () { return new Date().getTime(); },
    set: function (action, milliseconds) { return window.setTimeout(action, milliseconds); },
    clear: function (timer) { window.clearTimeout(timer); }
  };

  thywill.isArray = function (value) {
    return Object.prototype.toString.call(value) === '[object Array]';
  };

  // What an exchange without an answer ends with: it has the form of the server's own errors.
  thywill.failure = function (code, message) {
    return {error: {code: code, message: message}};
  };

  thywill.later = function (action) {
    thywill.clock.set(action, 0);
  };

  // Shows an exception in the console, where it can't stop what goes on here.
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

  Emitter.prototype.on = function (name, listener) {
    this.listeners[name] = this.listening(name).concat([listener]);
  };

  Emitter.prototype.off = function (name, listener) {
    var all = this.listening(name), kept = [], i;
    for (i = 0; i < all.length; i += 1) {
      if (all[i] !== listener) { kept.push(all[i]); }
    }
    this.listeners[name] = kept;
  };

  // Returns whether anyone listened. on() and off() replace the list, so a listener may call them here.
  Emitter.prototype.emit = function (name, first, second) {
    var all = this.listening(name), i;
    for (i = 0; i < all.length; i += 1) { thywill.run(all[i], first, second); }
    return all.length > 0;
  };

  Emitter.prototype.listening = function (name) {
    if (!this.listeners.hasOwnProperty(name)) { throw new Error('thywill: there is no event "' + name + '"'); }
    return this.listeners[name];
  };

  thywill.Emitter = Emitter;
}(window));
