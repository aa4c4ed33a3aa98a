// Requests by script tags, for other origins where the browser has nothing better.
(function (window, thywill) {
  var ADDRESS_LIMIT = 1900, // IE takes 2083 characters, some proxies 2000
      NAME_LIMIT = 40,
      LATE = 60000,
      count = 0,
      // The callbacks of the scripts under way. Not globals, which IE could not delete again.
      callbacks = thywill.callbacks = {};

  // A name that no earlier page has used, since a script may come from a cache.
  function newName() {
    count += 1;
    return 'c' + thywill.clock.now().toString(36) + '_' + count.toString(36);
  }

  function forget(name) {
    delete callbacks[name];
  }

  // No browser takes back a script that it has asked for, and the late one has to find its callback.
  function expectLate(name) {
    callbacks[name] = function () { forget(name); };
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
      var name = newName(), address = this.addressOf(operation, fields, name);
      return thywill.exchange(function (settle) {
        var drop = thywill.loadScript(address, function () {
          // Later, since old IE can report the script before it runs it.
          thywill.later(function () { settle(thywill.failure('unreachable', 'The script was not loaded.')); });
        });

        callbacks[name] = function (answer) {
          forget(name);
          settle(answer);
        };

        return function (open) {
          drop();
          if (open) { expectLate(name); } else { forget(name); }
        };
      }, seconds, done);
    },

    leave: function (fields) {
      var name = newName();
      expectLate(name);
      new window.Image().src = this.addressOf('leave', fields, name); // an image outlives its page
    },

    addressOf: function (operation, fields, name) {
      var parts = [], field;
      for (field in fields) {
        if (fields.hasOwnProperty(field)) { parts.push(field + '=' + encodeURIComponent(fields[field]) + '&'); }
      }
      return this.address + operation + '?' + parts.join('') + 'callback=thywill.callbacks.' + name;
    },

    fits: function (operation, fields) {
      return this.addressOf(operation, fields, '').length + NAME_LIMIT <= ADDRESS_LIMIT;
    },

    size: function (text) {
      return encodeURIComponent(text).length;
    },

    room: function (fields) {
      return ADDRESS_LIMIT - NAME_LIMIT - this.addressOf('send', fields, '').length;
    }
  };

  thywill.Jsonp = Jsonp;
  thywill.transports.push(Jsonp);
}(window, window.thywill));
