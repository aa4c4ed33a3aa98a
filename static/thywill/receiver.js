// From the server to the browser: one poll after another. The cursor is the id of the last message that was
// handed on; with the next poll it tells the server what it may forget.
(function (thywill) {
  var SLACK = 10, // how much longer than the hold a poll may take before it is given up
      PATIENCE = 3; // how many polls may bring nothing and at once before the next one waits

  // The owner has received(data), replied(number, outcome) and changed(state, detail).
  function Receiver(identity, transport, owner, gone) {
    var self = this;
    this.token = identity.token;
    this.cursor = identity.cursor;
    this.hold = identity.hold;
    this.owner = owner;
    this.lane = new thywill.Lane(transport, function () { self.poll(); }, gone);
    this.connected = false;
    this.fruitless = 0;
  }

  Receiver.prototype = {
    // The server answers at once while we do not know whether it hears us.
    poll: function () {
      var self = this, held = self.connected, fields = {token: self.token, cursor: self.cursor}, begun;
      if (self.lane.busy()) { return; }
      if (!held) { fields.hold = 0; }
      begun = thywill.clock.now();
      self.lane.request('poll', fields, (held ? self.hold : 0) + SLACK, function (answer) {
        self.answered(answer, held, (thywill.clock.now() - begun) / 1000);
      });
    },

    answered: function (answer, held, seconds) {
      var isAnswer = thywill.isArray(answer.messages), retry = (answer.error || answer).retry, fruitful;
      if (!isAnswer || answer.superseded) { return this.retry(retry); }
      fruitful = this.take(answer);
      if (retry > 0) {
        this.retry(retry);
      } else {
        this.proceed(fruitful, held, seconds);
      }
    },

    // Returns whether the answer brought anything new.
    take: function (answer) {
      var before = this.cursor, items = answer.messages, i;
      this.confirm(answer);
      for (i = 0; i < items.length; i += 1) { this.deliver(items[i] || []); }
      if (answer.cursor > this.cursor) { this.cursor = answer.cursor; }
      return this.cursor > before;
    },

    confirm: function (answer) {
      if (answer.lost > 0) {
        this.connected = false;
        this.owner.changed('lost', {count: answer.lost});
      }
      if (!this.connected && !(answer.retry > 0)) {
        this.connected = true;
        this.owner.changed('connected');
      }
    },

    // An item is [id, data], or [id, outcome, n] as the reply to the browser's item n. What has been handed on
    // before is not again, whatever the server, a proxy or an earlier poll repeats.
    deliver: function (item) {
      if (this.lane.closed || !(item[0] > this.cursor)) { return; }
      this.cursor = item[0];
      if (item.length > 2) {
        this.owner.replied(item[2], item[1]);
      } else {
        this.owner.received(item[1]);
      }
    },

    // A proxy may answer wrongly, at once and for ever: that must not become a busy loop.
    proceed: function (fruitful, held, seconds) {
      var self = this, quick = seconds < Math.max(0.1, Math.min(1, self.hold / 2));
      if (fruitful || (held && !quick)) {
        self.fruitless = 0;
        self.lane.backoff.reset();
      } else if (held) {
        self.fruitless += 1;
      }
      if (self.fruitless > PATIENCE) {
        self.lane.retry();
      } else {
        thywill.page.whenLoaded(function () { self.poll(); });
      }
    },

    retry: function (asked) {
      this.connected = false;
      this.owner.changed('waiting', {retry: this.lane.retry(asked)});
    },

    restart: function () {
      this.connected = false;
      this.lane.clear();
      this.poll();
    },

    stop: function () {
      this.lane.close();
    }
  };

  thywill.Receiver = Receiver;
}(window.thywill));
