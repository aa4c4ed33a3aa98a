// The back-off policy: how long to wait after a failure. It sets no timer.
(function (internal) {
  'use strict';

  var BASE = 0.5, CAP = 30;

  function Backoff(random) {
    this.random = random || Math.random;
    this.reset();
  }

  // Full jitter: a server that restarts must not meet all its browsers at once.
  Backoff.prototype.next = function () {
    var ceiling = Math.min(CAP, BASE * Math.pow(2, this.failures));
    this.failures += 1;
    return this.random() * ceiling;
  };

  Backoff.prototype.reset = function () {
    this.failures = 0;
  };

  internal.Backoff = Backoff;
}(thywill.internal));
