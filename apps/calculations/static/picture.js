// A picture that comes row by row: on a canvas, or as coloured strips if the browser has no canvas.
(function (calc) {
  'use strict';

  var SHADES = '0123456789abcdefghijklmnopqrstuv',
      // The colours between which the shades lie, and the colour of the set itself.
      STOPS = [[13, 20, 48], [26, 82, 118], [46, 168, 142], [240, 224, 158], [226, 128, 52], [120, 34, 70], [13, 20, 48]],
      INSIDE = [6, 9, 14],
      // Without a canvas, so many pixels of the page are one pixel of the picture.
      SCALE = 2,
      colours = [];

  function between(one, other, part) {
    var colour = [], i;
    for (i = 0; i < one.length; i += 1) { colour.push(Math.round(one[i] + (other[i] - one[i]) * part)); }
    return colour;
  }

  (function () {
    var last = SHADES.length - 1, i, place;
    for (i = 0; i < last; i += 1) {
      place = i / last * (STOPS.length - 1);
      colours.push(between(STOPS[Math.floor(place)], STOPS[Math.floor(place) + 1], place % 1));
    }
    colours.push(INSIDE);
  }());

  function css(shade) {
    return 'rgb(' + (colours[SHADES.indexOf(shade)] || INSIDE).join(',') + ')';
  }

  // Calls act(from, length, shade) for each run of the same shade in a row.
  function runs(pixels, act) {
    var from = 0, to;
    while (from < pixels.length) {
      to = from + 1;
      while (pixels.charAt(to) === pixels.charAt(from) && to < pixels.length) { to += 1; }
      act(from, to - from, pixels.charAt(from));
      from = to;
    }
  }

  function Picture(place, width, height) {
    var canvas = document.createElement('canvas');
    this.place = place;
    this.context = canvas.getContext && canvas.getContext('2d');
    if (this.context) {
      canvas.width = width;
      canvas.height = height;
      place.appendChild(canvas);
    } else {
      place.style.height = height * SCALE + 'px';
      place.style.width = width * SCALE + 'px';
    }
  }

  Picture.prototype = {
    row: function (number, pixels) {
      var context = this.context;
      if (!context) { return this.strip(pixels); }
      runs(pixels, function (from, length, shade) {
        context.fillStyle = css(shade);
        context.fillRect(from, number, length, 1);
      });
    },

    strip: function (pixels) {
      var strip = calc.node('div', 'strip');
      runs(pixels, function (from, length, shade) {
        var run = calc.node('div', 'run');
        run.style.left = from * SCALE + 'px';
        run.style.width = length * SCALE + 'px';
        run.style.backgroundColor = css(shade);
        strip.appendChild(run);
      });
      this.place.appendChild(strip);
    }
  };

  calc.Picture = Picture;
}(window.calc = window.calc || {}));
