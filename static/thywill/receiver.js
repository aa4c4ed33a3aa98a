// From the server to the browser: one poll after another. The cursor is the id of the last message handed on;
// with the next poll it tells the server what has arrived.
(function (thywill) {
  var SLACK = 10, // seconds that an answer may take beyond the hold
      PATIENCE = 3; // polls in a row that may bring nothing at once

  // The owner has received(data), replied(number, outcome) and changed(state, detail).
  function Receiver(identity, transport, owner, gone) {
    var self = this;
    self.token = identity.token;
    self.cursor = identity.cursor;
    self.hold = identity.hold;
    self.owner = owner;
    self.lane = new thywill.Lane(transport, function () { self.poll(); }, gone);
    self.connected = false;
    self.fruitless = 0;
  }

  Receiver.prototype = {
    // While we are not connected, the server answers at once, so that we know.
    poll: function () {
      var self = this, held = self.connected, begun = thywill.clock.now(),
          fields = {token: self.token, cursor: self.cursor};
      if (self.lane.isBusy()) { return; }
      if (!held) { fields.hold = 0; }
      self.lane.request('poll', fields, (held ? self.hold : 0) + SLACK, function (answer, error) {
        if (!thywill.isArray(answer.messages) || answer.superseded) { return self.retry(error.retry); }
        self.answered(answer, held, (thywill.clock.now() - begun) / 1000);
      });
    },

    answered: function (answer, held, seconds) {
      var before = this.cursor;
      this.confirm(answer);
      this.take(answer);
      if (answer.retry > 0) {
        this.retry(answer.retry);
      } else {
        this.proceed(this.cursor > before, held, seconds);
      }
    },

    confirm: function (answer) {
      if (answer.lost > 0) {
        this.connected = false;
        this.owner.changed('lost', {count: answer.lost});
      }
      if (!this.connected && !answer.retry) {
        this.connected = true;
        this.owner.changed('connected');
      }
    },

    // An item is [id, data], or [id, outcome, n] as the reply to the browser's item n. What was handed on before
    // is ignored, whoever repeats it.
    take: function (answer) {
      var items = answer.messages, item, i;
      for (i = 0; i < items.length && !this.lane.closed; i += 1) {
        item = items[i];
        if (item[0] > this.cursor) {
          this.cursor = item[0];
          if (item.length > 2) { this.owner.replied(item[2], item[1]); } else { this.owner.received(item[1]); }
        }
      }
      if (answer.cursor > this.cursor) { this.cursor = answer.cursor; }
    },

    // A proxy that answers wrongly, at once and for ever must not make a busy loop.
    proceed: function (isFruitful, held, seconds) {
      var self = this, isQuick = seconds < Math.max(0.1, Math.min(1, self.hold / 2));
      if (isFruitful || (held && !isQuick)) {
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
    }
  };

  thywill.Receiver = Receiver;
}(window.thywill));
