// One or two lines over the last two minutes, in SVG, with a time axis and a legend. Browsers without SVG show only
// the numbers.
(function (status) {
  'use strict';

  var SVG = 'http://www.w3.org/2000/svg',
      SECONDS = 120,
      HEIGHT = 40,
      MARKS = [0, 30, 60, 90, 120],
      able = !!document.createElementNS && typeof window.SVGElement !== 'undefined';

  function element(name, attributes) {
    var node = document.createElementNS(SVG, name), key;
    for (key in attributes) {
      if (Object.prototype.hasOwnProperty.call(attributes, key)) { node.setAttribute(key, attributes[key]); }
    }
    return node;
  }

  // The next of 1, 2, 5, 10, 20, 50, ... so that the scale stays while values change a little.
  function ceiling(value) {
    var step = 1, factors = [2, 2.5, 2], i = 0;
    while (step < value) {
      step *= factors[i % 3];
      i += 1;
    }
    return step;
  }

  function highest(list) {
    var most = 0, i;
    for (i = 0; i < list.length; i += 1) {
      if (list[i] > most) { most = list[i]; }
    }
    return most;
  }

  // The newest at the right edge; gaps where nothing was measured.
  function outline(values, top) {
    var path = '', drawing = false, i, x, y;
    for (i = 0; i < values.length; i += 1) {
      if (values[i] == null) {
        drawing = false;
      } else {
        x = SECONDS - (values.length - 1 - i);
        y = (HEIGHT - 1 - values[i] / top * (HEIGHT - 2)).toFixed(2);
        // A line of the length 0 with round ends is a dot, for a value without neighbours.
        path += (drawing ? 'L' : 'M' + x + ' ' + y + 'L') + x + ' ' + y;
        drawing = true;
      }
    }
    return path;
  }

  function area(values, top) {
    var line = outline(values, top), first = SECONDS - (values.length - 1);
    if (!line || values.indexOf(null) >= 0) { return ''; }
    return line + 'L' + SECONDS + ' ' + HEIGHT + 'L' + first + ' ' + HEIGHT + 'Z';
  }

  function grid() {
    var path = '', i;
    for (i = 0; i < MARKS.length; i += 1) { path += 'M' + MARKS[i] + ' 0V' + HEIGHT; }
    return element('path', {'class': 'grid', d: path});
  }

  function axis() {
    var node = status.dom.make('div', 'axis'), texts = ['2 min ago', '1 min', 'now'], i;
    for (i = 0; i < texts.length; i += 1) { node.appendChild(status.dom.make('span', 'at-' + i, texts[i])); }
    return node;
  }

  function legend(names) {
    var node = status.dom.make('p', 'legend'), i;
    for (i = 0; i < names.length; i += 1) {
      node.appendChild(status.dom.make('span', i ? 'key other' : 'key', names[i]));
    }
    return node;
  }

  // Args: the smallest top of the scale; a function that writes a value; the names of the lines, if there are two.
  function Chart(least, write, names) {
    this.least = least;
    this.write = write;
    this.node = status.dom.make('div', 'chart');
    this.node.setAttribute('aria-hidden', 'true');
    this.scale = status.dom.make('span', 'scale');
    this.lines = [];
    if (able) { this.build(names); }
  }

  Chart.prototype = {
    build: function (names) {
      var svg = element('svg', {viewBox: '0 0 ' + SECONDS + ' ' + HEIGHT, preserveAspectRatio: 'none', focusable: 'false'});
      svg.appendChild(grid());
      this.area = element('path', {'class': 'area', d: ''});
      this.lines = [element('path', {'class': 'line', d: ''}), element('path', {'class': 'line second', d: ''})];
      svg.appendChild(this.area);
      svg.appendChild(this.lines[1]);
      svg.appendChild(this.lines[0]);
      this.node.appendChild(svg);
      this.node.appendChild(this.scale);
      this.node.appendChild(axis());
      if (names) { this.node.appendChild(legend(names)); }
    },

    draw: function (first, second) {
      var top;
      if (!able) { return; }
      top = ceiling(Math.max(highest(first), highest(second || []), this.least));
      this.area.setAttribute('d', second ? '' : area(first, top));
      this.lines[0].setAttribute('d', outline(first, top));
      this.lines[1].setAttribute('d', second ? outline(second, top) : '');
      status.dom.write(this.scale, this.write(top));
    }
  };

  status.Chart = Chart;
  status.SECONDS = SECONDS;
}(window.thywillStatus = window.thywillStatus || {}));
