// The global thywill, which pages see; thywill.internal, which has everything else; the clock, and small helpers.
(function () {
  'use strict';

  // The page may have set the order of the transports, and whether there is a connection bar, before this script.
  var before = window.thywill || {}, thywill = window.thywill = {transports: before.transports, bar: before.bar},
      internal = thywill.internal = {};

  // All times and timers come from here, so that a test can replace the clock.
  thywill.clock = {
    now: function () { return new Date().getTime(); },
    set: function (action, milliseconds) { return window.setTimeout(action, milliseconds); },
    // NetSurf throws where the timer is null.
    clear: function (timer) { if (timer) { window.clearTimeout(timer); } }
  };

  internal.later = function (action) {
    thywill.clock.set(action, 0);
  };

  internal.listen = function (target, name, listener) {
    if (target.addEventListener) {
      target.addEventListener(name, listener, false);
    } else {
      target.attachEvent('on' + name, listener);
    }
  };

  // Returns ten random digits.
  internal.digits = function () {
    return String(Math.floor((1 + Math.random()) * 1e9));
  };

  internal.isArray = function (value) {
    return Object.prototype.toString.call(value) === '[object Array]';
  };

  internal.each = function (object, action) {
    for (var name in object) {
      if (Object.prototype.hasOwnProperty.call(object, name)) { action(name, object[name]); }
    }
  };

  internal.without = function (list, item) {
    var others = [], i;
    for (i = 0; i < list.length; i += 1) {
      if (list[i] !== item) { others.push(list[i]); }
    }
    return others;
  };

  // Shows an exception in the console; the caller goes on.
  internal.report = function (exception) {
    internal.later(function () { throw exception; });
  };

  internal.warn = function (message) {
    if (window.console && window.console.warn) { window.console.warn('thywill: ' + message); }
  };

  // Calls a function of the application, if there is one.
  internal.run = function (action, first, second, third) {
    try {
      if (action) { action(first, second, third); }
    } catch (exception) {
      internal.report(exception);
    }
  };
}());
