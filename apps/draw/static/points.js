// Points on the paper. They are shares of the paper, from 0 to 1, so that it can have any size. In a message a point is
// four characters, two digits to the base 64 for x and two for y. Pure: nothing is drawn or sent here.
(function () {
  'use strict';

  var draw = window.draw = {},
      DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
      MOST = 4095,
      // The paper is one and a half times as wide as high.
      RATIO = 1.5,
      // The largest distance of a left out point from the line, as a share of the paper's height.
      TOLERANCE = 0.0011;

  draw.RATIO = RATIO;
  // Points that one line may have.
  draw.POINTS = 28;

  function digits(share) {
    var number = Math.round(Math.min(Math.max(share, 0), 1) * MOST);
    return DIGITS.charAt(number >> 6) + DIGITS.charAt(number & 63);
  }

  function share(text, place) {
    return (DIGITS.indexOf(text.charAt(place)) * 64 + DIGITS.indexOf(text.charAt(place + 1))) / MOST;
  }

  draw.encode = function (points) {
    var text = '', i;
    for (i = 0; i < points.length; i += 1) { text += digits(points[i].x) + digits(points[i].y); }
    return text;
  };

  draw.decode = function (text) {
    var points = [], i;
    for (i = 0; i + 3 < text.length; i += 4) {
      // A point twice in a row has no direction.
      if (!i || text.substr(i, 4) !== text.substr(i - 4, 4)) { points.push({x: share(text, i), y: share(text, i + 2)}); }
    }
    return points;
  };

  // Returns the distance of a point from the straight line between two others.
  function beside(point, from, to) {
    var x = (to.x - from.x) * RATIO, y = to.y - from.y, length = x * x + y * y,
        px = (point.x - from.x) * RATIO, py = point.y - from.y,
        part = length ? Math.min(Math.max((px * x + py * y) / length, 0), 1) : 0;
    return Math.sqrt(Math.pow(px - part * x, 2) + Math.pow(py - part * y, 2));
  }

  function farthest(points, first, last) {
    var found = {place: -1, distance: TOLERANCE}, i, distance;
    for (i = first + 1; i < last; i += 1) {
      distance = beside(points[i], points[first], points[last]);
      if (distance > found.distance) { found = {place: i, distance: distance}; }
    }
    return found.place;
  }

  // Returns the points without which the line would look different (Ramer, Douglas and Peucker).
  draw.simplify = function (points) {
    var kept = [], open = [[0, points.length - 1]], span, place, i, result = [];
    if (points.length < 3) { return points; }
    kept[0] = kept[points.length - 1] = true;
    while (open.length) {
      span = open.pop();
      place = farthest(points, span[0], span[1]);
      if (place >= 0) {
        kept[place] = true;
        open.push([span[0], place], [place, span[1]]);
      }
    }
    for (i = 0; i < points.length; i += 1) { if (kept[i]) { result.push(points[i]); } }
    return result;
  };

  // Returns the direction of a line at one of its points, with the length 1; 0 at ends and corners, which stay sharp.
  function direction(points, i) {
    var before = points[i - 1], point = points[i], after = points[i + 1], x, y, length, turn;
    if (!before || !after) { return {x: 0, y: 0}; }
    turn = (point.x - before.x) * (after.x - point.x) + (point.y - before.y) * (after.y - point.y);
    x = after.x - before.x;
    y = after.y - before.y;
    length = Math.sqrt(x * x + y * y);
    return turn > 0 && length ? {x: x / length, y: y / length} : {x: 0, y: 0};
  }

  // Returns the curves through the points, each [x1, y1, x2, y2, x, y] as Canvas and VML want them. points: {x, y} in
  // units that are as long in both directions.
  draw.curves = function (points) {
    var curves = [], i, from, to, one, other, third;
    for (i = 1; i < points.length; i += 1) {
      from = points[i - 1];
      to = points[i];
      one = direction(points, i - 1);
      other = direction(points, i);
      third = Math.sqrt(Math.pow(to.x - from.x, 2) + Math.pow(to.y - from.y, 2)) / 3;
      curves.push([
        from.x + one.x * third, from.y + one.y * third, to.x - other.x * third, to.y - other.y * third, to.x, to.y
      ]);
    }
    return curves;
  };

  // Returns the points in the units of a surface.
  draw.scaled = function (points, width, height) {
    var list = [], i;
    for (i = 0; i < points.length; i += 1) { list.push({x: points[i].x * width, y: points[i].y * height}); }
    return list;
  };
}());
