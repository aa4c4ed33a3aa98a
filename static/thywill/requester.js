// A requester sends one request at a time, with pauses between, and adapts its time-out to slow networks. Polls have one,
// sends have another.
(function (internal) {
  'use strict';

  // Errors that may pass. Any other error ends the client, unless the server says after how many seconds to come back.
  var TEMPORARY = /^(unreachable|timeout|internal|draining|unavailable|too_many|gap|refused)$/,
      // The most seconds to wait for an answer.
      LONGEST = 120;

  // timeout: the seconds to wait for an answer at first. The requester calls proceed() after a pause, and gone(error)
  // after an error that can't get better.
  function Requester(transport, timeout, proceed, gone) {
    this.transport = transport;
    this.shortest = this.timeout = timeout;
    this.proceed = proceed;
    this.gone = gone;
    this.backoff = new internal.Backoff();
    // Seconds that the last answer took, among those that the server did not hold.
    this.roundTrip = 0;
    // Codes of errors that the owner handles.
    this.own = /^$/;
    // So many refusals in a row by pages of a proxy are final, and so many have come.
    this.pages = 4;
    this.refusals = 0;
    this.drop = this.timer = null;
    this.closed = false;
  }

  Requester.prototype = {
    isBusy: function () {
      return this.closed || !!this.drop || !!this.timer;
    },

    // Sends a request; the server may hold the answer for `hold` seconds.
    request: function (operation, fields, hold, answered) {
      var requester = this, begun = thywill.clock.now();
      requester.drop = requester.transport.request(operation, fields, hold + requester.timeout, function (answer) {
        var error = answer.error || {};
        requester.drop = null;
        requester.adapt(error.code, hold, (thywill.clock.now() - begun) / 1000);
        if (requester.isFinal(error)) {
          if (error.code === 'origin') { internal.warn(error.message); }
          requester.gone(error);
        } else {
          answered(answer, error);
        }
      });
    },

    // The time-out doubles when no answer has come, and shrinks again when answers come sooner.
    adapt: function (code, hold, seconds) {
      if (code === 'timeout') {
        this.timeout = Math.min(2 * this.timeout, LONGEST);
      } else if (!hold && code !== 'unreachable') {
        this.roundTrip = seconds;
        this.timeout = Math.max(this.shortest, Math.min(2 * seconds, LONGEST));
      }
    },

    isFinal: function (error) {
      this.refusals = error.code === 'refused' ? this.refusals + 1 : 0;
      return !!error.code && !(error.retry > 0) && !this.own.test(error.code) &&
        (!TEMPORARY.test(error.code) || this.refusals >= this.pages);
    },

    // Pauses for the seconds that the server asks for, or else for those of the back-off. Returns the seconds.
    retry: function (asked) {
      var requester = this, seconds = asked > 0 ? Math.max(0.1, Math.min(asked, 3600)) : requester.backoff.next();
      if (!requester.closed) {
        requester.timer = thywill.clock.set(function () {
          requester.timer = null;
          requester.proceed();
        }, seconds * 1000);
      }
      return seconds;
    },

    wake: function () {
      if (!this.drop) { this.restart(); }
    },

    restart: function () {
      this.clear();
      this.proceed();
    },

    clear: function () {
      var drop = this.drop;
      thywill.clock.clear(this.timer);
      this.drop = this.timer = null;
      if (drop) { drop(); }
    },

    close: function () {
      this.closed = true;
      this.clear();
    }
  };

  internal.Requester = Requester;
}(thywill.internal));
