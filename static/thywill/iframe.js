// The transport by a hidden frame, for pages of other origins that can't send requests to the server themselves. This
// is only its beginning: the first request loads bridge.js, which replaces the methods here.
(function (internal) {
  'use strict';

  function Iframe(address) {
    this.address = address;
  }

  Iframe.usable = function (address) {
    return !!window.postMessage && internal.isOtherOrigin(address);
  };

  Iframe.prototype = {
    request: function (operation, fields, seconds, done) {
      var self = this, script = internal.fileOf(self.address, 'bridge.js'),
          drop = internal.exchange(function (settle) {
            return internal.loadScript(script, function () { settle(internal.failure('unreachable', script)); });
          }, seconds, function (failure) {
            if (!self.openStream) { return done(failure); }
            // bridge.js has replaced this function.
            drop = self.request(operation, fields, seconds, done);
          });
      return function () { drop(); };
    },

    name: 'iframe',
    limit: Infinity,
    size: internal.bytes
  };

  internal.Iframe = Iframe;
  internal.transportKinds.push(Iframe);
}(thywill.internal));
