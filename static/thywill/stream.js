// One SockJS session that brings messages, over as many requests as it takes. Nothing is sent by it but the
// acknowledgements.
(function (internal) {
  'use strict';

  // Seconds: a proxy that keeps an answer back shows by then.
  var PROBE = 3,
      // Seconds beyond the server's heartbeat.
      SLACK = 10,
      // Seconds between two acknowledgements.
      PAUSE = 1,
      // Seconds of silence in a frame, which may not tell that it was cut, until the server is asked.
      SILENCE = 8,
      // As many messages are acknowledged without a wait.
      MANY = 20,
      count = 0;

  function Stream(name, transport, receiver) {
    this.name = name;
    this.transport = transport;
    this.receiver = receiver;
    // The first part is for load balancers.
    this.address = 'sockjs/' + internal.digits().slice(-3) + '/' + internal.digits() + internal.digits() +
      (count += 1) + '/';
    this.greeted = false;
    this.unconfirmed = 0;
  }

  Stream.prototype = {
    // Calls ended(kind, seconds) once, unless it is dropped by the function that this returns. Kinds are those of
    // the carrier, 'failed' if the session did not begin, and 'silent' if nothing came after that.
    open: function (ended) {
      var self = this, open = self.transport.carry || internal.carriers[self.name].open;
      self.ended = ended;
      self.begun = thywill.clock.now();
      self.isFruitful = self.isHeard = false;
      self.isOpening = true;
      self.watch();
      try {
        self.close = open(self.transport, self.address, function (frame) {
          if (self.ended === ended) { self.receive(frame); }
        }, function (kind) {
          // An old frame tells its end twice.
          if (self.ended === ended) { self.end(kind); }
        }, self.name);
      } catch (exception) {
        self.end('cut');
      }
      self.isOpening = false;
      // What was not when the answer before this one ended.
      self.acknowledge();
      return function () { self.stop(); };
    },

    watch: function () {
      var self = this;
      thywill.clock.clear(self.watchdog);
      self.watchdog = thywill.clock.set(function () {
        self.end(self.isHeard ? 'cut' : 'silent');
      }, (self.greeted ? self.receiver.hold + SLACK : PROBE) * 1000);
      if (self.greeted && internal.carriers[self.name].mute) { self.ask(SILENCE); }
    },

    // Once, and then when a heartbeat is missing: a session that was cut is not there any longer.
    ask: function (seconds) {
      var self = this;
      thywill.clock.clear(self.question);
      self.question = thywill.clock.set(function () {
        self.ask(self.receiver.hold * 0.8);
        if (!self.telling) { self.confirm(); }
      }, seconds * 1000);
    },

    receive: function (frame) {
      var kind = frame.charAt(0);
      this.isHeard = this.greeted;
      if (this.greeted || kind === 'o') { this.watch(); }
      if (kind === 'o') {
        // The session is a new one in place of ours, which the server has forgotten.
        if (!this.receiver.adopt(this)) { return this.end('cut'); }
        this.tell({token: this.receiver.token, cursor: this.receiver.cursor});
      } else if (kind === 'c') {
        this.end('cut');
      } else if (kind === 'a') {
        this.takeAll(frame.slice(1));
      } else if (this.greeted && !this.receiver.parking.claim()) {
        this.end('full');
      }
    },

    takeAll: function (text) {
      var list, i;
      try {
        list = internal.json.parse(text);
        for (i = 0; i < list.length; i += 1) { list[i] = internal.json.parse(list[i]); }
      } catch (exception) {
        return this.end('cut');
      }
      for (i = 0; i < list.length && this.ended; i += 1) { this.take(list[i] || {}); }
    },

    take: function (answer) {
      var error = answer.error || {}, items = answer.messages, receiver = this.receiver;
      // A session ends with bad_token if the token came too late, as from a page that slept.
      if (error.code === 'gone' || (error.code === 'bad_token' && this.greeted)) { return receiver.lane.gone(error); }
      // An answer that begins after our cursor: one before it was lost.
      if (!internal.isArray(items) || answer.superseded || answer.after > receiver.cursor) {
        // The server ends it, so the transport works.
        this.greeted = this.greeted || ((answer.superseded || error.retry > 0) && receiver.probe !== this);
        return this.end('cut', error.retry || answer.retry);
      }
      if (!this.greeted) { this.greet(); }
      receiver.confirm(answer);
      receiver.take(answer);
      if (items.length) {
        this.isFruitful = true;
        receiver.lane.backoff.reset();
      }
      if (!this.ended) { return; }
      if (answer.retry > 0) { return this.end('cut', answer.retry); }
      this.unconfirmed += items.length;
      this.acknowledge();
    },

    greet: function () {
      this.greeted = this.isFruitful = true;
      this.watch();
      this.receiver.carried(this.name);
    },

    acknowledge: function () {
      var self = this;
      if (self.telling) { return; }
      if (self.unconfirmed >= MANY) {
        self.confirm();
      } else if (self.unconfirmed && !self.timer) {
        self.timer = thywill.clock.set(function () { self.confirm(); }, PAUSE * 1000);
      }
    },

    confirm: function () {
      thywill.clock.clear(this.timer);
      this.timer = null;
      this.unconfirmed = 0;
      this.tell({cursor: this.receiver.cursor});
    },

    tell: function (fields) {
      var self = this, body = '[' + internal.json.stringify(internal.encode(fields)) + ']';
      self.telling = self.transport.request(self.address + 'xhr_send', body, SLACK, function (answer) {
        self.telling = null;
        // No session.
        if (answer.error && (!self.greeted || answer.error.code === 'not_found')) { return self.end('cut'); }
        // The server may give nothing more before it has this one.
        if (answer.error) { self.unconfirmed += 1; }
        self.acknowledge();
      });
    },

    stop: function () {
      this.ended = null;
      thywill.clock.clear(this.watchdog);
      thywill.clock.clear(this.question);
      thywill.clock.clear(this.timer);
      if (this.telling) {
        this.telling();
        this.unconfirmed += 1;
      }
      if (this.close) { this.close(); }
      this.timer = this.telling = this.close = null;
    },

    // A whole answer that brought nothing, or at once no message, is no answer of ours.
    end: function (kind, seconds) {
      var self = this, ended = self.ended;
      if (self.isOpening) {
        return internal.later(function () { self.end(kind, seconds); });
      }
      if (!ended) { return; }
      if (!this.greeted) {
        kind = 'failed';
      } else if (kind === 'more' && !this.isFruitful &&
          (!this.isHeard || thywill.clock.now() - this.begun < PAUSE * 1000)) {
        kind = 'cut';
      }
      this.stop();
      ended(kind, seconds);
    }
  };

  internal.Stream = Stream;
}(thywill.internal));
