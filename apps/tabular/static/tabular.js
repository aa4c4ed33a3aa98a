// Table: joins the parts.
(function (tabular) {
  'use strict';

  var find = thywill.internal.dom.find;

  function tell(text) {
    find('tabular-told').firstChild.nodeValue = text || '\u00a0';
  }

  function Board(client) {
    var self = this;
    self.client = client;
    self.model = new tabular.Model(client.parameters.columns);
    self.isDue = false;
    // Whether the table has come.
    self.isHere = false;
    // The values that were not saved when this page had to begin anew: each [row, column, text].
    self.unsaved = [];
    self.saver = new tabular.Saver(client, self.model, function (row, column) { self.show(row, column); });
    self.grid = new tabular.Grid(self.model, find('tabular-frame'), {
      edit: function (text) { self.edit(text); },
      empty: function () { self.save(self.grid.row, self.grid.column, '', null); },
      remove: function (row) { self.remove(row); },
      chosen: function () { self.chosen(); },
      sort: function (column) { self.sort(column); }
    });
    self.editor = new tabular.Editor(self.grid, function (row, column, text, base) {
      self.save(row, column, text, base);
    }, function () { self.edited(); });
    self.people = new tabular.People(client, self.grid, find('tabular-people'));
    self.details = new tabular.Details(find('tabular-details'), self.grid, self.editor, self.people, self.choices());
  }

  Board.prototype = {
    choices: function () {
      var self = this;
      return {
        edit: function (text) { self.edit(text); },
        keep: function () { self.decide('insist'); },
        drop: function () { self.decide('drop'); },
        remove: function (row) { self.remove(row); },
        use: function (value) {
          self.saver.value(self.grid.row, self.grid.column, value, self.model.cell(self.grid.row, self.grid.column).version);
          self.grid.focus(self.grid.row, self.grid.column);
        },
        entries: function (row, column, done) { self.client.call('entries', [row, column], done); }
      };
    },

    receive: function (message) {
      var changed, i, cell;
      if (!message || typeof message !== 'object') { return; }
      this.people.receive(message);
      if (message.type === 'removed') { this.removed(message); }
      changed = this.model.apply(message);
      if (message.type === 'rows' && !this.isHere) {
        this.isHere = true;
        tell('');
      }
      for (i = 0; i < changed.length && message.type === 'cell'; i += 1) {
        cell = this.model.cell(changed[i][0], changed[i][1]);
        if (String(message.mark).indexOf(this.client.id) !== 0) { this.grid.flash(changed[i][0], changed[i][1]); }
        if (cell.state !== 'saving') { this.grid.show(changed[i][0], changed[i][1]); }
      }
      this.ownName();
      if (message.type === 'rows' || message.type === 'removed' || changed.length) { this.soon(message.type !== 'cell'); }
    },

    // Puts the name into its field, unless the person is writing there.
    ownName: function () {
      var person = this.people.all[this.client.id], field = find('tabular-name');
      if (person && person.name !== this.name && document.activeElement !== field) {
        this.name = field.value = person.name;
      }
    },

    // Draws the changes of several messages together.
    soon: function (isWhole) {
      var self = this;
      self.isWhole = self.isWhole || isWhole;
      if (self.isDue) { return; }
      self.isDue = true;
      thywill.clock.set(function () {
        self.isDue = false;
        self.draw(self.isWhole);
        self.isWhole = false;
      }, 0);
    },

    draw: function (isWhole) {
      this.remember();
      if (!this.editor.input) { this.model.sort(); }
      if (isWhole) { this.grid.showAll(); } else { this.grid.arrange(); }
      if (isWhole) { this.people.markAll(); }
      this.grid.showSums();
      this.notice();
      this.details.show();
    },

    show: function (row, column) {
      this.grid.show(row, column);
      this.soon(false);
    },

    chosen: function () {
      if (!this.people) { return; }
      this.people.report(!!this.editor.input);
      this.details.show();
    },

    edit: function (text) {
      this.editor.open(this.grid.row, this.grid.column, text);
    },

    edited: function () {
      this.people.report(!!this.editor.input);
      if (!this.editor.input) { this.soon(false); }
    },

    save: function (row, column, text, base) {
      var cell = this.model.cell(row, column);
      if (cell) { this.saver.text(row, column, text, base === null ? cell.version : base); }
    },

    decide: function (what) {
      this.saver[what](this.grid.row, this.grid.column);
      this.grid.focus(this.grid.row, this.grid.column);
    },

    sort: function (column) {
      var model = this.model;
      if (model.sorted === column && model.isDown) { column = null; }
      model.isDown = model.sorted === column && column !== null;
      model.sorted = column;
      find('tabular-unsort').className = column === null ? 'quiet hidden' : 'quiet';
      this.grid.showSort();
      this.draw(false);
    },

    // After a conflict or a failure, a line above the table says so and leads to the cell.
    notice: function () {
      var cells = this.model.inState(function (state) { return state === 'conflict' || state === 'failed'; }),
          text = cells.length === 1 ? 'One cell needs your decision.' : cells.length + ' cells need your decision.';
      this.waiting = cells[0];
      if (find('tabular-notice').count === cells.length) { return; }
      find('tabular-notice').count = cells.length;
      find('tabular-notice').className = cells.length ? 'notice' : 'notice hidden';
      tabular.write(find('tabular-notice-text'), text);
    },

    removed: function (message) {
      var editor = this.editor, text;
      if (editor.input && editor.row === message.row) {
        text = editor.input.value;
        editor.close(false);
        tell(message.who + ' has removed the row that you were writing in. You had written: ' + text);
      }
    },

    remove: function (row) {
      var self = this, button;
      self.client.call('remove', [row, self.saver.count()], function (error) {
        if (error) {
          tell(error.message);
          return;
        }
        tell('The row is removed. ');
        button = tabular.element('button', 'quiet', 'Undo', find('tabular-told'));
        button.onclick = function () {
          find('tabular-told').removeChild(button);
          self.restore(row);
        };
      });
    },

    restore: function (row) {
      this.client.call('restore', [row, this.saver.count()], function (error) {
        tell(error ? error.message : 'The row is back.');
      });
    },

    add: function () {
      var self = this;
      self.client.call('add', [self.saver.count()], function (error, row) {
        if (error) {
          tell(error.message);
          return;
        }
        // Its event may come after the answer.
        thywill.clock.set(function () { self.grid.focus(row, 0); }, 50);
      });
    },

    // The server did not know this page any more. The table comes anew; unsaved values are kept.
    restart: function () {
      var self = this, cells = self.model.inState(function (state) { return state !== ''; }), i;
      for (i = 0; i < cells.length; i += 1) {
        self.unsaved.push([cells[i][0], cells[i][1], self.model.cell(cells[i][0], cells[i][1]).mine]);
      }
      self.editor.close(false);
      self.people.clear();
      self.model.clear();
      self.people.sent = '';
      self.soon(true);
    },

    remember: function () {
      var self = this, left = [], i, each;
      for (i = 0; i < self.unsaved.length; i += 1) {
        each = self.unsaved[i];
        if (self.model.cell(each[0], each[1])) {
          self.saver.fail(each[0], each[1], each[2], 'the server was restarted meanwhile.');
        } else {
          left.push(each);
        }
      }
      self.unsaved = left;
    }
  };

  function offer(client, board) {
    find('tabular-add').onclick = function () { board.add(); };
    find('tabular-unsort').onclick = function () { board.sort(null); };
    find('tabular-notice-do').onclick = function () {
      if (board.waiting) { board.grid.focus(board.waiting[0], board.waiting[1]); }
    };
    find('tabular-name-form').onsubmit = function () {
      client.send({type: 'name', name: find('tabular-name').value});
      find('tabular-name').blur();
      return false;
    };
    thywill.cuttable(client, find('tabular-cut'));
  }

  function start(client) {
    var board = new Board(client);
    client.on('message', function (message) { board.receive(message); });
    client.on('error', function (error) { tell(error.message); });
    client.on('restart', function () { board.restart(); });
    thywill.internal.dom.showState(client, find('tabular-state'), {waiting: 'What you write is sent later.', gone: 'Reload the page.'});
    offer(client, board);
    tabular.board = board;
  }

  thywill.ready(start, thywill.internal.dom.showFailure(find('tabular-state')));
}(window.tabular));
