// Reads the player's direction: from arrow keys or WASD, or from a finger or the mouse held down in the arena.
(function (gems) {
  'use strict';

  var DOWN = 40,
      KEYS = {37: 'left', 38: 'up', 39: 'right', 40: 'down', 65: 'left', 87: 'up', 68: 'right', 83: 'down'};

  // Returns the heading in degrees, clockwise from the right, or -1 for none.
  function headingOf(x, y) {
    if (!x && !y) { return -1; }
    return Math.round(Math.atan2(y, x) * 180 / Math.PI + 360) % 360;
  }

  // Calls changed(heading). position() returns the place of the own player, in shares of the arena.
  function Steer(arena, position, changed) {
    this.held = {};
    this.heading = -1;
    this.arena = arena;
    this.position = position;
    this.changed = changed;
    this.pointing = false;
    this.listen();
  }

  Steer.prototype = {
    go: function (heading) {
      if (heading !== this.heading) {
        this.heading = heading;
        this.changed(heading);
      }
    },

    // Letters steer where the arena has the focus, and arrows also where nothing has it: elsewhere they mean something else.
    isMeant: function (event) {
      var focused = document.activeElement || document.body;
      if (event.altKey || event.ctrlKey || event.metaKey) { return false; }
      return focused === this.arena || (event.keyCode <= DOWN && (focused === document.body || focused === document.documentElement));
    },

    byKeys: function () {
      var held = this.held;
      this.go(headingOf((held.right ? 1 : 0) - (held.left ? 1 : 0), (held.down ? 1 : 0) - (held.up ? 1 : 0)));
    },

    key: function (event, down) {
      var name = KEYS[event.keyCode];
      if (!name || (down && !this.isMeant(event))) { return; }
      this.held[name] = down;
      this.byKeys();
      if (event.preventDefault) { event.preventDefault(); } else { event.returnValue = false; }
    },

    // Goes towards the finger, and stands near it.
    point: function (event) {
      var box = this.arena.getBoundingClientRect(), place = this.position(), x, y;
      if (!place) { return; }
      x = event.clientX - box.left - place.x * (box.right - box.left);
      y = event.clientY - box.top - place.y * (box.bottom - box.top);
      this.go(x * x + y * y < 200 ? -1 : headingOf(x, y));
    },

    stop: function () {
      this.held = {};
      this.pointing = false;
      this.go(-1);
    },

    listen: function () {
      var self = this, internal = thywill.internal;

      function touch(event) {
        self.point(event.touches[0]);
        event.preventDefault();
      }

      internal.listen(document, 'keydown', function (event) { self.key(event, true); });
      internal.listen(document, 'keyup', function (event) { self.key(event, false); });
      internal.listen(window, 'blur', function () { self.stop(); });
      internal.listen(self.arena, 'mousedown', function (event) {
        self.pointing = true;
        self.point(event);
      });
      internal.listen(document, 'mousemove', function (event) { if (self.pointing) { self.point(event); } });
      internal.listen(document, 'mouseup', function () { if (self.pointing) { self.stop(); } });
      internal.listen(self.arena, 'touchstart', touch);
      internal.listen(self.arena, 'touchmove', touch);
      internal.listen(self.arena, 'touchend', function () { self.stop(); });
    }
  };

  gems.Steer = Steer;
  gems.headingOf = headingOf;
}(window.gems));
