// One request at a time, and the pauses between them: polls go on one lane, sends on another.
(function (thywill) {
  var LONGEST_PAUSE = 3600;

  // Calls proceed() after a pause, and gone(error) when the server does not know the client any longer.
  function Lane(transport, proceed, gone) {
    this.transport = transport;
    this.proceed = proceed;
    this.gone = gone;
    this.backoff = new thywill.Backoff();
    this.closed = false;
    this.drop = this.timer = null;
  }

  Lane.prototype = {
    busy: function () {
      return this.closed || !!this.drop || !!this.timer;
    },

    request: function (operation, fields, seconds, answered) {
      var lane = this;
      lane.drop = lane.transport.request(operation, fields, seconds, function (answer) {
        var error = answer.error || {};
        lane.drop = null;
        if (error.code === 'gone' || error.code === 'bad_token') {
          lane.gone(error);
        } else {
          answered(answer);
        }
      });
    },

    // Pauses for as long as the server asks for, or else the back-off says, and returns the seconds.
    retry: function (asked) {
      var seconds = asked > 0 ? Math.min(asked, LONGEST_PAUSE) : this.backoff.next();
      this.asked = asked > 0;
      this.pause(seconds);
      return seconds;
    },

    pause: function (seconds) {
      var lane = this;
      if (lane.busy()) { return; }
      lane.timer = thywill.clock.set(function () {
        lane.timer = null;
        lane.proceed();
      }, seconds * 1000);
    },

    // Ends a pause early, but not one that the server asked for.
    wake: function () {
      if (this.timer && !this.asked) {
        this.clear();
        this.proceed();
      }
    },

    // Drops the request or the pause.
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

  thywill.Lane = Lane;
}(window.thywill));
