// A stream: one SockJS session that brings messages, over as many requests as it takes.
//
// The table below is its life: a row is an event, a column the state it meets, a cell the state that follows. An empty
// cell: the event means nothing there, and changes nothing. States without a column are ends; the receiver is told
// each of them, and `paused`. A stream that brings messages over two requests, and is then cut:
//
//   state     event      what happened                                                 next
//   idle      open       the receiver opens it: the first request is sent              opening
//   opening   opened     the frame o: the session is open; token and cursor are sent   greeting
//   greeting  nothing    the first answer came, without messages                       greeted
//   greeted   messages   an answer with messages                                       live
//   live      whole      the server has ended the request; the session is still there  paused
//   paused    open       the receiver opens it again                                   resumed
//   resumed   heartbeat  the frame h                                                   beating
//   beating   cut        the connection broke: the receiver begins a new session       cut
//
// Before `greeted` nothing proves that streams work here, so all failures are `failed`: the receiver then tries
// another transport. `resumed` and `beating` have brought no message by the present request.
(function (internal) {
  'use strict';

  // Seconds: a proxy that holds a stream back shows by then.
  var PROBE = 3,
      // Seconds beyond the server's heartbeat.
      SLACK = 10,
      // Seconds between two acknowledgements.
      PAUSE = 1,
      // Seconds of silence in a frame, which may not notice that it was cut, until the server is asked.
      SILENCE = 8,
      // As many messages are acknowledged without a wait.
      MANY = 20,
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
        // The server ends the session: it stops, or another receiver has taken over. So streams work.
        stopping:  ['',        'failed',   'cut',      'cut',     'cut',     '',        'cut',     'cut'],
        // No answer of ours, one after a gap, or the frame c.
        broken:    ['',        'failed',   'failed',   'cut',     'cut',     '',        'cut',     'cut'],
        // The server did not get our token in time, or the token has expired.
        refused:   ['',        'failed',   'failed',   'gone',    'gone',    '',        'gone',    'gone'],
        gone:      ['',        'gone',     'gone',     'gone',    'gone',    '',        'gone',    'gone'],
        whole:     ['',        'failed',   'failed',   'paused',  'paused',  '',        'cut',     'paused'],
        // Whole, but within a second.
        brief:     ['',        'failed',   'failed',   'paused',  'paused',  '',        'cut',     'cut'],
        cut:       ['',        'failed',   'failed',   'cut',     'cut',     '',        'cut',     'cut'],
        full:      ['',        'failed',   'failed',   'full',    'full',    '',        'full',    'full'],
        silence:   ['',        'failed',   'failed',   'silent',  'cut',     '',        'silent',  'cut'],
        // The server answers an acknowledgement that there is no such session.
        unknown:   ['',        'failed',   'failed',   'cut',     'cut',     '',        'cut',     'cut'],
        // The receiver needs it no longer, and is not told.
        close:     ['closed',  'closed',   'closed',   'closed',  'closed',  'closed',  'closed',  'closed']
      };

  function Stream(name, transport, receiver) {
    this.name = name;
    this.transport = transport;
    this.receiver = receiver;
    // The first part is for load balancers.
    this.address = 'sockjs/' + internal.digits().slice(-3) + '/' + internal.digits() + internal.digits() +
      (count += 1) + '/';
    this.state = 'idle';
    // Messages since the last acknowledgement.
    this.unacknowledged = 0;
  }

  // Returns which event an answer of the server is.
  function classify(answer, cursor) {
    var error = answer.error || {}, items = answer.messages;
    if (error.code === 'gone') { return 'gone'; }
    if (error.code === 'bad_token') { return 'refused'; }
    if (answer.superseded || error.retry > 0) { return 'stopping'; }
    // Had it begun after our cursor, an answer before it would have been lost.
    if (!internal.isArray(items) || answer.after > cursor) { return 'broken'; }
    return items.length ? 'messages' : 'nothing';
  }

  Stream.prototype = {
    // Sends a request. Calls ended(state, detail) once, when that request has ended; the detail is the error of a
    // client that is gone, or the seconds for which the server asks. Returns a function that closes the stream.
    open: function (ended) {
      var self = this, open = self.transport.carry || internal.carriers[self.name].open;
      self.ended = ended;
      self.begun = thywill.clock.now();
      self.isOpening = true;
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
      var self = this, seconds = self.isProven() ? self.receiver.hold + SLACK : PROBE;
      thywill.clock.clear(self.watchdog);
      self.watchdog = thywill.clock.set(function () { self.handle('silence'); }, seconds * 1000);
      if (self.isProven() && internal.carriers[self.name].mute) { self.ask(SILENCE); }
    },

    // Asks whether the session is still there: after a silence, and then whenever a heartbeat is missing.
    ask: function (seconds) {
      var self = this;
      thywill.clock.clear(self.question);
      self.question = thywill.clock.set(function () {
        self.ask(self.receiver.hold * 0.8);
        if (!self.posting) { self.acknowledge(); }
      }, seconds * 1000);
    },

    receive: function (frame) {
      var kind = frame.charAt(0);
      if (kind === 'o') {
        this.handle('opened');
      } else if (kind === 'c') {
        this.handle('broken');
      } else if (kind === 'a') {
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
        return this.handle('broken');
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
      if (event === 'messages') { this.receiver.lane.backoff.reset(); }
      // The application may have left meanwhile.
      if (answer.retry > 0) { this.handle('stopping', answer.retry); }
      this.unacknowledged += answer.messages.length;
      this.schedule();
    },

    schedule: function () {
      var self = this;
      if (self.posting || !(self.state in COLUMNS)) { return; }
      if (self.unacknowledged >= MANY) {
        self.acknowledge();
      } else if (self.unacknowledged && !self.timer) {
        self.timer = thywill.clock.set(function () { self.acknowledge(); }, PAUSE * 1000);
      }
    },

    acknowledge: function () {
      thywill.clock.clear(this.timer);
      this.timer = null;
      this.unacknowledged = 0;
      this.post({cursor: this.receiver.cursor});
    },

    post: function (fields) {
      var self = this, body = '[' + internal.json.stringify(internal.encode(fields)) + ']';
      self.posting = self.transport.request(self.address + 'xhr_send', body, SLACK, function (answer) {
        self.posting = null;
        if (answer.error && (!self.isProven() || answer.error.code === 'not_found')) { return self.handle('unknown'); }
        // Without it the server may send nothing more.
        if (answer.error) { self.unacknowledged += 1; }
        self.schedule();
      });
    },

    // The carrier says how the request ended.
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
