// The paper as two canvases: the picture, and above it the lines that are being drawn. Each surface has line(line),
// all(lines) and top(lines).
(function (draw) {
  'use strict';

  var HEIGHT = 1024, WIDTH = HEIGHT * draw.RATIO;

  function context(place) {
    var canvas = document.createElement('canvas'), found = canvas.getContext && canvas.getContext('2d');
    if (!found) { return null; }
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
    canvas.className = 'sheet';
    // The paper around it has a name.
    canvas.setAttribute('aria-hidden', 'true');
    place.appendChild(canvas);
    return found;
  }

  function paint(to, line) {
    var points = draw.scaled(line.points, WIDTH, HEIGHT), curves = draw.curves(points), i, curve;
    if (!points.length) { return; }
    to.strokeStyle = line.colour;
    to.lineWidth = line.width * HEIGHT;
    to.beginPath();
    to.moveTo(points[0].x, points[0].y);
    // A single point is a dot.
    if (!curves.length) { to.lineTo(points[0].x + 0.01, points[0].y); }
    for (i = 0; i < curves.length; i += 1) {
      curve = curves[i];
      to.bezierCurveTo(curve[0], curve[1], curve[2], curve[3], curve[4], curve[5]);
    }
    to.stroke();
  }

  function CanvasSurface(base, above) {
    this.base = base;
    this.above = above;
    this.base.lineCap = this.base.lineJoin = this.above.lineCap = this.above.lineJoin = 'round';
    this.isMarked = false;
    this.all([]);
  }

  CanvasSurface.prototype = {
    line: function (line) { paint(this.base, line); },

    all: function (lines) {
      var i;
      this.base.fillStyle = draw.COLOURS[draw.RUBBER];
      this.base.fillRect(0, 0, WIDTH, HEIGHT);
      for (i = 0; i < lines.length; i += 1) { paint(this.base, lines[i]); }
    },

    top: function (lines) {
      var i;
      if (this.isMarked) { this.above.clearRect(0, 0, WIDTH, HEIGHT); }
      this.isMarked = lines.length > 0;
      for (i = 0; i < lines.length; i += 1) { paint(this.above, lines[i]); }
    }
  };

  draw.makeCanvas = function (place) {
    var base = context(place);
    return base && new CanvasSurface(base, context(place));
  };
}(window.draw));
