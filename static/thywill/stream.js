// A stream: one SockJS session that brings messages, over as many requests as it takes.
//
// The table below is its life: a row is an event, a column the present state, a cell the next state. An empty cell means
// that the event changes nothing in this state. States without a column are ends; the stream reports each of them, and
// `paused`, to the receiver. An example: a stream brings messages over two requests, and is then cut:
//
//   state     event      what happened                                                 next
//   idle      open       the receiver opens it: the first request is sent              opening
//   opening   opened     the frame o: the session is open; sends token and cursor      greeting
//   greeting  nothing    the first answer has come, without messages                   greeted
//   greeted   messages   an answer with messages                                       live
//   live      whole      the server has ended the request; the session is still there  paused
//   paused    open       the receiver opens it again                                   resumed
//   resumed   heartbeat  the frame h                                                   beating
//   beating   cut        the connection broke: the receiver begins a new session       cut
//
// Before `greeted` nothing proves that streams work here, so every failure leads to `failed`: the receiver then tries
// another transport. In `resumed` and `beating` the present request has brought no message yet.
//
// A greeting proves little: some proxies and virus scanners let the first kilobytes through, and then only whole
// blocks. So until a request has brought enough, the stream asks the server for an echo, with acknowledgements and when
// nothing has come for a while. If the echo does not come in time, the stream has `failed`, too.
(function (internal) {
  'use strict';

  // Seconds: a frame that has not come by then is held back by a proxy.
  var PROBE = 3,
      // Seconds by which the server's heartbeat may be late.
      SLACK = 10,
      // Seconds between two acknowledgements.
      PAUSE = 1,
      // Seconds without a frame until the stream asks for an echo; doubled after each echo that brings nothing else.
      SILENCE = 4,
      // So many messages, or characters, are acknowledged at once.
      MANY = 20,
      MUCH = 32768,
      // A proxy that holds anything back does not let so many characters of one request through.
      ENOUGH = 65536,
      // The server does not have the session any more; the second is a refusal without a code.
      LEFT = /^(not_found|refused)$/,
      count = 0,
      COLUMNS = {idle: 0, opening: 1, greeting: 2, greeted: 3, live: 4, paused: 5, resumed: 6, beating: 7},
      TABLE = {
        //          idle       opening     greeting    greeted    live       paused     resumed    beating
        open:      ['opening', '',         '',         '',        '',        'resumed', '',        ''],
        opened:    ['',        'greeting', 'failed',   'cut',     'cut',     '',        'cut',     'cut'],
        heartbeat: ['',        'opening',  'greeting', 'live',    'live',    '',        'beating', 'beating'],
        nothing:   ['',        'failed',   'greeted',  'live',    'live',    '',        'beating', 'beating'],
        messages:  ['',        'failed',   'greeted',  'live',    'live',    '',        'live',    'live'],
        // A heartbeat, while other pages need the connection.
        crowded:   ['',        'opening',  'greeting', 'full',    'full',    '',        'full',    'full'],
        // The server ends the session, since it stops or another receiver has taken over. So streams work.
        stopping:  ['',        'failed',   'cut',      'cut',     'cut',     '',        'cut',     'cut'],
        // The server did not get our token in time, or the token has expired.
        refused:   ['',        'failed',   'failed',   'gone',    'gone',    '',        'gone',    'gone'],
        gone:      ['',        'gone',     'gone',     'gone',    'gone',    '',        'gone',    'gone'],
        whole:     ['',        'failed',   'failed',   'paused',  'paused',  '',        'cut',     'paused'],
        // As whole, but within a second.
        brief:     ['',        'failed',   'failed',   'paused',  'paused',  '',        'cut',     'cut'],
        // The connection broke, or the session is over: the frame c came, or an answer that is not the server's or
        // follows a gap, or the server does not know the session.
        cut:       ['',        'failed',   'failed',   'cut',     'cut',     '',        'cut',     'cut'],
        full:      ['',        'failed',   'failed',   'full',    'full',    '',        'full',    'full'],
        silence:   ['',        'failed',   'failed',   'silent',  'cut',     '',        'silent',  'cut'],
        // An echo has not come in time.
        late:      ['',        'failed',   'failed',   'failed',  'failed',  '',        'failed',  'failed'],
        // The receiver does not need the stream any more. Nothing is reported to it.
        close:     ['closed',  'closed',   'closed',   'closed',  'closed',  'closed',  'closed',  'closed']
      };

  function Stream(name, transport, receiver) {
    this.name = name;
    this.transport = transport;
    this.receiver = receiver;
    // Load balancers may use the first part.
    this.address = 'sockjs/' + internal.digits().slice(-3) + '/' + internal.digits() + internal.digits() +
      (count += 1) + '/';
    this.state = 'idle';
    // Messages and characters since the last acknowledgement, and characters of the present request.
    this.unacknowledged = this.waiting = this.brought = 0;
  }

  // Returns the event for an answer of the server.
  function classify(answer, cursor) {
    var error = answer.error || {}, items = answer.messages;
    if (error.code === 'gone') { return 'gone'; }
    if (error.code === 'bad_token') { return 'refused'; }
    if (answer.superseded || error.retry > 0) { return 'stopping'; }
    // If the answer begins after our cursor, an earlier answer was lost.
    if (!internal.isArray(items) || answer.after > cursor) { return 'cut'; }
    return items.length ? 'messages' : 'nothing';
  }

  Stream.prototype = {
    // Sends a request. Calls ended(state, detail) once, when that request has ended; the detail is the error of a client
    // that is gone, or the seconds after which to come back. Returns a function that closes the stream.
    open: function (ended) {
      var self = this, open = self.transport.openStream || internal.streaming[self.name].open;
      self.ended = ended;
      self.begun = thywill.clock.now();
      self.isOpening = true;
      self.brought = 0;
      self.silence = SILENCE;
      self.handle('open');
      try {
        self.drop = open(self.transport, self.address, function (frame) {
          if (self.ended === ended) { self.receive(frame); }
        }, function (event) {
          if (self.ended === ended) { self.finish(event); }
        }, self.name);
      } catch (exception) {
        self.handle('cut');
      }
      self.isOpening = false;
      self.schedule();
      return function () { self.handle('close'); };
    },

    // Returns whether the event means anything in the present state.
    handle: function (event, detail) {
      var self = this, next = TABLE[event][COLUMNS[self.state]], isEnd = next === 'paused' || !(next in COLUMNS);
      if (!next) { return false; }
      if (isEnd && self.isOpening) {
        internal.later(function () { self.handle(event, detail); });
      } else if (isEnd) {
        self.state = next;
        self.release(detail);
      } else {
        self.advance(next);
      }
      return true;
    },

    advance: function (next) {
      var isNew = next !== this.state;
      this.state = next;
      if (isNew || this.isProven()) { this.watch(); }
      if (isNew && next === 'greeting') { this.introduce(); }
      if (isNew && next === 'greeted') { this.receiver.changeTransport(this.name); }
    },

    isProven: function () {
      return !/^(idle|opening|greeting)$/.test(this.state);
    },

    watch: function () {
      var self = this, seconds = self.isProven() ? self.receiver.hold + SLACK : self.echoTime();
      thywill.clock.clear(self.watchdog);
      self.watchdog = thywill.clock.set(function () { self.handle('silence'); }, seconds * 1000);
      self.ask();
    },

    // A mute transport may not notice that the stream was cut or held back, so it asks the server for an echo again and
    // again. The server also answers if the session is gone.
    ask: function () {
      var self = this, isMute = internal.streaming[self.name].mute, most = self.receiver.hold * 0.8;
      thywill.clock.clear(self.question);
      if (!self.isProven() || !isMute && (self.brought > ENOUGH || self.silence > most)) { return; }
      self.question = thywill.clock.set(function () {
        self.silence *= 2;
        self.ask();
        if (!self.posting) { self.acknowledge(); }
      }, Math.min(self.silence, most) * 1000);
    },

    // Returns the seconds in which an answer of the server has to come.
    echoTime: function () {
      return Math.max(PROBE, 2 * this.receiver.requester.roundTrip);
    },

    // Called when the server has accepted the acknowledgement, and so has written the echo, which may have come already.
    expectEcho: function () {
      var self = this, isExpected = self.isEchoing;
      self.forgetEcho();
      if (isExpected) {
        self.echo = thywill.clock.set(function () { self.handle('late'); }, self.echoTime() * 1000);
      }
    },

    forgetEcho: function () {
      this.isEchoing = false;
      thywill.clock.clear(this.echo);
    },

    receive: function (frame) {
      var kind = frame.charAt(0);
      this.brought += frame.length;
      // Any frame but a heartbeat shows that nothing is held back.
      if (kind !== 'h') { this.forgetEcho(); }
      // A part of a frame has come, and the rest may be held back.
      if (!kind) { this.silence = SILENCE; }
      if (kind === 'o') {
        this.handle('opened');
      } else if (kind === 'c') {
        this.handle('cut');
      } else if (kind === 'a') {
        this.waiting += frame.length;
        this.takeAll(frame.slice(1));
      } else {
        this.handle(this.receiver.parking.claim() ? 'heartbeat' : 'crowded');
      }
    },

    introduce: function () {
      this.receiver.adopt(this);
      this.post({token: this.receiver.token, cursor: this.receiver.cursor});
    },

    takeAll: function (text) {
      var list, i;
      try {
        list = internal.json.parse(text);
        for (i = 0; i < list.length; i += 1) { list[i] = internal.json.parse(list[i]); }
      } catch (exception) {
        return this.handle('cut');
      }
      for (i = 0; i < list.length && this.state in COLUMNS; i += 1) { this.take(list[i] || {}); }
    },

    take: function (answer) {
      var error = answer.error || {}, event = classify(answer, this.receiver.cursor),
          hasItems = event === 'messages' || event === 'nothing';
      this.handle(event, event === 'gone' || event === 'refused' ? error : error.retry || answer.retry);
      if (!hasItems || !(this.state in COLUMNS)) { return; }
      this.receiver.confirm(answer);
      this.receiver.take(answer);
      if (event === 'messages') {
        this.silence = SILENCE;
        this.receiver.requester.backoff.reset();
      }
      // The application may have left meanwhile.
      if (answer.retry > 0) { this.handle('stopping', answer.retry); }
      this.unacknowledged += answer.messages.length;
      this.schedule();
    },

    schedule: function () {
      var self = this;
      if (self.posting || !(self.state in COLUMNS)) { return; }
      if (self.unacknowledged >= MANY || self.unacknowledged && self.waiting >= MUCH) {
        self.acknowledge();
      } else if (self.unacknowledged && !self.timer) {
        self.timer = thywill.clock.set(function () { self.acknowledge(); }, PAUSE * 1000);
      }
    },

    acknowledge: function () {
      thywill.clock.clear(this.timer);
      this.timer = null;
      this.unacknowledged = this.waiting = 0;
      this.isEchoing = this.brought < ENOUGH;
      this.post(this.isEchoing ? {cursor: this.receiver.cursor, echo: true} : {cursor: this.receiver.cursor});
    },

    post: function (fields) {
      var self = this, body = '[' + internal.json.stringify(internal.encode(fields)) + ']',
          timeout = self.receiver.requester.timeout;
      self.posting = self.transport.request(self.address + 'xhr_send', body, timeout, function (answer) {
        self.posting = null;
        if (answer.error && (!self.isProven() || LEFT.test(answer.error.code))) { return self.handle('cut'); }
        // Acknowledge again, since without acknowledgements the server sends nothing more.
        if (answer.error) { self.unacknowledged += 1; } else { self.expectEcho(); }
        self.schedule();
      });
    },

    // Called by the transport, with how the request ended.
    finish: function (event) {
      var isBrief = event === 'whole' && thywill.clock.now() - this.begun < PAUSE * 1000;
      this.handle(isBrief ? 'brief' : event);
    },

    release: function (detail) {
      var ended = this.ended;
      this.ended = null;
      thywill.clock.clear(this.watchdog);
      thywill.clock.clear(this.question);
      thywill.clock.clear(this.timer);
      this.forgetEcho();
      if (this.posting) {
        this.posting();
        this.unacknowledged += 1;
      }
      if (this.drop) { this.drop(); }
      this.timer = this.posting = this.drop = null;
      if (ended && this.state !== 'closed') { ended(this.state, detail); }
    }
  };

  Stream.COLUMNS = COLUMNS;
  Stream.TABLE = TABLE;
  internal.Stream = Stream;
}(thywill.internal));
