// IE8 and IE9.
(function () {
  function nothing() {}

  function Xdr(address) {
    this.address = address;
    this.jsonp = new thywill.Jsonp(address);
  }

  Xdr.usable = function () {
    return !!window.XDomainRequest;
  };

  Xdr.prototype = {
    // It hides what errors say, and can't go from HTTP to HTTPS: what failed is asked again by JSONP.
    request: function (operation, fields, seconds, done) {
      var jsonp = this.jsonp, drop = this.post(operation, fields, seconds, function (answer) {
        if (!answer.error || answer.error.code !== 'unreachable') { return done(answer); }
        drop = jsonp.request(operation, fields, seconds, done);
      });
      return function () { drop(); };
    },

    post: function (operation, fields, seconds, done) {
      var address = this.address + operation;
      return thywill.exchange(function (settle) {
        var request = new window.XDomainRequest();
        request.open('POST', address);
        request.onload = request.onerror = function () { settle(thywill.decode(request)); };
        // Without these IE9 may drop the request.
        request.onprogress = request.ontimeout = nothing;
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

    name: 'longpoll',
    limit: Infinity,
    size: thywill.bytes
  };

  thywill.transportKinds.push(Xdr);
}());
