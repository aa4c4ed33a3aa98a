// The picture: the sum of the last messages about it. Every page adds them up in the same way, so all pages show the
// same. Pure: nothing is drawn or sent here.
(function (draw) {
  'use strict';

  var RUBBER = 0;

  // Ink 0 has the paper's colour, so it erases.
  draw.COLOURS = ['#fffdf7', '#22262b', '#d63b2f', '#ef7d1a', '#f2bd1d', '#3f9d4a', '#149494', '#2a6fd6', '#7a4bc2', '#dd4f92', '#8a5a36'];
  // Widths as shares of the paper's height.
  draw.WIDTHS = [0.003, 0.008, 0.02, 0.05];
  draw.RUBBER = RUBBER;

  draw.line = function (message) {
    return {
      by: message.by,
      n: message.n,
      text: message.p,
      colour: draw.COLOURS[message.c] || draw.COLOURS[1],
      width: draw.WIDTHS[message.w] || draw.WIDTHS[0],
      points: draw.decode(String(message.p)),
      hidden: false
    };
  };

  // most: so many of the last messages count.
  function Picture(most) {
    this.most = most;
    // An entry for each message: its line, or null.
    this.entries = [];
  }

  Picture.prototype = {
    // Adds a message. Returns what has to be drawn: the new line, true for everything, or null.
    add: function (message) {
      var line = message.type === 'line' ? draw.line(message) : null, changed = line;
      if (!line) { changed = this.hide(message.by, message.type === 'clear' ? null : message.n); }
      this.entries.push(line);
      return changed;
    },

    // Takes back lines of a person: those with a number, or all.
    hide: function (by, n) {
      var i, line, found = null;
      for (i = 0; i < this.entries.length; i += 1) {
        line = this.entries[i];
        if (line && !line.hidden && line.by === by && (n === null || line.n === n)) {
          line.hidden = found = true;
        }
      }
      return found;
    },

    // Drops messages that are too old; returns whether a visible line has gone.
    fade: function () {
      var gone = this.entries.splice(0, Math.max(this.entries.length - this.most, 0)), i;
      for (i = 0; i < gone.length; i += 1) { if (gone[i] && !gone[i].hidden) { return true; } }
      return false;
    },

    lines: function () {
      var lines = [], i;
      for (i = 0; i < this.entries.length; i += 1) {
        if (this.entries[i] && !this.entries[i].hidden) { lines.push(this.entries[i]); }
      }
      return lines;
    }
  };

  draw.Picture = Picture;
}(window.draw));
