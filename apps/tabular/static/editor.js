// The field for the value of a cell, and the saving of values.
(function (tabular) {
  'use strict';

  var TAB = 9, ENTER = 13, ESCAPE = 27;

  // save(row, column, text, base): base is the version that its author saw. changed() is called when it opens or closes.
  function Editor(grid, save, changed) {
    this.grid = grid;
    this.save = save;
    this.changed = changed;
    this.input = null;
  }

  Editor.prototype = {
    // text replaces what the cell has; null leaves it.
    open: function (row, column, text) {
      var self = this, node = self.grid.node(row, column), cell = self.grid.model.cell(row, column), input;
      if (!cell || (self.input && self.row === row && self.column === column)) { return; }
      self.close(true);
      self.row = row;
      self.column = column;
      self.base = cell.version;
      self.before = cell.shown() === null ? '' : String(cell.shown());
      self.input = input = document.createElement('input');
      input.className = 'cell-input';
      input.dir = 'auto';
      input.value = text === null ? self.before : text;
      input.setAttribute('aria-label', self.grid.model.columns[column][0]);
      if (self.grid.model.isNumber(column)) { input.setAttribute('inputmode', 'decimal'); }
      node.insertBefore(input, node.firstChild);
      input.onkeydown = function (event) { self.key(event || window.event); };
      input.onblur = function () { self.close(true); };
      input.focus();
      if (text === null) { input.select(); } else { input.value = text; }
      self.changed();
    },

    key: function (event) {
      var code = event.keyCode;
      if (event.isComposing || (code !== TAB && code !== ENTER && code !== ESCAPE)) { return; }
      tabular.stop(event);
      if (event.stopPropagation) { event.stopPropagation(); } else { event.cancelBubble = true; }
      this.close(code !== ESCAPE);
      this.grid.focus(this.row, this.column);
      if (code === ENTER) { this.grid.move(1, 0); }
      if (code === TAB) { this.grid.step(event.shiftKey ? -1 : 1); }
    },

    close: function (isSaved) {
      var input = this.input, text;
      if (!input) { return; }
      // The field loses the focus when it is removed, which would close it again.
      this.input = null;
      text = input.value;
      if (input.parentNode) { input.parentNode.removeChild(input); }
      if (isSaved && text !== this.before) { this.save(this.row, this.column, text, this.base); }
      this.changed();
    }
  };

  // Sends values. show(row, column) is called when a cell has another state; name() returns the name of this page's person.
  function Saver(client, model, show) {
    this.client = client;
    this.model = model;
    this.show = show;
    this.number = 0;
  }

  Saver.prototype = {
    // Returns the number of a change, by which the server recognizes a repeat.
    count: function () {
      this.number += 1;
      return this.number;
    },

    text: function (row, column, text, base) {
      var value = text || null, cell = this.model.cell(row, column);
      if (!cell) { return; }
      if (this.model.isNumber(column)) {
        value = tabular.number(text);
        if (value !== null && !(Math.abs(value) <= 1e15)) {
          this.fail(row, column, text, 'This is no number.');
          return;
        }
      }
      this.value(row, column, value, base);
    },

    fail: function (row, column, mine, problem) {
      var cell = this.model.cell(row, column);
      if (!cell) { return; }
      cell.mine = mine;
      cell.state = 'failed';
      cell.problem = problem;
      this.show(row, column);
    },

    value: function (row, column, value, base) {
      var self = this, cell = self.model.cell(row, column);
      cell.mine = value;
      if (cell.state === 'saving') {
        cell.next = [value];
      } else {
        cell.state = 'saving';
        self.client.call('write', [row, column, value, base, self.count()], function (error, result) {
          self.answered(row, column, value, error, result);
        });
      }
      self.show(row, column);
    },

    answered: function (row, column, value, error, result) {
      var cell = this.model.cell(row, column), next;
      if (!cell || cell.state !== 'saving') { return; }
      next = cell.next.pop();
      cell.state = '';
      if (error) {
        this.fail(row, column, cell.mine, error.message);
      } else if (result.conflict) {
        cell.take(result.conflict);
        cell.state = 'conflict';
      } else {
        cell.take([value, result.version, 'you', new Date().getTime() / 1000]);
        if (next !== undefined) { this.value(row, column, next, cell.version); }
      }
      this.show(row, column);
    },

    // Ends a conflict or a failure: the cell has the server's value again.
    drop: function (row, column) {
      var cell = this.model.cell(row, column);
      cell.state = '';
      cell.mine = null;
      this.show(row, column);
    },

    // Ends a conflict: writes the value of this page's person over the other value.
    insist: function (row, column) {
      var cell = this.model.cell(row, column);
      cell.state = '';
      this.value(row, column, cell.mine, cell.version);
    }
  };

  tabular.Editor = Editor;
  tabular.Saver = Saver;
}(window.tabular));
