// The transport by XDomainRequest: to other origins in IE8 and IE9.
(function (internal) {
  'use strict';

  function Xdr(address) {
    this.address = address;
    this.jsonp = new internal.Jsonp(address);
  }

  // XDomainRequest can't go between HTTP and HTTPS.
  Xdr.usable = function (address) {
    return !!window.XDomainRequest && !address.indexOf(location.protocol);
  };

  Xdr.prototype = {
    // XDomainRequest hides the body of an error, so a failed request is repeated by JSONP. A text is not repeated, since
    // it belongs to a stream.
    request: function (operation, fields, seconds, done) {
      var jsonp = this.jsonp, drop = this.post(operation, fields, seconds, function (answer) {
        if (typeof fields === 'string' || !answer.error || answer.error.code !== 'unreachable') {
          return done(answer);
        }
        drop = jsonp.request(operation, fields, seconds, done);
      });
      return function () { drop(); };
    },

    post: internal.Xhr.prototype.ask,

    // Returns an object that behaves like an XMLHttpRequest.
    open: function (operation) {
      var request = new window.XDomainRequest(), shape = {
        send: function (body) { request.send(body); },
        abort: function () { request.abort(); }
      };

      function change(state, works) {
        return function () {
          shape.readyState = state;
          shape.responseText = works ? request.responseText : '';
          // XDomainRequest hides the status.
          shape.status = works && !shape.responseText ? 204 : 0;
          shape.onreadystatechange();
        };
      }

      request.open('POST', this.address + operation);
      // IE9 may drop a request that lacks one of these handlers.
      request.onprogress = change(3, true);
      request.onload = change(4, true);
      request.onerror = request.ontimeout = change(4, false);
      return shape;
    },

    leave: function (fields) {
      this.jsonp.leave(fields);
    },

    name: 'longpoll',
    limit: Infinity,
    size: internal.bytes
  };

  internal.Xdr = Xdr;
  internal.transportKinds.push(Xdr);
}(thywill.internal));
