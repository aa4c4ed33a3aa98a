// A lane: one request at a time, and the pauses between. Polls have one, sends have another.
(function (internal) {
  'use strict';

  // It calls proceed() after a pause, and gone(error) if the server does not know the client or refuses the page.
  function Lane(transport, proceed, gone) {
    this.transport = transport;
    this.proceed = proceed;
    this.gone = gone;
    this.backoff = new internal.Backoff();
    this.drop = this.timer = null;
    this.closed = false;
  }

  Lane.prototype = {
    isBusy: function () {
      return this.closed || !!this.drop || !!this.timer;
    },

    request: function (operation, fields, seconds, answered) {
      var lane = this;
      lane.drop = lane.transport.request(operation, fields, seconds, function (answer) {
        var error = answer.error || {};
        lane.drop = null;
        if (/^(gone|bad_token|origin)$/.test(error.code)) {
          if (error.code === 'origin') { internal.warn(error.message); }
          lane.gone(error);
        } else {
          answered(answer, error);
        }
      });
    },

    // Pauses as long as the server asks, or else as the back-off says.
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
