// Shows how long messages took to the server and back: the last, the median, and a bar for each of the newest.
(function (echo) {
  'use strict';

  var BARS = 60,
      HEIGHT = 60;

  // Returns milliseconds, with a fraction if the browser has one.
  echo.now = function () {
    var precise = window.performance;
    return precise && precise.now ? precise.now() : thywill.clock.now();
  };

  echo.span = function (milliseconds) {
    if (milliseconds >= 10000) { return (milliseconds / 1000).toFixed(1) + ' s'; }
    return (milliseconds < 10 ? milliseconds.toFixed(1) : milliseconds.toFixed(0)) + ' ms';
  };

  function median(numbers) {
    var sorted = numbers.slice(0).sort(function (one, other) { return one - other; }), half = Math.floor(sorted.length / 2);
    return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  function Trips() {
    this.clear();
  }

  Trips.prototype = {
    clear: function () {
      this.all = [];
      echo.write('echo-last', '\u2013');
      echo.write('echo-median', '\u2013');
      echo.write('echo-count', '0');
      this.draw();
    },

    add: function (milliseconds) {
      this.all.push(milliseconds);
      if (this.all.length > 1000) { this.all.shift(); }
      echo.write('echo-last', echo.span(milliseconds));
      echo.write('echo-median', echo.span(median(this.all)));
      echo.write('echo-count', String(this.all.length));
      this.draw();
    },

    draw: function () {
      var place = echo.find('echo-trips'), newest = this.all.slice(-BARS), most = Math.max.apply(Math, newest.concat(1)), i, bar;
      while (place.firstChild) { place.removeChild(place.firstChild); }
      place.appendChild(echo.node('span', 'base', ''));
      for (i = 0; i < newest.length; i += 1) {
        bar = echo.node('span', 'trip graphic', '');
        bar.title = echo.span(newest[i]);
        bar.style.height = Math.max(2, Math.round(newest[i] / most * HEIGHT)) + 'px';
        place.appendChild(bar);
      }
      place.setAttribute('aria-label', newest.length === 1 ? 'One round trip, which took ' + echo.span(newest[0])
        : newest.length + ' round trips, the slowest took ' + echo.span(most));
    }
  };

  echo.Trips = Trips;
}(window.echo = window.echo || {}));
