// How long to wait after failures. Policy only: no timer here.
(function (thywill) {
  // Full jitter: anything between nothing and the ceiling, so that the browsers of a server that
  // was restarted do not come back all at once, nor again in step after their next failure.
  function Backoff(random) {
    this.random = random || Math.random;
    this.reset();
  }

  Backoff.BASE = 0.5;
  Backoff.CAP = 30;

  Backoff.prototype.next = function () {
    var ceiling = Math.min(Backoff.CAP, Backoff.BASE * Math.pow(2, this.failures));
    this.failures += 1;
    return this.random() * ceiling;
  };

  Backoff.prototype.reset = function () {
    this.failures = 0;
  };

  thywill.Backoff = Backoff;
}(window.thywill));
