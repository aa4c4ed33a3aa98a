// The values of one chart, the scale of its axis, and how numbers and times are written. Pure: times are given.
(function () {
  'use strict';

  var display = window.display = {},
      // Larger values are not shown, since their sums could overflow.
      LARGEST = 1e15,
      // Two points that are so many seconds apart are not joined by a line.
      GAP = 12;

  function isNumber(value) {
    return typeof value === 'number' && value >= -LARGEST && value <= LARGEST;
  }

  function Series(name, unit) {
    this.name = name;
    this.unit = unit;
    // {at, value, low, high}, the oldest first. Values of one second are one point.
    this.points = [];
  }

  Series.prototype = {
    add: function (at, value) {
      var points = this.points, last = points[points.length - 1];
      if (!isNumber(value)) { return; }
      if (last && last.at >= at) {
        last.value = value;
        last.low = Math.min(last.low, value);
        last.high = Math.max(last.high, value);
      } else {
        points.push({at: at, value: value, low: value, high: value});
      }
    },

    forget: function (before) {
      var count = 0;
      while (count < this.points.length && this.points[count].at < before) { count += 1; }
      this.points.splice(0, count);
    },

    // Returns the points of a time.
    between: function (from, to) {
      var found = [], i;
      for (i = 0; i < this.points.length; i += 1) {
        if (this.points[i].at >= from && this.points[i].at <= to) { found.push(this.points[i]); }
      }
      return found;
    }
  };

  // Returns the point next to a moment, or null.
  display.nearest = function (points, at) {
    var found = null, i;
    for (i = 0; i < points.length; i += 1) {
      if (!found || Math.abs(points[i].at - at) <= Math.abs(found.at - at)) { found = points[i]; }
    }
    return found;
  };

  // Returns the lowest and highest value of some points, at least one.
  display.extent = function (points) {
    var low = points[0].low, high = points[0].high, i;
    for (i = 1; i < points.length; i += 1) {
      low = Math.min(low, points[i].low);
      high = Math.max(high, points[i].high);
    }
    return {low: low, high: high};
  };

  // Returns the points in runs, each of which a line joins.
  display.runs = function (points) {
    var runs = [], i;
    for (i = 0; i < points.length; i += 1) {
      if (!i || points[i].at - points[i - 1].at > GAP) { runs.push([]); }
      runs[runs.length - 1].push(points[i]);
    }
    return runs;
  };

  // Returns a scale {low, high, marks} of round numbers around some values. It begins with 0 if that is near.
  display.scale = function (low, high) {
    var marks = [], span, size, step, i;
    if (low >= 0 && low <= high / 2) { low = 0; }
    if (high - low < Math.abs(high) * 1e-9 || high === low) {
      high += Math.abs(high) / 10 || 1;
      low -= Math.abs(low) / 10;
    }
    span = (high - low) / 3;
    size = Math.pow(10, Math.floor(Math.log(span) / Math.LN10));
    step = size * (span > size * 5 ? 10 : span > size * 2 ? 5 : span > size ? 2 : 1);
    low = Math.floor(low / step + 1e-6) * step;
    for (i = 0; i < 6 && (i < 2 || low + (i - 1) * step < high - step * 1e-6); i += 1) { marks.push(low + i * step); }
    return {low: low, high: marks[marks.length - 1], marks: marks};
  };

  // Returns a number with groups of thousands, and with few digits.
  display.text = function (value) {
    var size = Math.abs(value), text;
    if (size >= 1e9 || (size && size < 0.005)) { return value.toExponential(1).replace('e+', 'e'); }
    text = value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
    if (text.indexOf('.') > 0) { text = text.replace(/\.?0+$/, ''); }
    return text.replace(/(\d)(?=(\d{3})+$)/g, '$1,').replace('-', '\u2212');
  };

  function two(number) {
    return (number < 10 ? '0' : '') + number;
  }

  // Returns the time of day of so many seconds since 1970.
  display.time = function (at, withSeconds) {
    var date = new Date(at * 1000), text = two(date.getHours()) + ':' + two(date.getMinutes());
    return withSeconds ? text + ':' + two(date.getSeconds()) : text;
  };

  // Returns a text of at most so many characters, and no half of one.
  display.cut = function (text, length) {
    return text.length > length ? text.substring(0, length).replace(/[\ud800-\udbff]$/, '') + '\u2026' : text;
  };

  display.isNumber = isNumber;
  display.Series = Series;
}());
