// The table as this page knows it: the server's values, and the values of this page's person that the server has not
// accepted yet. Pure: nothing is shown or sent here.
(function () {
  'use strict';

  var tabular = window.tabular = {},
      own = Object.prototype.hasOwnProperty,
      NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

  // state: '' (as on the server), 'saving', 'conflict' (somebody else has written), or 'failed'. In the last three, mine
  // is the value of this page's person.
  function Cell() {
    this.value = null;
    this.version = 0;
    this.who = '';
    this.at = 0;
    this.mine = null;
    this.state = '';
    this.problem = '';
    // The value that was written while the cell was saving, in a list of at most one.
    this.next = [];
  }

  Cell.prototype = {
    // Returns the value that is shown.
    shown: function () {
      return this.state ? this.mine : this.value;
    },

    // Takes an entry [value, version, who, at] of the server; returns whether it is new.
    take: function (entry) {
      if (!entry || !(entry[1] > this.version)) { return false; }
      this.value = entry[0];
      this.version = entry[1];
      this.who = entry[2];
      this.at = entry[3];
      return true;
    }
  };

  function Model(columns) {
    this.columns = columns;
    this.clear();
    this.sorted = null;
    this.isDown = false;
  }

  Model.prototype = {
    clear: function () {
      this.rows = {};
      // The ids of the rows as they are shown.
      this.order = [];
    },

    cell: function (row, column) {
      return own.call(this.rows, row) ? this.rows[row][column] || null : null;
    },

    // Takes an event of the server; returns the cells that have changed, each [row, column].
    apply: function (event) {
      var changed = [], cell, i;
      if (event.type === 'cell') {
        cell = this.cell(event.row, event.column);
        if (cell && cell.take(event.entry)) { changed.push([event.row, event.column]); }
      } else if (event.type === 'removed') {
        this.remove(event.row);
      } else if (event.type === 'rows' && event.rows) {
        for (i = 0; i < event.rows.length; i += 1) { this.takeRow(event.rows[i], changed); }
      }
      return changed;
    },

    takeRow: function (row, changed) {
      var column, entries;
      if (!own.call(this.rows, row.id)) {
        this.rows[row.id] = [];
        for (column = 0; column < this.columns.length; column += 1) { this.rows[row.id].push(new Cell()); }
        this.order.push(row.id);
      }
      for (column = 0; column < this.columns.length; column += 1) {
        entries = row.cells[column] || [];
        if (this.rows[row.id][column].take(entries[entries.length - 1])) { changed.push([row.id, column]); }
      }
    },

    remove: function (row) {
      delete this.rows[row];
      this.order = thywill.internal.without(this.order, row);
    },

    place: function (row) {
      for (var i = 0; i < this.order.length; i += 1) {
        if (this.order[i] === row) { return i; }
      }
      return -1;
    },

    // Sorts the rows: empty cells come last, and equal cells stay in the order in which they were entered.
    sort: function () {
      var self = this, column = self.sorted, down = self.isDown ? -1 : 1;
      self.order.sort(function (one, other) {
        var left, right;
        if (column !== null) {
          left = self.cell(one, column).shown();
          right = self.cell(other, column).shown();
          if (left === null || right === null) {
            if (left !== right) { return left === null ? 1 : -1; }
          } else if (self.compare(left, right)) {
            return self.compare(left, right) * down;
          }
        }
        return one - other;
      });
    },

    compare: function (left, right) {
      if (typeof left === 'number' && typeof right === 'number') { return left - right; }
      left = String(left);
      right = String(right);
      return left.localeCompare ? left.localeCompare(right) : left < right ? -1 : left > right ? 1 : 0;
    },

    isNumber: function (column) {
      return this.columns[column][1] === 'number';
    },

    // Returns the cells in one state, each [row, column], in the order that is shown.
    inState: function (isWanted) {
      var found = [], i, column;
      for (i = 0; i < this.order.length; i += 1) {
        for (column = 0; column < this.columns.length; column += 1) {
          if (isWanted(this.cell(this.order[i], column).state)) { found.push([this.order[i], column]); }
        }
      }
      return found;
    },

    sum: function (column) {
      var sum = 0, i, value;
      for (i = 0; i < this.order.length; i += 1) {
        value = this.cell(this.order[i], column).shown();
        if (typeof value === 'number') { sum += value; }
      }
      return Math.round(sum * 1e6) / 1e6;
    }
  };

  // Returns the number that a text stands for, with a point or a comma; null for none, NaN if it is no number.
  tabular.number = function (text) {
    text = text.replace(/[\s']/g, '').replace(/\u2212/g, '-');
    if (!text) { return null; }
    text = /^[-+]?\d{1,3}(,\d{3})+(\.\d*)?$/.test(text) ? text.replace(/,/g, '') : text.replace(',', '.');
    return NUMBER.test(text) ? Number(text) : NaN;
  };

  // Returns a value as it is shown.
  tabular.text = function (value) {
    var text = value === null || value === undefined ? '' : String(value);
    return typeof value !== 'number' || /e/.test(text) ? text
      : text.replace(/^(-?\d+)/, function (digits) { return digits.replace(/(\d)(?=(\d{3})+$)/g, '$1,'); });
  };

  tabular.Model = Model;
}());
