// Requests to another origin from IE8 and IE9, by XDomainRequest.
(function (window, thywill) {
  function nothing() {}

  function Xdr(address) {
    this.address = address;
    this.jsonp = new thywill.Jsonp(address);
  }

  Xdr.usable = function () {
    return !!window.XDomainRequest;
  };

  Xdr.prototype = {
    // XDomainRequest hides the body of an error, so what failed is asked again by JSONP, which hides nothing:
    // every request may be repeated. Between HTTP and HTTPS, where it is of no use, JSONP does all the work.
    request: function (operation, fields, seconds, done) {
      var jsonp = this.jsonp, drop = this.post(operation, fields, seconds, function (answer) {
        if (answer.error && answer.error.code === 'unreachable' && jsonp.fits(operation, fields)) {
          drop = jsonp.request(operation, fields, seconds, done);
        } else {
          done(answer);
        }
      });
      return function () { drop(); };
    },

    post: function (operation, fields, seconds, done) {
      var address = this.address + operation;
      return thywill.exchange(function (settle) {
        var request = new window.XDomainRequest();

        request.open('POST', address);
        request.onload = function () { settle(thywill.decode(request.responseText)); };
        request.onerror = function () { settle(thywill.failure('unreachable', 'The request failed.')); };
        request.onprogress = request.ontimeout = nothing; // IE9 gives up requests that lack a handler
        request.send(thywill.encode(fields));

        return function (open) {
          request.onload = request.onerror = nothing;
          if (open) { request.abort(); }
          request = null;
        };
      }, seconds, done);
    },

    leave: function (fields) {
      this.jsonp.leave(fields);
    },

    size: thywill.bytes,
    room: function () { return Infinity; }
  };

  thywill.transports.push(Xdr);
}(window, window.thywill));
