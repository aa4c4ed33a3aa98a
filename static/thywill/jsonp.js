// The transport by script elements, for browsers that have no better one.
(function (internal) {
  'use strict';

  // The most characters of an address: IE allows 2083, some proxies 2000.
  var LIMIT = 1900,
      // Milliseconds for which a dropped script may still come.
      LATE = 60000,
      count = 0,
      // Callbacks are properties of an object, since IE can't delete globals.
      callbacks = internal.callbacks = {};

  // Returns a new name, so that no cache has the address.
  function newName() {
    count += 1;
    return 'c' + thywill.clock.now() + '_' + count;
  }

  // A dropped script may still come, and must find its callback.
  function expectLate(name) {
    callbacks[name] = function () { delete callbacks[name]; };
    thywill.clock.set(callbacks[name], LATE);
  }

  function Jsonp(address) {
    this.address = address;
    this.limit = LIMIT - 100 - address.length;
  }

  Jsonp.usable = function () {
    return true;
  };

  Jsonp.prototype = {
    request: function (operation, fields, seconds, done) {
      var name = newName(), address = this.locate(operation, fields, name);
      return internal.exchange(function (settle) {
        var drop;
        if (address.length > LIMIT) { throw new Error('Too long.'); }
        callbacks[name] = settle;
        drop = internal.loadScript(address, function () {
          // IE6 may report a script as loaded before it has run.
          internal.later(function () { settle(internal.failure('unreachable', 'No answer.')); });
        });

        return function (open) {
          drop();
          delete callbacks[name];
          if (open) { expectLate(name); }
        };
      }, seconds, done);
    },

    // Firefox loads no picture for a page that is being closed, so a beacon is tried first.
    leave: function (fields) {
      if (!internal.beacon(this.address + 'leave', fields)) { new Image().src = this.locate('leave', fields, 'left'); }
    },

    locate: function (operation, fields, callback) {
      var address = this.address + operation + '?';
      internal.each(fields, function (name, value) { address += name + '=' + encodeURIComponent(value) + '&'; });
      return address + 'callback=thywill.internal.callbacks.' + callback;
    },

    name: 'jsonp',

    size: function (text) {
      return encodeURIComponent(text).length;
    }
  };

  internal.Jsonp = Jsonp;
  internal.transportKinds.push(Jsonp);
}(thywill.internal));
