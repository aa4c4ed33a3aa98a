// Requests by XMLHttpRequest, to our own origin or, with CORS, to another.
(function (window, thywill) {
  function nothing() {}

  // IE6, and IE7 by an administrator's choice, have the ActiveX form only.
  function create() {
    return window.XMLHttpRequest ? new window.XMLHttpRequest() : new window.ActiveXObject('Microsoft.XMLHTTP');
  }

  // IE's own statuses (1223 for 204, 12002 to 12152 for lost connections) have no body, and reading may throw.
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
          request.onreadystatechange = nothing; // IE6 leaks what it keeps, and takes no null
          if (open) { request.abort(); }
          request = null;
        };
      }, seconds, done);
    },

    // An unloading page has time for a beacon, or else for a request that it waits for.
    leave: function (fields, unloading) {
      var navigator = window.navigator, body = thywill.encode(fields);
      try {
        if (navigator.sendBeacon && navigator.sendBeacon(this.address + 'leave', body)) { return; }
        this.open('leave', !unloading).send(body);
      } catch (exception) { } // the grace time ends the client, too
    },

    open: function (operation, asynchronous) {
      var request = create();
      request.open('POST', this.address + operation, asynchronous);
      if (this.otherOrigin) { request.withCredentials = true; } // for the session's cookie
      request.setRequestHeader('Content-Type', 'text/plain;charset=UTF-8'); // needs no preflight
      return request;
    },

    size: thywill.bytes,
    room: function () { return Infinity; }
  };

  thywill.transports.push(Xhr);
}(window, window.thywill));
