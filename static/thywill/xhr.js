// The transport by XMLHttpRequest: to the page's own origin, and to others by CORS.
(function (internal) {
  'use strict';

  // Failures in a row, before it is asked whether they are refusals.
  var TRIES = 3,
      // Seconds for the answer.
      ANSWER = 10;

  function nothing() {}

  function create() {
    return window.XMLHttpRequest ? new window.XMLHttpRequest() : new window.ActiveXObject('Microsoft.XMLHTTP');
  }

  function Xhr(address) {
    this.address = address;
    this.otherOrigin = internal.isOtherOrigin(address);
    this.failures = 0;
    // The page has read an answer, or the console says that it can't.
    this.isClear = false;
  }

  Xhr.usable = function (address) {
    try {
      var request = create();
      return !internal.isOtherOrigin(address) || 'withCredentials' in request;
    } catch (exception) {
      return false;
    }
  };

  Xhr.prototype = {
    request: function (operation, fields, seconds, done) {
      var self = this, drop = self.ask(operation, fields, seconds, function (answer) {
        var isFailure = answer.error && /^(unreachable|timeout)$/.test(answer.error.code);
        self.failures = isFailure ? self.failures + 1 : 0;
        self.isClear = self.isClear || !isFailure;
        if (!self.otherOrigin || !isFailure || self.failures % TRIES) { return done(answer); }
        drop = self.inquire(answer, done);
      });
      return function () { drop(); };
    },

    // The browser shows a page of another origin that it is refused as a failure of the network. A script is told.
    inquire: function (failure, done) {
      var self = this;
      return new internal.Jsonp(self.address).request('poll', {token: '', cursor: 0}, ANSWER, function (answer) {
        if (answer.error && answer.error.code === 'origin') { return done(answer); }
        if (!self.isClear) {
          self.isClear = true;
          internal.warn(self.address + ' is away, or refuses pages of ' + location.protocol + '//' + location.host +
            ': see origins in [client_interface].');
        }
        done(failure);
      });
    },

    ask: function (operation, fields, seconds, done) {
      var self = this;
      return internal.exchange(function (settle) {
        var request = self.open(operation, true);
        request.onreadystatechange = function () {
          if (request && request.readyState === 4) { settle(internal.decode(request)); }
        };
        request.send(internal.encode(fields));

        return function (open) {
          // Else it leaks in IE6, which takes no null.
          request.onreadystatechange = nothing;
          if (open) { request.abort(); }
          request = null;
        };
      }, seconds, done);
    },

    // Unloading leaves time for a beacon, or for a request that blocks.
    leave: function (fields, unloading) {
      try {
        if (!internal.beacon(this.address, fields)) { this.open('leave', !unloading).send(internal.encode(fields)); }
      } catch (exception) {
        // The grace time ends it.
      }
    },

    open: function (operation, asynchronous) {
      var request = create();
      request.open('POST', this.address + operation, asynchronous);
      // The session's cookie.
      if (this.otherOrigin) { request.withCredentials = true; }
      // This needs no preflight.
      request.setRequestHeader('Content-Type', 'text/plain;charset=UTF-8');
      return request;
    },

    name: 'longpoll',
    limit: Infinity,
    size: internal.bytes
  };

  internal.Xhr = Xhr;
  internal.transportKinds.push(Xhr);
}(thywill.internal));
