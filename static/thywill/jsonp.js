// Requests by script tags, to other origins from old browsers.
(function (window, thywill) {
  var LIMIT = 1900, // IE takes addresses of 2083 characters, some proxies 2000
      NAME = 'callback=thywill.callbacks.',
      NAME_LIMIT = 30,
      LATE = 60000,
      count = 0,
      callbacks = thywill.callbacks = {}; // not globals, which old IE could not delete

  // Never used before: its script may be in a cache.
  function newName() {
    count += 1;
    return 'c' + thywill.clock.now().toString(36) + '_' + count.toString(36);
  }

  // A dropped script may still come.
  function expectLate(name) {
    callbacks[name] = function () { delete callbacks[name]; };
    thywill.clock.set(callbacks[name], LATE);
  }

  function Jsonp(address) {
    this.address = address;
  }

  Jsonp.usable = function () {
    return true;
  };

  Jsonp.prototype = {
    request: function (operation, fields, seconds, done) {
      var name = newName(), address = this.locate(operation, fields) + name;
      return thywill.exchange(function (settle) {
        var drop = thywill.loadScript(address, function () {
          // Later: IE6 may say so before it has run.
          thywill.later(function () { settle(thywill.failure('unreachable', 'The script did not answer.')); });
        });
        callbacks[name] = settle;

        return function (open) {
          drop();
          delete callbacks[name];
          if (open) { expectLate(name); }
        };
      }, seconds, done);
    },

    leave: function (fields) {
      new window.Image().src = this.locate('leave', fields) + 'left'; // outlives the page
    },

    locate: function (operation, fields) {
      var address = this.address + operation + '?', name;
      for (name in fields) {
        if (fields.hasOwnProperty(name)) { address += name + '=' + encodeURIComponent(fields[name]) + '&'; }
      }
      return address + NAME;
    },

    size: function (text) {
      return encodeURIComponent(text).length;
    },

    room: function (fields, operation) {
      return LIMIT - NAME_LIMIT - this.locate(operation || 'send', fields).length;
    }
  };

  thywill.Jsonp = Jsonp;
  thywill.transports.push(Jsonp);
}(window, window.thywill));
