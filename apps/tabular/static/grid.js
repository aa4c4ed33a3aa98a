// The table in the page: its cells, which of them is chosen, and the keys that move the choice.
(function (tabular) {
  'use strict';

  var listen = thywill.internal.listen,
      element = thywill.internal.dom.element,
      write = thywill.internal.dom.write,
      stop = thywill.internal.dom.stop,
      // Milliseconds for which a cell shows that somebody has changed it.
      FRESH = 1500, PAGE = 10,
      ENTER = 13, ESCAPE = 27, PAGE_UP = 33, PAGE_DOWN = 34, END = 35, HOME = 36,
      LEFT = 37, UP = 38, RIGHT = 39, DOWN = 40, DELETE = 46, BACK = 8, F2 = 113;

  // actions: {edit(text), empty(), remove(row), chosen(), sort(column)}; text replaces the value if it is not null.
  function Grid(model, place, actions) {
    var self = this;
    self.model = model;
    self.actions = actions;
    self.lines = {};
    self.row = null;
    self.column = 0;
    self.table = element('table', 'sheet', '', place);
    self.table.setAttribute('role', 'grid');
    self.table.setAttribute('aria-label', 'The table');
    self.head = element('thead', '', '', self.table);
    self.body = element('tbody', '', '', self.table);
    self.foot = element('tfoot', '', '', self.table);
    self.drawHead();
    self.drawFoot();
    listen(self.table, 'keydown', function (event) { self.key(event); });
    listen(self.table, 'keypress', function (event) { self.typed(event); });
  }

  Grid.prototype = {
    drawHead: function () {
      var self = this, line = element('tr', '', '', self.head), i;
      self.heads = [];
      function head(column) {
        var node = element('th', self.model.isNumber(column) ? 'number' : '', '', line),
            button = element('button', 'quiet sort', self.model.columns[column][0], node);
        node.setAttribute('scope', 'col');
        node.mark = element('span', 'sort-mark', '', button);
        node.mark.setAttribute('aria-hidden', 'true');
        button.onclick = function () { self.actions.sort(column); };
        self.heads.push(node);
      }
      element('th', 'row-number', '', line).setAttribute('scope', 'col');
      for (i = 0; i < self.model.columns.length; i += 1) { head(i); }
      element('td', 'row-tools', '', line);
    },

    drawFoot: function () {
      var line = element('tr', '', '', this.foot), i;
      this.sums = [];
      element('td', 'row-number', '', line);
      for (i = 0; i < this.model.columns.length; i += 1) {
        this.sums.push(element('td', this.model.isNumber(i) ? 'number' : '', i ? '' : 'Sum', line));
      }
      element('td', 'row-tools', '', line);
    },

    drawLine: function (row) {
      var self = this, line = document.createElement('tr'), cells = [], column, remove;
      function cell(number) {
        var node = element('td', '', '', line);
        node.setAttribute('role', 'gridcell');
        node.tabIndex = -1;
        node.shown = element('span', 'cell-text', '', node);
        node.shown.dir = 'auto';
        node.onfocus = function () { self.choose(row, number); };
        node.onclick = function (event) {
          var target = (event || window.event).target || (event || window.event).srcElement;
          if (/^(input|button)$/i.test(target.nodeName)) { return; }
          if (self.row === row && self.column === number && self.wasChosen) { self.actions.edit(null); }
          self.wasChosen = true;
          self.focus(row, number);
        };
        node.ondblclick = function () { self.actions.edit(null); };
        cells.push(node);
      }
      line.number = element('th', 'row-number', '', line);
      line.number.setAttribute('scope', 'row');
      for (column = 0; column < self.model.columns.length; column += 1) { cell(column); }
      remove = element('button', 'quiet row-remove', '\u00d7', element('td', 'row-tools', '', line));
      remove.title = 'Remove this row';
      remove.setAttribute('aria-label', 'Remove this row');
      remove.tabIndex = -1;
      remove.onclick = function () { self.actions.remove(row); };
      line.nodes = cells;
      self.lines[row] = line;
      return line;
    },

    node: function (row, column) {
      var line = this.lines[row];
      return line ? line.nodes[column] : null;
    },

    // Shows the present rows, in their order.
    arrange: function () {
      var self = this, order = self.model.order, focused = self.hasFocus(), i, line, next = self.body.rows[0] || null;
      thywill.internal.each(self.lines, function (row, each) {
        if (self.model.rows[row]) { return; }
        if (next === each) { next = each.nextSibling; }
        self.body.removeChild(each);
        delete self.lines[row];
      });
      for (i = 0; i < order.length; i += 1) {
        line = self.lines[order[i]];
        if (line && line === next) {
          next = line.nextSibling;
        } else {
          line = line || self.drawLine(order[i]);
          self.body.insertBefore(line, next);
        }
        write(line.number, String(i + 1));
      }
      self.settle(focused);
    },

    // If the row of the chosen cell is gone, its neighbour is chosen.
    settle: function (focused) {
      var order = this.model.order;
      if (order.length && this.model.place(this.row) < 0) {
        this.row = order[Math.max(0, Math.min(order.length - 1, this.at || 0))];
        this.choose(this.row, this.column);
      }
      this.at = this.model.place(this.row);
      if (focused && !this.hasFocus()) { this.focus(this.row, this.column); }
    },

    hasFocus: function () {
      var node = document.activeElement;
      while (node && node !== this.table) { node = node.parentNode; }
      return !!node;
    },

    show: function (row, column) {
      var node = this.node(row, column), cell = this.model.cell(row, column);
      if (!node || !cell) { return; }
      write(node.shown, tabular.text(cell.shown()));
      this.style(row, column);
    },

    style: function (row, column) {
      var node = this.node(row, column), cell = this.model.cell(row, column), name;
      name = 'cell' + (this.model.isNumber(column) ? ' number' : '') + (cell.state ? ' ' + cell.state : '') +
        (node.isFresh ? ' fresh' : '') + (row === this.row && column === this.column ? ' chosen' : '');
      if (node.className !== name) { node.className = name; }
    },

    showAll: function () {
      var order = this.model.order, i, column;
      this.arrange();
      for (i = 0; i < order.length; i += 1) {
        for (column = 0; column < this.model.columns.length; column += 1) { this.show(order[i], column); }
      }
      this.showSums();
    },

    showSums: function () {
      for (var i = 0; i < this.sums.length; i += 1) {
        if (this.model.isNumber(i)) { write(this.sums[i], tabular.text(this.model.sum(i))); }
      }
    },

    showSort: function () {
      var model = this.model, i, isSorted;
      for (i = 0; i < this.heads.length; i += 1) {
        isSorted = model.sorted === i;
        write(this.heads[i].mark, isSorted ? (model.isDown ? ' \u25bc' : ' \u25b2') : '');
        this.heads[i].setAttribute('aria-sort', isSorted ? (model.isDown ? 'descending' : 'ascending') : 'none');
      }
    },

    // Somebody else has changed a cell.
    flash: function (row, column) {
      var self = this, node = self.node(row, column);
      // A new page gets the history before it has drawn a row.
      if (!node) { return; }
      node.isFresh = true;
      self.style(row, column);
      thywill.clock.set(function () {
        node.isFresh = false;
        if (self.node(row, column) === node) { self.style(row, column); }
      }, FRESH);
    },

    // Chooses a cell for the keys, without moving the focus.
    choose: function (row, column) {
      var before = this.node(this.row, this.column), node = this.node(row, column), old = [this.row, this.column];
      if (!node) { return; }
      if (before) { before.tabIndex = -1; }
      if (row !== old[0] || column !== old[1]) { this.wasChosen = false; }
      this.row = row;
      this.column = column;
      this.at = this.model.place(row);
      node.tabIndex = 0;
      if (before) { this.style(old[0], old[1]); }
      this.style(row, column);
      this.actions.chosen();
    },

    focus: function (row, column) {
      var node = this.node(row, column);
      if (node && document.activeElement !== node) { node.focus(); }
    },

    move: function (rows, columns) {
      var order = this.model.order, at = Math.max(0, Math.min(order.length - 1, this.model.place(this.row) + rows));
      this.focus(order[at], Math.max(0, Math.min(this.model.columns.length - 1, this.column + columns)));
    },

    // Goes to the next cell or to the previous one, also to another row.
    step: function (by) {
      var count = this.model.columns.length, at = this.model.place(this.row) * count + this.column + by;
      if (at >= 0 && at < count * this.model.order.length) {
        this.focus(this.model.order[Math.floor(at / count)], at % count);
      }
    },

    key: function (event) {
      var code = event.keyCode, node = event.target || event.srcElement, far = 1e6, isDone = true;
      if (/^(input|button)$/i.test(node.nodeName) || event.altKey || event.metaKey) { return; }
      if (code === LEFT) { this.move(0, -1); }
      else if (code === RIGHT) { this.move(0, 1); }
      else if (code === UP) { this.move(-1, 0); }
      else if (code === DOWN) { this.move(1, 0); }
      else if (code === HOME) { this.move(event.ctrlKey ? -far : 0, -far); }
      else if (code === END) { this.move(event.ctrlKey ? far : 0, far); }
      else if (code === PAGE_UP) { this.move(-PAGE, 0); }
      else if (code === PAGE_DOWN) { this.move(PAGE, 0); }
      else if (code === ENTER || code === F2) { this.actions.edit(null); }
      else if (code === DELETE || code === BACK) { this.actions.empty(); }
      else if (code !== ESCAPE) { isDone = false; }
      if (isDone) { stop(event); }
    },

    // A character begins to write.
    typed: function (event) {
      var code = event.charCode === undefined ? event.keyCode : event.charCode, node = event.target || event.srcElement;
      if (/^(input|button)$/i.test(node.nodeName) || event.ctrlKey || event.altKey || event.metaKey || code <= 32) {
        return;
      }
      stop(event);
      this.actions.edit(String.fromCharCode(code));
    }
  };

  tabular.Grid = Grid;
  tabular.element = element;
  tabular.write = write;
  tabular.stop = stop;
}(window.tabular));
