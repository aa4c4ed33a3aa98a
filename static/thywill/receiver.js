// To the browser: one request after another, polls or streams. The cursor is the id of the last message handed on.
(function (internal) {
  'use strict';

  // Seconds beyond the hold.
  var SLACK = 10,
      // Polls that may bring nothing at once.
      PATIENCE = 3,
      // Seconds between short polls, and up to 2 more.
      SHORT = 3,
      // Milliseconds: a stream that lasts so long works.
      STABLE = 10000,
      // So many that did not, one after another, are given up.
      CUTS = 3;

  function Receiver(identity, transport, owner, gone) {
    var self = this;
    self.token = identity.token;
    self.cursor = identity.cursor;
    self.hold = identity.hold;
    self.owner = owner;
    self.transport = transport;
    self.lane = new internal.Lane(transport, function () { self.proceed(); }, gone);
    self.choice = new internal.Choice(transport, identity);
    self.parking = new internal.Parking(transport.address, identity.hold);
    self.connected = self.isQuiet = false;
    self.fruitless = self.cuts = 0;
    // A stream that goes on in a new answer.
    self.stream = null;
    // A stream that has not said a word.
    self.probe = null;
    // The transport that failed, if it was not the network.
    self.suspect = null;
  }

  Receiver.prototype = {
    // Until we are connected, the server answers at once. Then a request waits there.
    proceed: function () {
      var name;
      // Else the spinner of old browsers keeps turning.
      if (this.lane.isBusy() || (this.connected && !internal.page.loaded)) { return; }
      if (!this.connected || !this.parking.claim()) { return this.poll(false); }
      name = this.choice.pick(this.isQuiet);
      if (this.stream) {
        this.lane.drop = this.open(this.stream);
        this.stream = null;
        return;
      }
      // A poll waits until the stream says something: a proxy that keeps it back delays no message.
      if (name !== this.choice.polls && !this.probe) {
        this.probe = new internal.Stream(name, this.transport, this);
        this.open(this.probe);
      }
      this.poll(true);
    },

    // The poll's messages that are on their way come again.
    adopt: function (stream) {
      if (stream !== this.probe) { return false; }
      this.lane.clear();
      this.lane.drop = function () { stream.stop(); };
      this.probe = null;
      this.isQuiet = false;
      return true;
    },

    dropProbe: function () {
      if (this.probe) { this.probe.stop(); }
      this.probe = null;
    },

    poll: function (held) {
      var self = this, begun = thywill.clock.now(), fields = {token: self.token, cursor: self.cursor};
      self.stream = null;
      if (!held) { fields.hold = 0; }
      if (self.connected && !self.probe) { self.owner.carried(self.choice.polls); }
      self.lane.request('poll', fields, (held ? self.hold : 0) + SLACK, function (answer, error) {
        if (!internal.isArray(answer.messages) || answer.superseded) { return self.retry(error.retry); }
        self.answered(answer, held, (thywill.clock.now() - begun) / 1000);
      });
    },

    answered: function (answer, held, seconds) {
      var before = this.cursor;
      this.blame(held);
      this.confirm(answer);
      this.take(answer);
      if (answer.retry > 0) {
        this.retry(answer.retry);
      } else {
        this.judge(this.cursor > before, held, seconds);
      }
    },

    // The network works, so it was the carrier that does not.
    blame: function (held) {
      if (held && !this.probe) {
        this.choice.worked(this.choice.polls);
      } else if (this.suspect && !held) {
        this.choice.failed(this.suspect);
      }
      if (!held) { this.suspect = null; }
    },

    confirm: function (answer) {
      // In an answer that is repeated it has been told.
      if (answer.lost > 0 && answer.cursor > this.cursor) {
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
    judge: function (isFruitful, held, seconds) {
      var isQuick = seconds < Math.min(1, this.hold / 2 || 1);
      this.isQuiet = held && !isFruitful;
      if (isFruitful || (held && !isQuick)) {
        this.fruitless = 0;
        this.lane.backoff.reset();
      } else if (held) {
        this.fruitless += 1;
      }
      if (this.fruitless > PATIENCE) {
        this.lane.retry();
      } else if (this.connected && !this.lane.closed && !this.parking.claim()) {
        this.lane.retry(SHORT + 2 * this.lane.backoff.random());
      } else {
        this.proceed();
      }
    },

    open: function (stream) {
      var self = this, begun = thywill.clock.now();
      return stream.open(function (kind, seconds) {
        if (kind === 'failed') {
          self.suspect = stream.name;
          return self.restart();
        }
        self.lane.drop = null;
        if (kind === 'cut' || kind === 'silent') {
          self.cut(stream.name, seconds, kind === 'cut' && thywill.clock.now() - begun > STABLE);
        } else {
          self.stream = kind === 'more' ? stream : null;
          self.proceed();
        }
      });
    },

    carried: function (name) {
      this.choice.worked(name);
      this.owner.carried(name);
    },

    cut: function (name, seconds, isStable) {
      this.cuts = isStable || seconds ? 0 : this.cuts + 1;
      if (isStable) { this.lane.backoff.reset(); }
      this.retry(seconds);
      if (this.cuts >= CUTS) {
        this.cuts = 0;
        this.suspect = name;
      }
    },

    retry: function (asked) {
      this.dropProbe();
      this.connected = false;
      this.suspect = null;
      this.owner.changed('waiting', {retry: this.lane.retry(asked)});
    },

    restart: function () {
      this.dropProbe();
      this.connected = false;
      this.lane.restart();
    },

    nudge: function () {
      if (this.connected && !this.parking.until) { this.lane.wake(); }
    },

    suspend: function () {
      this.dropProbe();
      this.lane.clear();
      this.parking.release();
    },

    close: function () {
      this.dropProbe();
      this.lane.close();
      this.parking.release();
    }
  };

  internal.Receiver = Receiver;
}(thywill.internal));
