// The movements of the person's hand: by mouse, finger, pen, or arrow keys. hand has begin(point), move(point),
// end() and hover(point); points are shares of the paper, and may lie outside of it.
(function (draw) {
  'use strict';

  var stop = thywill.internal.dom.stop,
      KEYS = {37: [-1, 0], 38: [0, -1], 39: [1, 0], 40: [0, 1]},
      SPACE = 32, ENTER = 13, ESCAPE = 27, Z = 90,
      // How far a key moves the pen, as a share of the paper's height; with Shift four times as far.
      STEP = 0.0125;

  function Reader(paper, hand) {
    this.paper = paper;
    this.hand = hand;
    this.isDown = false;
    // The place of the pen that the keys move.
    this.place = {x: 0.5, y: 0.5};
    this.listenToKeys();
    if (window.PointerEvent) { this.listenToPointers(); } else { this.listenToMouse(); }
  }

  Reader.prototype = {
    point: function (event) {
      var box = this.paper.getBoundingClientRect();
      return {x: (event.clientX - box.left) / (box.right - box.left), y: (event.clientY - box.top) / (box.bottom - box.top)};
    },

    begin: function (event) {
      this.isDown = true;
      this.hand.begin(this.place = this.point(event));
    },

    move: function (event) {
      if (this.isDown) { this.hand.move(this.place = this.point(event)); } else { this.hand.hover(this.point(event)); }
    },

    end: function () {
      if (this.isDown) { this.hand.end(); }
      this.isDown = false;
    },

    listenToPointers: function () {
      var self = this, paper = self.paper, listen = thywill.internal.listen;
      listen(paper, 'pointerdown', function (event) {
        if (self.isDown || event.button > 0) { return; }
        try { paper.setPointerCapture(event.pointerId); } catch (ignore) {}
        self.pointer = event.pointerId;
        self.begin(event);
      });
      listen(paper, 'pointermove', function (event) {
        var all = event.getCoalescedEvents ? event.getCoalescedEvents() : [], i;
        if (self.isDown && event.pointerId !== self.pointer) { return; }
        if (!all.length) { all = [event]; }
        for (i = 0; i < all.length; i += 1) { self.move(all[i]); }
      });
      listen(paper, 'pointerup', function (event) { if (event.pointerId === self.pointer) { self.end(); } });
      listen(paper, 'pointercancel', function (event) { if (event.pointerId === self.pointer) { self.end(); } });
    },

    listenToMouse: function () {
      var self = this, listen = thywill.internal.listen;

      function touch(event) {
        if (event.type === 'touchstart') { self.begin(event.touches[0]); } else { self.move(event.touches[0]); }
        stop(event);
      }

      listen(self.paper, 'mousedown', function (event) {
        self.begin(event);
        // Otherwise old browsers would drag or select.
        stop(event);
        self.paper.focus();
      });
      listen(document, 'mousemove', function (event) {
        var point = self.point(event);
        if (self.isDown || (point.x >= 0 && point.x <= 1 && point.y >= 0 && point.y <= 1)) { self.move(event); }
      });
      listen(document, 'mouseup', function () { self.end(); });
      listen(self.paper, 'touchstart', touch);
      listen(self.paper, 'touchmove', touch);
      listen(self.paper, 'touchend', function () { self.end(); });
      listen(self.paper, 'touchcancel', function () { self.end(); });
    },

    listenToKeys: function () {
      var self = this, listen = thywill.internal.listen;
      listen(self.paper, 'keydown', function (event) { if (self.key(event)) { stop(event); } });
      listen(self.paper, 'blur', function () { self.end(); });
      listen(document, 'keydown', function (event) {
        if (event.keyCode === Z && (event.ctrlKey || event.metaKey) && (event.target || event.srcElement).type !== 'text') {
          self.hand.undo();
          stop(event);
        }
      });
    },

    // Returns whether the key was one of the paper's.
    key: function (event) {
      var way = KEYS[event.keyCode], far = STEP * (event.shiftKey ? 4 : 1);
      if (way) {
        this.place = {
          x: Math.min(Math.max(this.place.x + way[0] * far / draw.RATIO, 0), 1),
          y: Math.min(Math.max(this.place.y + way[1] * far, 0), 1)
        };
        if (this.isDown) { this.hand.move(this.place); } else { this.hand.hover(this.place); }
        this.hand.point(this.place);
      } else if (event.keyCode === SPACE || event.keyCode === ENTER) {
        this.isDown = !this.isDown;
        if (this.isDown) { this.hand.begin(this.place); } else { this.hand.end(); }
        this.hand.point(this.place);
      } else if (event.keyCode === ESCAPE) {
        this.end();
      } else {
        return false;
      }
      return true;
    }
  };

  draw.Reader = Reader;
}(window.draw));
