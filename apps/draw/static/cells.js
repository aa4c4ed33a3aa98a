// The paper as a table of cells, for browsers that have neither canvas nor VML.
(function (draw) {
  'use strict';

  var COLUMNS = 96, ROWS = 64;

  function CellSurface(place) {
    this.cells = [];
    this.shown = [];
    this.base = [];
    this.build(place);
    this.all([]);
  }

  CellSurface.prototype = {
    build: function (place) {
      var table = document.createElement('table'), body = document.createElement('tbody'), row, i;
      table.className = 'sheet cells';
      table.cellSpacing = table.cellPadding = 0;
      for (i = 0; i < COLUMNS * ROWS; i += 1) {
        if (i % COLUMNS === 0) { row = body.appendChild(document.createElement('tr')); }
        this.cells.push(row.appendChild(document.createElement('td')));
      }
      table.appendChild(body);
      place.appendChild(table);
    },

    // A round brush, at least one cell wide.
    dot: function (colours, colour, x, y, radius) {
      var row, column, reach = Math.max(Math.ceil(radius - 0.5), 0);
      for (row = Math.max(y - reach, 0); row <= Math.min(y + reach, ROWS - 1); row += 1) {
        for (column = Math.max(x - reach, 0); column <= Math.min(x + reach, COLUMNS - 1); column += 1) {
          if (Math.pow(row - y, 2) + Math.pow(column - x, 2) <= radius * radius) { colours[row * COLUMNS + column] = colour; }
        }
      }
    },

    paint: function (colours, line) {
      var points = draw.scaled(line.points, COLUMNS - 1, ROWS - 1), i, k, steps, from, to,
          radius = Math.max(line.width * ROWS / 2, 0.5);
      for (i = 0; i < points.length; i += 1) {
        to = points[i];
        from = points[i - 1] || to;
        steps = Math.max(Math.ceil(Math.abs(to.x - from.x)), Math.ceil(Math.abs(to.y - from.y)), 1);
        for (k = 0; k <= steps; k += 1) {
          this.dot(colours, line.colour, Math.round(from.x + (to.x - from.x) * k / steps),
            Math.round(from.y + (to.y - from.y) * k / steps), radius);
        }
      }
    },

    // Colours only those cells that change.
    show: function (colours) {
      var i;
      for (i = 0; i < this.cells.length; i += 1) {
        if (this.shown[i] !== colours[i]) { this.cells[i].style.backgroundColor = this.shown[i] = colours[i]; }
      }
    },

    line: function (line) {
      this.paint(this.base, line);
      this.show(this.base);
    },

    all: function (lines) {
      var i;
      for (i = 0; i < COLUMNS * ROWS; i += 1) { this.base[i] = draw.COLOURS[draw.RUBBER]; }
      for (i = 0; i < lines.length; i += 1) { this.paint(this.base, lines[i]); }
      this.show(this.base);
    },

    top: function (lines) {
      var colours = this.base.slice(0), i;
      for (i = 0; i < lines.length; i += 1) { this.paint(colours, lines[i]); }
      this.show(colours);
    }
  };

  draw.makeCells = function (place) {
    return new CellSurface(place);
  };
}(window.draw));
