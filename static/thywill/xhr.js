// The transport by XMLHttpRequest: to the page's own origin, and by CORS to other origins.
(function (internal) {
  'use strict';

  var FORBIDDEN = 'The connect-src of this page forbids ',
      AWAY = ' does not answer.',
      UNREADABLE = ' does not answer, and the script-src of this page hides why.',
      HINDERED = ' answers, but not to this page: headers are changed on the way, or the setting origins lacks ',
      // After so many failures in a row a script finds out whether the server refuses the page.
      TRIES = 3,
      // Seconds in which the script has to bring an answer.
      ANSWER = 10,
      // The directives of the page's own policy that have forbidden something, each with the origin.
      blocked = {};

  function nothing() {}

  function originOf(address) {
    return String(address).split('/', 3).join('/');
  }

  // Browsers say so when the page's own Content-Security-Policy forbids a request.
  if (document.addEventListener) {
    internal.listen(document, 'securitypolicyviolation', function (event) {
      if (event.disposition !== 'report') { blocked[event.effectiveDirective.split('-elem')[0] + originOf(event.blockedURI)] = true; }
    });
  }

  function isBlocked(directive, address) {
    return blocked[directive + originOf(address)];
  }

  function create() {
    return window.XMLHttpRequest ? new window.XMLHttpRequest() : new window.ActiveXObject('Microsoft.XMLHTTP');
  }

  function Xhr(address) {
    this.address = address;
    this.otherOrigin = internal.isOtherOrigin(address);
    this.failures = 0;
    // Whether the page has read an answer, or the console has said why it can't.
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
        if (isFailure && isBlocked('connect-src', self.address)) { return done(internal.failure('policy', FORBIDDEN + self.address)); }
        if (!self.otherOrigin || !isFailure || self.failures % TRIES) { return done(answer); }
        drop = self.inquire(answer, done);
      });
      return function () { drop(); };
    },

    // In a page of another origin a refusal looks like a failure of the network. A script can read the refusal.
    inquire: function (failure, done) {
      var self = this;
      return new internal.Jsonp(self.address).request('poll', {token: '', cursor: 0}, ANSWER, function (answer) {
        if (answer.error && answer.error.code === 'origin') { return done(answer); }
        if (!self.isClear) {
          self.isClear = true;
          internal.warn(self.address + (isBlocked('script-src', self.address) ? UNREADABLE :
            /^(unreachable|timeout)$/.test((answer.error || {}).code) ? AWAY : HINDERED + location.protocol + '//' + location.host + '.'));
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
          // Without this IE6 leaks memory; it does not accept null here.
          request.onreadystatechange = nothing;
          if (open) { request.abort(); }
          request = null;
        };
      }, seconds, done);
    },

    // A page that unloads can only send a beacon, or a request that blocks.
    leave: function (fields, unloading) {
      try {
        if (!internal.beacon(this.address + 'leave', fields)) { this.open('leave', !unloading).send(internal.encode(fields)); }
      } catch (exception) {
        // The server ends the client after its grace time.
      }
    },

    open: function (operation, asynchronous) {
      var request = create();
      request.open('POST', this.address + operation, asynchronous);
      // The browser then sends the session's cookie.
      if (this.otherOrigin) { request.withCredentials = true; }
      // A request of this type needs no preflight.
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
