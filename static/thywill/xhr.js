(function () {
  function nothing() {}

  function create() {
    return window.XMLHttpRequest ? new window.XMLHttpRequest() : new window.ActiveXObject('Microsoft.XMLHTTP');
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
          if (request.readyState === 4) { settle(thywill.decode(request)); }
        };
        request.send(thywill.encode(fields));

        return function (open) {
          request.onreadystatechange = nothing; // or it leaks in IE6, which takes no null
          if (open) { request.abort(); }
          request = null;
        };
      }, seconds, done);
    },

    // Unloading leaves time for a beacon, or for a request that blocks.
    leave: function (fields, unloading) {
      var body = thywill.encode(fields);
      try {
        if (navigator.sendBeacon && navigator.sendBeacon(this.address + 'leave', body)) { return; }
        this.open('leave', !unloading).send(body);
      } catch (exception) { } // the grace time ends it
    },

    open: function (operation, asynchronous) {
      var request = create();
      request.open('POST', this.address + operation, asynchronous);
      if (this.otherOrigin) { request.withCredentials = true; } // the session's cookie
      request.setRequestHeader('Content-Type', 'text/plain;charset=UTF-8'); // no preflight
      return request;
    },

    name: 'longpoll',
    limit: Infinity,
    size: thywill.bytes
  };

  thywill.transportKinds.push(Xhr);
}());
