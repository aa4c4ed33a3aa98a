// One chart: its name, its value now or at a chosen moment, the drawing with both axes, and its table.
(function (display) {
  'use strict';

  var TONES = 8, HEIGHT = 128, TOP = 18, EDGE = 8, PAGE = 10,
      LEFT = 37, UP = 38, RIGHT = 39, DOWN = 40, ESCAPE = 27, END = 35, HOME = 36, PAGE_UP = 33, PAGE_DOWN = 34,
      listen = thywill.internal.listen,
      dom = thywill.internal.dom,
      element = dom.element,
      write = dom.write;

  // choose(at) is called with a moment that somebody points to, or null; number: the number of the chart.
  function Card(series, number, place, choose) {
    var head;
    this.series = series;
    this.points = [];
    this.choose = choose;
    this.node = element('li', 'card chart tone-' + number % TONES + ' hidden', '', place);
    this.title = element('h2', 'chart-name', display.cut(series.name, 60), this.node);
    this.title.dir = 'auto';
    this.title.title = display.cut(series.name, 200);
    head = element('p', 'chart-now', '', this.node);
    this.value = element('b', '', '\u2013', head);
    element('span', 'soft', display.cut(series.unit ? ' ' + series.unit : '', 20), head);
    this.moment = element('span', 'chart-moment soft', '', head);
    this.plot = element('div', 'plot', '', this.node);
    this.board = element('div', 'plot-board', '', this.plot);
    this.labels = element('div', 'plot-labels', '', this.plot);
    this.foot = element('p', 'chart-foot soft', '', this.node);
    this.extent = element('span', 'chart-extent', '', this.foot);
    this.surface = display.surface(this.board);
    this.table = new display.Table(series, this, number);
    this.listen();
  }

  Card.prototype = {
    listen: function () {
      var self = this, plot = self.plot;
      if (!self.surface) {
        plot.className = 'hidden';
        return;
      }
      plot.tabIndex = 0;
      plot.setAttribute('role', 'slider');
      plot.setAttribute('aria-label', display.cut(self.series.name, 60) + ', over time');
      plot.setAttribute('aria-valuemin', 0);
      listen(plot, 'mousemove', function (event) { self.point(event.clientX); });
      listen(plot, 'mouseleave', function () { self.choose(null); });
      listen(plot, 'touchstart', function (event) { self.point(event.touches[0].clientX); });
      listen(plot, 'touchmove', function (event) { self.point(event.touches[0].clientX); });
      listen(plot, 'touchend', function () { self.choose(null); });
      listen(plot, 'blur', function () { self.choose(null); });
      listen(plot, 'keydown', function (event) {
        if (self.key(event.keyCode)) { dom.stop(event); }
      });
    },

    point: function (x) {
      var box = this.plot.getBoundingClientRect(), view = this.view;
      if (view) {
        this.choose(view.from + (x - box.left) / (box.right - box.left - EDGE) * (view.to - view.from));
      }
    },

    // Returns whether the key is one of ours.
    key: function (code) {
      var points = this.points, at = points.length - 1, steps = {}, i;
      steps[LEFT] = steps[DOWN] = -1;
      steps[RIGHT] = steps[UP] = 1;
      steps[PAGE_DOWN] = -PAGE;
      steps[PAGE_UP] = PAGE;
      steps[HOME] = -points.length;
      steps[END] = points.length;
      if (code === ESCAPE) { this.choose(null); }
      if (!steps[code] || !points.length) { return code === ESCAPE; }
      for (i = 0; i < points.length; i += 1) {
        if (points[i] === this.shown) { at = i; }
      }
      this.choose(points[Math.max(0, Math.min(points.length - 1, at + steps[code]))].at);
      return true;
    },

    // view: {from, to, seconds, chosen}; times are in seconds since 1970.
    show: function (view) {
      var points = this.series.between(view.from, view.to), extent;
      this.view = view;
      this.points = points;
      if (this.series.points.length) { this.node.className = this.node.className.replace(' hidden', ''); }
      if (points.length) {
        extent = display.extent(points);
        this.scale = display.scale(extent.low, extent.high);
        write(this.extent, 'Lowest ' + display.text(extent.low) + ', highest ' + display.text(extent.high));
      } else {
        this.scale = display.scale(0, 1);
        write(this.extent, 'No value in this time');
      }
      this.draw();
      this.mark(view.chosen);
      this.table.show(points, view);
    },

    x: function (at) {
      return (at - this.view.from) / (this.view.to - this.view.from) * (this.width - EDGE);
    },

    y: function (value) {
      return TOP + (this.scale.high - value) / (this.scale.high - this.scale.low) * (HEIGHT - TOP - EDGE);
    },

    draw: function () {
      var runs = display.runs(this.points), grid = [], i, k, run;
      this.width = this.plot.offsetWidth;
      if (!this.surface || !this.width) { return; }
      for (i = 0; i < runs.length; i += 1) {
        run = [];
        for (k = 0; k < runs[i].length; k += 1) { run.push([this.x(runs[i][k].at), this.y(runs[i][k].value)]); }
        runs[i] = run;
      }
      for (i = 0; i < this.scale.marks.length; i += 1) { grid.push(this.y(this.scale.marks[i])); }
      this.surface.draw(this.width, HEIGHT, runs, grid);
      this.label(grid);
    },

    label: function (grid) {
      var view = this.view, step = view.seconds / 4, at, i, node;
      dom.empty(this.labels);
      for (i = 0; i < grid.length; i += 1) {
        node = element('span', 'mark-y', display.text(this.scale.marks[i]), this.labels);
        node.style.top = Math.round(grid[i]) + 'px';
      }
      for (at = Math.ceil(view.from / step) * step; at <= view.to; at += step) {
        if (this.x(at) < 24 || this.x(at) > this.width - 24) { continue; }
        node = element('span', 'mark-x', display.time(at, step % 60 > 0), this.labels);
        node.style.left = Math.round(this.x(at)) + 'px';
      }
    },

    // Shows the point next to a moment, or the last one.
    mark: function (chosen) {
      var point = chosen === null ? this.points[this.points.length - 1] : display.nearest(this.points, chosen);
      this.shown = point;
      write(this.value, point ? display.text(point.value) : '\u2013');
      write(this.moment, chosen === null || !point ? '' : ' at ' + display.time(point.at, true));
      if (!this.surface || !point || !this.width) { return; }
      this.surface.mark(this.x(point.at), this.y(point.value), HEIGHT, chosen !== null);
      this.plot.setAttribute('aria-valuemax', this.view.seconds);
      this.plot.setAttribute('aria-valuenow', Math.round(point.at - this.view.from));
      this.plot.setAttribute('aria-valuetext', display.text(point.value) + ' ' + display.cut(this.series.unit, 20) +
        (chosen === null ? ' now' : ' at ' + display.time(point.at, true)));
    },

    remove: function () {
      this.node.parentNode.removeChild(this.node);
    }
  };

  display.Card = Card;
}(window.display));
