// For pages of other origins that can't ask the server themselves: by a hidden frame. bridge.js knows how, and is
// loaded where that is needed.
(function () {
  function Iframe(address) {
    this.address = address;
  }

  Iframe.usable = function (address) {
    return !!window.postMessage && thywill.isOtherOrigin(address);
  };

  Iframe.prototype = {
    request: function (operation, fields, seconds, done) {
      var self = this, script = self.address.replace(/thywill\/$/, 'static/0/bridge.js'),
          drop = thywill.exchange(function (settle) {
            return thywill.loadScript(script, function () { settle(thywill.failure('unreachable', script)); });
          }, seconds, function (failure) {
            if (!self.carry) { return done(failure); }
            // By now this is another function.
            drop = self.request(operation, fields, seconds, done);
          });
      return function () { drop(); };
    },

    name: 'iframe',
    limit: Infinity,
    size: thywill.bytes
  };

  thywill.Iframe = Iframe;
  thywill.transportKinds.push(Iframe);
}());
