// The details of the chosen cell: its author, what others write, the choice after a conflict, and its past.
(function (tabular) {
  'use strict';

  function two(number) {
    return (number < 10 ? '0' : '') + number;
  }

  function time(at) {
    var date = new Date(at * 1000), text = two(date.getHours()) + ':' + two(date.getMinutes());
    return date.toDateString() === new Date().toDateString() ? text
      : date.getFullYear() + '-' + two(date.getMonth() + 1) + '-' + two(date.getDate()) + ' ' + text;
  }

  function quoted(value) {
    return value === null ? 'nothing' : '\u201c' + tabular.text(value) + '\u201d';
  }

  function author(name, at) {
    return (name || 'There from the beginning') + (name ? ', ' + time(at) : '');
  }

  // actions: {edit(text), keep(), drop(), use(value), entries(row, column, done)}
  function Details(place, grid, editor, people, actions) {
    this.place = place;
    this.grid = grid;
    this.editor = editor;
    this.people = people;
    this.actions = actions;
    this.past = null;
    this.drawn = '';
  }

  Details.prototype = {
    show: function () {
      var grid = this.grid, cell = grid.model.cell(grid.row, grid.column), isBehind, writers, text;
      if (!cell) {
        this.clear();
        return;
      }
      writers = this.people.writers(grid.row, grid.column);
      isBehind = !!this.editor.input && cell && cell.version > this.editor.base && cell.state === '';
      text = [isBehind, grid.row, grid.column, cell.version, cell.state, cell.mine, writers.join(), grid.at, cell.who].join('\u0000');
      if (text === this.drawn) { return; }
      if (this.of !== grid.row + ' ' + grid.column + ' ' + cell.version) { this.past = null; }
      this.of = grid.row + ' ' + grid.column + ' ' + cell.version;
      this.clear();
      this.drawn = text;
      if (isBehind) { this.warn(cell); } else { this.draw(cell, writers); }
    },

    // Somebody else has changed the cell in which the person here is writing.
    warn: function (cell) {
      tabular.element('h2', '', 'While you are writing', this.place);
      tabular.element('p', 'problem', cell.who + ' wrote ' + quoted(cell.value) + ' here.', this.place).setAttribute('role', 'alert');
      tabular.element('p', 'soft', 'Enter asks you which of the two to keep, Escape takes theirs.', this.place);
    },

    clear: function () {
      this.drawn = '';
      while (this.place.firstChild) { this.place.removeChild(this.place.firstChild); }
    },

    button: function (text, className, action, place) {
      tabular.element('button', className, text, place).onclick = action;
    },

    draw: function (cell, writers) {
      var self = this, grid = self.grid, place = self.place, tools, who;
      tabular.element('h2', '', 'Row ' + (grid.model.place(grid.row) + 1) + ', ' + grid.model.columns[grid.column][0], place);
      tabular.element('p', 'details-value', cell.shown() === null ? 'Empty' : tabular.text(cell.shown()), place).dir = 'auto';
      who = cell.version ? author(cell.who, cell.at) : 'Nobody has written here.';
      tabular.element('p', 'soft', cell.state === 'saving' ? 'Saving\u2026' : who, place);
      if (writers.length) { tabular.element('p', 'soft', writers.join(', ') + (writers.length > 1 ? ' are' : ' is') + ' writing here.', place); }
      tools = tabular.element('p', 'details-tools', '', place);
      if (cell.state === 'conflict') {
        tabular.element('p', 'problem', cell.who + ' wrote ' + quoted(cell.value) + ' while you wrote ' +
          quoted(cell.mine) + '.', place);
        place.insertBefore(place.lastChild, tools);
        self.button('Keep mine', 'strong', self.actions.keep, tools);
        self.button('Take theirs', '', self.actions.drop, tools);
      } else if (cell.state === 'failed') {
        tabular.element('p', 'problem', 'Not saved: ' + cell.problem, place);
        place.insertBefore(place.lastChild, tools);
        self.button('Write again', 'strong', function () { self.actions.edit(null); }, tools);
        self.button('Discard', '', self.actions.drop, tools);
      } else {
        self.button('Write', '', function () { self.actions.edit(null); }, tools);
        if (cell.version) { self.button('History', 'quiet', function () { self.ask(); }, tools); }
        self.button('Remove row', 'quiet', function () { self.actions.remove(grid.row); }, tools);
      }
      if (self.past) { self.drawPast(); }
    },

    ask: function () {
      var self = this, of = self.of;
      self.actions.entries(self.grid.row, self.grid.column, function (error, entries) {
        if (of !== self.of || error) { return; }
        self.past = entries;
        self.drawPast();
      });
    },

    drawPast: function () {
      var self = this, list, line, i;
      if (self.list && self.list.parentNode === self.place) { self.place.removeChild(self.list); }
      self.list = list = tabular.element('ol', 'past', '', self.place);
      function offer(value, place) {
        self.button('Use', 'quiet use', function () { self.actions.use(value); }, place);
        place.lastChild.setAttribute('aria-label', 'Use ' + quoted(value));
      }
      for (i = 0; i < self.past.length; i += 1) {
        line = tabular.element('li', '', '', list);
        if (i) { offer(self.past[i][0], line); }
        tabular.element('span', 'past-value', self.past[i][0] === null ? 'Empty' : tabular.text(self.past[i][0]), line).dir =
          'auto';
        tabular.element('span', 'soft', author(self.past[i][2], self.past[i][3]), line);
      }
    }
  };

  tabular.Details = Details;
}(window.tabular));
