// To the browser: one poll after another. The cursor is the id of the last message handed on.
(function () {
  var SLACK = 10, // seconds beyond the hold
      PATIENCE = 3; // polls that may bring nothing at once

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
    // Until we are connected, the server answers at once.
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

    // An item is [id, data], or [id, outcome, n] as the reply to our item n. A repeat is ignored.
    take: function (answer) {
      var items = answer.messages, item, i;
      for (i = 0; i < items.length && !this.lane.closed; i += 1) {
        item = items[i] || [];
        if (item[0] > this.cursor) {
          this.cursor = item[0];
          this.owner.deliver(item[1], item[2]);
        }
      }
      if (answer.cursor > this.cursor) { this.cursor = answer.cursor; }
    },

    // A proxy may answer at once, wrongly, for ever.
    proceed: function (isFruitful, held, seconds) {
      var isQuick = seconds < Math.min(1, this.hold / 2 || 1);
      if (isFruitful || (held && !isQuick)) {
        this.fruitless = 0;
        this.lane.backoff.reset();
      } else if (held) {
        this.fruitless += 1;
      }
      if (this.fruitless > PATIENCE) {
        this.lane.retry();
      } else if (thywill.page.loaded) { // else the spinner of old browsers keeps turning
        this.poll();
      }
    },

    retry: function (asked) {
      this.connected = false;
      this.owner.changed('waiting', {retry: this.lane.retry(asked)});
    },

    restart: function () {
      this.connected = false;
      this.lane.restart();
    }
  };

  thywill.Receiver = Receiver;
}());
