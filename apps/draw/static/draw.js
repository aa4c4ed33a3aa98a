// Draw: joins the parts.
(function (draw) {
  'use strict';

  var FRAME = 33,
      // Milliseconds between two messages about the pen, and how many more for each person who is here: what all
      // pens together send should not grow with the square of the people.
      PAUSE = 60, PAUSE_EACH = 10,
      // A line with so many raw points is sent even if it is straight.
      RAW = 300,
      // After so many milliseconds without drawing, the oldest lines fade and resting pens are hidden.
      IDLE = 1000,
      // While somebody draws on and on, there may be too many messages by this factor.
      EXCESS = 1.1;

  function now() {
    return thywill.clock.now();
  }

  function isInside(point) {
    return point.x >= 0 && point.x <= 1 && point.y >= 0 && point.y <= 1;
  }

  function Board(client) {
    this.client = client;
    this.people = new draw.People();
    this.surface = draw.makeCanvas(draw.find('draw-paper')) || draw.makeVml(draw.find('draw-paper')) ||
      draw.makeCells(draw.find('draw-paper'));
    this.picture = new draw.Picture(Infinity);
    // Own lines that the server has not published yet, as arguments of the call and as lines.
    this.pending = [];
    // New lines to draw; true for all.
    this.fresh = [];
    this.isDue = false;
    this.points = null;
    this.number = 0;
    this.colour = 1;
    this.width = 1;
    this.pen = null;
    this.sent = 0;
  }

  Board.prototype = {
    // The server's messages.

    receive: function (message) {
      var type = message && message.type;
      if (type === 'you') { this.begin(message); }
      if (type === 'line' || type === 'undo' || type === 'clear') { this.add(message); }
      if (type === 'names') { this.people.setNames(message.names); }
      if (type === 'pen') {
        this.people.move(message, now());
        this.change();
      }
    },

    // The whole picture follows.
    begin: function (message) {
      this.people.own = message.id;
      this.picture = new draw.Picture(message.lines);
      this.people.show();
      this.change(true);
    },

    add: function (message) {
      var changed = this.picture.add(message), first = this.pending[0];
      if (message.by === this.people.own) {
        this.number = Math.max(this.number, message.n || 0);
        if (first && message.n === first.n && message.p === first.text) { this.pending.shift(); }
      }
      if (changed) { this.change(changed); }
      if (this.picture.entries.length > this.picture.most * EXCESS && this.picture.fade()) { this.change(true); }
    },

    // Draws soon: a line, or all (true); and always the lines and pens above the picture.
    change: function (what) {
      var self = this;
      if (what === true) { this.fresh = true; } else if (what && this.fresh !== true) { this.fresh.push(what); }
      if (self.isDue) { return; }
      self.isDue = true;
      if (window.requestAnimationFrame) {
        window.requestAnimationFrame(function () { self.draw(); });
      } else {
        thywill.clock.set(function () { self.draw(); }, FRAME);
      }
    },

    draw: function () {
      var fresh = this.fresh, i;
      this.isDue = false;
      this.fresh = [];
      if (fresh === true) {
        this.surface.all(this.picture.lines());
      } else {
        for (i = 0; i < fresh.length; i += 1) { this.surface.line(fresh[i]); }
      }
      this.surface.top(this.above());
      this.rest();
    },

    above: function () {
      var lines = this.people.lines(now()).concat(this.pending);
      return this.points ? lines.concat(this.current()) : lines;
    },

    current: function () {
      return draw.line({by: this.people.own, n: this.number, c: this.colour, w: this.width, p: draw.encode(this.points)});
    },

    // When nobody draws, the oldest lines fade, and resting pens are hidden.
    rest: function () {
      var self = this;
      thywill.clock.clear(self.timer);
      self.timer = thywill.clock.set(function () {
        if (self.picture.fade()) { self.change(true); } else if (self.hasPens()) { self.change(); }
      }, IDLE);
    },

    hasPens: function () {
      for (var page in this.people.pens) { if (this.people.pens.hasOwnProperty(page)) { return true; } }
      return false;
    },

    // The hand's movements.

    start: function (point) {
      this.number += 1;
      this.isDrawing = true;
      this.points = null;
      this.more(point);
    },

    // A line that leaves the paper ends, and another one begins where the hand comes back.
    more: function (point) {
      var shown;
      if (!this.isDrawing) { return; }
      if (!isInside(point)) {
        this.commit();
        return;
      }
      this.points = this.points || [];
      this.points.push(point);
      shown = draw.simplify(this.points);
      if (shown.length >= draw.POINTS || this.points.length >= RAW) {
        this.commit();
        this.points = [point];
      }
      this.hover(point);
      this.change();
    },

    stop: function () {
      if (this.points && this.points.length) { this.commit(); }
      this.isDrawing = false;
      if (this.pen) { this.hover(this.pen); }
    },

    commit: function () {
      var text = this.points ? draw.encode(draw.simplify(this.points)) : '';
      this.points = null;
      if (text) { this.send({n: this.number, c: this.colour, w: this.width, p: text}); }
    },

    send: function (fields) {
      var self = this, line = draw.line({by: self.people.own, n: fields.n, c: fields.c, w: fields.w, p: fields.p});
      line.fields = fields;
      self.pending.push(line);
      self.change();
      self.call(line);
    },

    call: function (line) {
      var self = this, fields = line.fields;
      self.client.call('line', [fields.n, fields.c, fields.w, fields.p], function (error) {
        // A client that begins anew sends the line again.
        if (!error || error.code === 'gone') { return; }
        self.pending = thywill.internal.without(self.pending, line);
        self.change();
        self.tell(error.code === 'too_many' ? 'You draw too fast: a line was left out.' : error.message);
      });
    },

    again: function () {
      for (var i = 0; i < this.pending.length; i += 1) { this.call(this.pending[i]); }
    },

    // Tells the others where the pen is, not too often.
    hover: function (point) {
      var self = this, wait;
      if (isInside(point)) { self.pen = point; }
      if (self.isWaiting || !self.pen || self.client.state !== 'connected') { return; }
      wait = self.sent + PAUSE + PAUSE_EACH * self.people.ids().length - now();
      if (wait > 0) {
        self.isWaiting = true;
        thywill.clock.set(function () {
          self.isWaiting = false;
          self.hover(self.pen);
        }, wait);
        return;
      }
      self.sent = now();
      self.client.send({
        type: 'pen', at: draw.encode([self.pen]), colour: self.colour, width: self.width,
        points: self.points ? draw.encode(draw.simplify(self.points)) : null
      });
    },

    undo: function () {
      var lines = this.picture.lines().concat(this.pending), i;
      for (i = lines.length - 1; i >= 0; i -= 1) {
        if (lines[i].by === this.people.own) {
          this.client.call('undo', [lines[i].n], this.answered());
          return;
        }
      }
      this.tell('There is no line of yours to undo.');
    },

    clear: function () {
      this.client.call('clear', [], this.answered());
    },

    answered: function () {
      var self = this;
      return function (error) { if (error && error.code !== 'gone') { self.tell(error.message); } };
    },

    tell: function (text) {
      draw.find('draw-told').firstChild.nodeValue = text;
    }
  };

  draw.Board = Board;
}(window.draw));
