// Requests by XMLHttpRequest: to the page's own origin or, where the browser knows CORS, to another.
(function (window, thywill) {
  function nothing() {}

  // IE6 has the ActiveX form only, and so has IE7 where an administrator has switched the other off.
  function create() {
    return window.XMLHttpRequest ? new window.XMLHttpRequest() : new window.ActiveXObject('Microsoft.XMLHTTP');
  }

  // IE's statuses of its own, 1223 for 204 and 12002 to 12152 for lost connections, come without a body:
  // they are failures without being looked at.
  function read(request) {
    try {
      return thywill.decode(request.responseText, request.status);
    } catch (exception) {
      return thywill.failure('unreachable', exception.message);
    }
  }

  function Xhr(address) {
    this.address = address;
    this.otherOrigin = thywill.isOtherOrigin(address);
  }

  Xhr.usable = function (address) {
    try {
      var request = create();
      return !thywill.isOtherOrigin(address) || 'withCredentials' in request;
    } catch (exception) {
      return false;
    }
  };

  Xhr.prototype = {
    request: function (operation, fields, seconds, done) {
      var self = this;
      return thywill.exchange(function (settle) {
        var request = self.open(operation, true);

        request.onreadystatechange = function () {
          if (request.readyState === 4) { settle(read(request)); }
        };
        request.send(thywill.encode(fields));

        return function (open) {
          request.onreadystatechange = nothing; // or IE6 would never free it; it takes no null here
          if (open) { request.abort(); }
          request = null;
        };
      }, seconds, done);
    },

    // A page that is unloading has time for a beacon, or else for a request that the browser waits for.
    leave: function (fields, unloading) {
      var navigator = window.navigator, body = thywill.encode(fields);
      try {
        if (navigator.sendBeacon && navigator.sendBeacon(this.address + 'leave', body)) { return; }
        this.open('leave', !unloading).send(body);
      } catch (exception) { } // the server's grace time does the rest
    },

    open: function (operation, asynchronous) {
      var request = create();
      request.open('POST', this.address + operation, asynchronous);
      if (this.otherOrigin) { request.withCredentials = true; } // for the session's cookie
      // The type that needs no permission (preflight) for another origin.
      request.setRequestHeader('Content-Type', 'text/plain;charset=UTF-8');
      return request;
    },

    size: thywill.bytes,
    room: function () { return Infinity; }
  };

  thywill.transports.push(Xhr);
}(window, window.thywill));
