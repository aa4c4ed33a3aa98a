// A lane sends one request at a time, with pauses between, and adapts its patience to slow networks. Polls have one lane,
// sends have another.
(function (internal) {
  'use strict';

  // Errors that may pass. Any other error ends the client, unless the server says after how many seconds to come back.
  var PASSING = /^(unreachable|timeout|internal|draining|unavailable|too_many|gap|refused)$/,
      // The most seconds to wait for an answer.
      LONGEST = 120;

  // patience: the seconds to wait for an answer at first. The lane calls proceed() after a pause, and gone(error) after
  // an error that can't get better.
  function Lane(transport, patience, proceed, gone) {
    this.transport = transport;
    this.shortest = this.patience = patience;
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

  Lane.prototype = {
    isBusy: function () {
      return this.closed || !!this.drop || !!this.timer;
    },

    // Sends a request; the server may hold the answer for `hold` seconds.
    request: function (operation, fields, hold, answered) {
      var lane = this, begun = thywill.clock.now();
      lane.drop = lane.transport.request(operation, fields, hold + lane.patience, function (answer) {
        var error = answer.error || {};
        lane.drop = null;
        lane.learn(error.code, hold, (thywill.clock.now() - begun) / 1000);
        if (lane.isFinal(error)) {
          if (error.code === 'origin') { internal.warn(error.message); }
          lane.gone(error);
        } else {
          answered(answer, error);
        }
      });
    },

    // The patience doubles after a time-out, and shrinks again when answers come sooner.
    learn: function (code, hold, seconds) {
      if (code === 'timeout') {
        this.patience = Math.min(2 * this.patience, LONGEST);
      } else if (!hold && code !== 'unreachable') {
        this.roundTrip = seconds;
        this.patience = Math.max(this.shortest, Math.min(2 * seconds, LONGEST));
      }
    },

    isFinal: function (error) {
      this.refusals = error.code === 'refused' ? this.refusals + 1 : 0;
      return !!error.code && !(error.retry > 0) && !this.own.test(error.code) &&
        (!PASSING.test(error.code) || this.refusals >= this.pages);
    },

    // Pauses for the seconds that the server asks for, or else for those of the back-off. Returns the seconds.
    retry: function (asked) {
      var lane = this, seconds = asked > 0 ? Math.max(0.1, Math.min(asked, 3600)) : lane.backoff.next();
      if (!lane.closed) {
        lane.timer = thywill.clock.set(function () {
          lane.timer = null;
          lane.proceed();
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

  internal.Lane = Lane;
}(thywill.internal));
