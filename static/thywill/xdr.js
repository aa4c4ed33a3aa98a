// The transport by XDomainRequest: to other origins in IE8 and IE9.
(function (internal) {
  'use strict';

  function Xdr(address) {
    this.address = address;
    this.jsonp = new internal.Jsonp(address);
  }

  // It can't go between HTTP and HTTPS.
  Xdr.usable = function (address) {
    return !!window.XDomainRequest && !address.indexOf(location.protocol);
  };

  Xdr.prototype = {
    // It hides what errors say: what failed is asked again by JSONP. Not a text: that belongs to a stream.
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

    // Has the shape of an XMLHttpRequest.
    open: function (operation) {
      var request = new window.XDomainRequest(), shape = {
        send: function (body) { request.send(body); },
        abort: function () { request.abort(); }
      };

      function tell(state, works) {
        return function () {
          shape.readyState = state;
          shape.responseText = works ? request.responseText : '';
          // Its own status it hides.
          shape.status = works && !shape.responseText ? 204 : 0;
          shape.onreadystatechange();
        };
      }

      request.open('POST', this.address + operation);
      // Without all of these IE9 may drop the request.
      request.onprogress = tell(3, true);
      request.onload = tell(4, true);
      request.onerror = request.ontimeout = tell(4, false);
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
