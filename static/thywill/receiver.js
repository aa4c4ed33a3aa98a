// The receiver brings messages to the browser, one request after another, by polls or by streams. Its cursor is the id
// of the last message that the application has got.
//
// The table below is its life: a row is an event, a column the present state, a cell the next state. An empty cell means
// that the event changes nothing in this state. An example: a page connects, tries a stream, and loses it:
//
//   state      event       what happened                                              next
//   idle       restart     the client starts; it is not connected                     ready
//   ready      ask         a poll that the server answers at once is sent             asking
//   asking     answered    the client is connected                                    ready
//   ready      hold        a poll that waits at the server is sent, a trial begins    holding
//   holding    opened      the first frame of the stream on trial has come            streaming
//   streaming  cut         the stream broke: the client waits, and then polls         resting
//   resting    wake        the pause is over, or the page comes to the front          ready
//
// In `ready` no request is under way, and proceed() decides at once what comes next. In `idle` no request is under way
// either, but the receiver waits for wake(). In `asking`, `holding` and `resting` a stream may be on trial: the poll goes
// on waiting, since a proxy that holds the stream back must delay no message.
(function (internal) {
  'use strict';

  // Seconds after the hold in which the server has to answer.
  var TIMEOUT = 10,
      // So many polls in a row may be answered at once without a message.
      FRUITLESS = 3,
      // Seconds between the polls of a page without a place; up to 2 more are added.
      SHORT = 3,
      // If no place can be recorded, polls are held for so many seconds, and the pauses are at least as long.
      BRIEF = 1,
      // Milliseconds: a stream that lasts so long works.
      STABLE = 10000,
      // A transport whose streams broke sooner so many times in a row is suspected.
      CUTS = 3,
      COLUMNS = {ready: 0, idle: 1, asking: 2, holding: 3, streaming: 4, resting: 5},
      TABLE = {
        //           ready        idle      asking       holding      streaming  resting
        wait:       ['idle',      '',       '',          '',          '',        ''],
        ask:        ['asking',    '',       '',          '',          '',        ''],
        hold:       ['holding',   '',       '',          '',          '',        ''],
        resume:     ['streaming', '',       '',          '',          '',        ''],
        rest:       ['resting',   '',       '',          '',          '',        ''],
        answered:   ['',          '',       'ready',     'ready',     '',        ''],
        // No answer, an answer that is not the server's, or one to a poll that a newer one has replaced.
        unanswered: ['',          '',       'resting',   'resting',   '',        ''],
        opened:     ['',          '',       'streaming', 'streaming', '',        'streaming'],
        failed:     ['ready',     'ready',  'ready',     'ready',     'ready',   'ready'],
        paused:     ['',          '',       '',          '',          'ready',   ''],
        full:       ['',          '',       '',          '',          'ready',   ''],
        cut:        ['',          '',       '',          '',          'resting', ''],
        silent:     ['',          '',       '',          '',          'resting', ''],
        wake:       ['',          'ready',  '',          '',          '',        'ready'],
        // The connection may be dead: all requests are dropped.
        restart:    ['ready',     'ready',  'ready',     'ready',     'ready',   'ready'],
        suspend:    ['idle',      'idle',   'idle',      'idle',      'idle',    'idle'],
        close:      ['closed',    'closed', 'closed',    'closed',    'closed',  'closed']
      };

  function Receiver(identity, transport, owner, gone) {
    var self = this;
    self.token = identity.token;
    self.cursor = identity.cursor;
    self.hold = identity.hold;
    self.owner = owner;
    self.transport = transport;
    self.requester = new internal.Requester(transport, TIMEOUT, function () { self.wake(); }, gone);
    self.choice = new internal.Choice(transport, identity);
    self.parking = new internal.Parking(transport.address, identity.hold, identity.shared);
    self.state = 'idle';
    self.connected = self.isQuiet = false;
    self.fruitless = self.cuts = 0;
    // The stream that goes on with another request.
    self.stream = null;
    // The stream on trial: its first frame has not come yet.
    self.trial = null;
    // The transport whose stream has failed. A poll shows whether the network is to blame.
    self.suspect = null;
  }

  Receiver.prototype = {
    // Returns whether the event means anything in the present state.
    handle: function (event) {
      var next = TABLE[event][COLUMNS[this.state]];
      this.state = next || this.state;
      return !!next;
    },

    // Until the client is connected, the server answers at once. Then requests wait at the server; without a place the
    // page only polls now and then.
    proceed: function () {
      var name;
      if (this.state !== 'ready') { return; }
      // Otherwise the spinner of old browsers would keep turning.
      if (this.connected && !internal.page.loaded) { return this.handle('wait'); }
      if (!this.connected || !this.parking.claim()) { return this.poll('ask'); }
      name = this.choice.pick(this.isQuiet);
      if (this.stream) { return this.resume(); }
      if (name !== this.choice.polls && !this.trial) {
        this.trial = new internal.Stream(name, this.transport, this);
        this.open(this.trial);
      }
      this.poll('hold');
    },

    resume: function () {
      var stream = this.stream;
      this.stream = null;
      this.handle('resume');
      this.requester.drop = this.open(stream);
    },

    // The stream on trial works. Messages that are on their way by the poll come again by the stream.
    adopt: function (stream) {
      this.handle('opened');
      this.requester.clear();
      this.requester.drop = function () { stream.handle('close'); };
      this.trial = null;
      this.isQuiet = false;
    },

    dropTrial: function () {
      if (this.trial) { this.trial.handle('close'); }
      this.trial = null;
    },

    poll: function (event) {
      var self = this, held = event === 'hold', begun = thywill.clock.now(),
          hold = held ? self.hold : self.connected && self.parking.isBlind ? BRIEF : 0, fields = {token: self.token, cursor: self.cursor};
      self.stream = null;
      self.handle(event);
      if (!held) { fields.hold = hold; }
      if (self.connected && !self.trial) { self.owner.changeTransport(self.choice.polls); }
      self.requester.request('poll', fields, hold, function (answer, error) {
        if (internal.isArray(answer.messages) && !answer.superseded) {
          self.handle('answered');
          self.answered(answer, held, (thywill.clock.now() - begun) / 1000);
        } else {
          self.handle('unanswered');
          self.retry(error.retry);
        }
      });
    },

    answered: function (answer, held, seconds) {
      var before = this.cursor;
      this.blame(held);
      this.confirm(answer);
      this.take(answer);
      if (answer.retry > 0) {
        this.handle('rest');
        this.retry(answer.retry);
      } else {
        this.judge(this.cursor > before, held, seconds);
      }
    },

    // A poll was answered, so the network works, and a stream that failed before it is to blame.
    blame: function (held) {
      if (held && !this.trial) {
        this.choice.succeeded(this.choice.polls);
      } else if (this.suspect && !held) {
        this.choice.failed(this.suspect);
      }
      if (!held) { this.suspect = null; }
    },

    confirm: function (answer) {
      // A repeated answer reports no second loss.
      if (answer.lost > 0 && answer.cursor > this.cursor) {
        this.connected = false;
        this.owner.changeState('lost', {count: answer.lost});
      }
      if (!this.connected && !answer.retry) {
        this.connected = true;
        this.owner.changeState('connected');
      }
    },

    // An item is [id, data], or [id, outcome, n] as the reply to our item n. A repeat is ignored.
    take: function (answer) {
      var items = answer.messages, item, i;
      for (i = 0; i < items.length && this.state !== 'closed'; i += 1) {
        item = items[i] || [];
        if (item[0] > this.cursor) {
          this.cursor = item[0];
          this.owner.deliver(item[1], item[2]);
        }
      }
      if (answer.cursor > this.cursor) { this.cursor = answer.cursor; }
    },

    // A broken proxy may answer every poll at once.
    judge: function (isFruitful, held, seconds) {
      var isQuick = seconds < Math.min(1, this.hold / 2 || 1);
      this.isQuiet = held && !isFruitful;
      if (isFruitful || (held && !isQuick)) {
        this.fruitless = 0;
        this.requester.backoff.reset();
      } else if (held) {
        this.fruitless += 1;
      }
      if (this.fruitless > FRUITLESS) {
        this.rest();
      } else if (this.connected && this.state === 'ready' && !this.parking.claim()) {
        this.rest(this.parking.isBlind ? BRIEF + this.requester.backoff.random() : SHORT + 2 * this.requester.backoff.random());
      } else {
        this.proceed();
      }
    },

    rest: function (seconds) {
      if (this.handle('rest')) { this.requester.retry(seconds); }
    },

    open: function (stream) {
      var self = this, begun = thywill.clock.now();
      return stream.open(function (state, detail) {
        if (state === 'gone') { return self.requester.gone(detail); }
        self.handle(state);
        if (state === 'failed') {
          self.suspect = stream.name;
          return self.restart();
        }
        self.requester.drop = null;
        if (state === 'cut' || state === 'silent') {
          self.broke(stream.name, detail, state === 'cut' && thywill.clock.now() - begun > STABLE);
        } else {
          self.stream = state === 'paused' ? stream : null;
          self.proceed();
        }
      });
    },

    changeTransport: function (name) {
      this.choice.succeeded(name);
      this.owner.changeTransport(name);
    },

    // A stream broke. Its transport is suspected only if that happens again and again.
    broke: function (name, seconds, isStable) {
      this.cuts = isStable || seconds ? 0 : this.cuts + 1;
      if (isStable) { this.requester.backoff.reset(); }
      this.retry(seconds);
      if (this.cuts >= CUTS) {
        this.cuts = 0;
        this.suspect = name;
      }
    },

    retry: function (seconds) {
      this.dropTrial();
      this.connected = false;
      this.suspect = null;
      this.owner.changeState('waiting', {retry: this.requester.retry(seconds)});
    },

    wake: function () {
      if (this.handle('wake')) {
        this.requester.clear();
        this.proceed();
      }
    },

    restart: function () {
      this.dropTrial();
      this.connected = false;
      this.requester.clear();
      this.handle('restart');
      this.proceed();
    },

    // Another page has renewed its place or given it up, or a reply may be on its way.
    nudge: function () {
      if (this.connected && !this.parking.until) { this.wake(); }
    },

    suspend: function () {
      this.dropTrial();
      this.handle('suspend');
      this.requester.clear();
      this.parking.release();
    },

    close: function () {
      this.dropTrial();
      this.handle('close');
      this.requester.close();
      this.parking.release();
    }
  };

  Receiver.COLUMNS = COLUMNS;
  Receiver.TABLE = TABLE;
  internal.Receiver = Receiver;
}(thywill.internal));
