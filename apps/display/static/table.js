// The table behind a chart: a row for each twelfth of the time that is shown.
(function (display) {
  'use strict';

  var ROWS = 12,
      dom = thywill.internal.dom;

  // Returns a row {to, value, low, high} for each part of the time in which there was a value, the newest first.
  display.rows = function (points, view) {
    var rows = [], step = view.seconds / ROWS, part, last = null, i, point;
    for (i = points.length - 1; i >= 0; i -= 1) {
      point = points[i];
      part = Math.floor((view.to - point.at) / step);
      if (part !== last) {
        rows.push({at: point.at, value: point.value, low: point.low, high: point.high});
        last = part;
      }
      rows[rows.length - 1].low = Math.min(rows[rows.length - 1].low, point.low);
      rows[rows.length - 1].high = Math.max(rows[rows.length - 1].high, point.high);
    }
    return rows;
  };

  function Table(series, card, number) {
    var self = this;
    self.series = series;
    self.isOpen = !card.surface;
    self.node = dom.element('div', self.isOpen ? 'chart-table' : 'chart-table hidden', '', card.node);
    self.node.id = 'display-table-' + number;
    if (self.isOpen) { return; }
    self.button = dom.element('button', 'quiet chart-button', 'Table', card.foot);
    self.button.setAttribute('aria-expanded', 'false');
    self.button.setAttribute('aria-controls', self.node.id);
    self.button.setAttribute('aria-label', 'Table of ' + display.cut(series.name, 60));
    self.button.onclick = function () {
      self.isOpen = !self.isOpen;
      self.button.setAttribute('aria-expanded', String(self.isOpen));
      self.node.className = self.isOpen ? 'chart-table' : 'chart-table hidden';
      if (card.view) { self.show(card.points, card.view); }
    };
  }

  Table.prototype = {
    show: function (points, view) {
      var rows, table, body, line, i;
      if (!this.isOpen) { return; }
      rows = display.rows(points, view);
      dom.empty(this.node);
      table = dom.element('table', '', '', this.node);
      body = dom.element('tbody', '', '', table);
      line = dom.element('tr', '', '', body);
      this.cells(line, 'th', ['Time', 'Value', 'Lowest', 'Highest']);
      for (i = 0; i < rows.length; i += 1) {
        line = dom.element('tr', '', '', body);
        this.cells(line, 'td', [
          display.time(rows[i].at, true), display.text(rows[i].value), display.text(rows[i].low), display.text(rows[i].high)
        ]);
      }
    },

    cells: function (line, tag, texts) {
      var i, cell;
      for (i = 0; i < texts.length; i += 1) {
        cell = dom.element(tag, i ? 'number' : '', texts[i], line);
        if (tag === 'th') { cell.setAttribute('scope', 'col'); }
      }
    }
  };

  display.Table = Table;
}(window.display));
