// The people who are here, and their cells.
(function (tabular) {
  'use strict';

  var TONES = 8,
      // Milliseconds between two reports of the cell of this page's person.
      PAUSE = 120,
      each = thywill.internal.each;

  function toneOf(id) {
    var sum = 0, i;
    for (i = 0; i < id.length; i += 1) { sum += id.charCodeAt(i) * (i + 1); }
    return sum % TONES;
  }

  function People(client, grid, place) {
    this.client = client;
    this.grid = grid;
    this.place = place;
    this.all = {};
    this.sent = '';
    this.isDue = false;
  }

  People.prototype = {
    // Takes a message of the server, if it is about people.
    receive: function (message) {
      var i;
      if (message.type === 'here' && message.people) {
        this.clear();
        for (i = 0; i < message.people.length; i += 1) { this.take(message.people[i]); }
        this.list();
      } else if (message.type === 'cursor' && message.id) {
        if (this.take(message)) { this.list(); }
      } else if (message.type === 'left' && this.all[message.id]) {
        this.unmark(this.all[message.id]);
        delete this.all[message.id];
        this.list();
      }
    },

    // Returns whether there is somebody new, or a new name.
    take: function (cursor) {
      var person = this.all[cursor.id] || {id: cursor.id}, isNew = person.name !== String(cursor.name);
      this.all[cursor.id] = person;
      person.name = String(cursor.name);
      person.row = cursor.row;
      person.column = cursor.column;
      person.editing = cursor.editing;
      this.mark(person);
      return isNew;
    },

    clear: function () {
      var self = this;
      each(self.all, function (id, person) { self.unmark(person); });
      self.all = {};
    },

    unmark: function (person) {
      if (person.mark && person.mark.parentNode) { person.mark.parentNode.removeChild(person.mark); }
    },

    // A frame around the cell of somebody else, with the name.
    mark: function (person) {
      var node = person.id === this.client.id ? null : this.grid.node(person.row, person.column);
      this.unmark(person);
      if (!node) { return; }
      if (!person.mark) {
        person.mark = tabular.element('span', '', '', node);
        person.mark.label = tabular.element('span', 'cursor-name', '', person.mark);
        person.mark.setAttribute('aria-hidden', 'true');
      }
      person.mark.className = 'cursor tone-' + toneOf(person.id) + (person.editing ? ' writes' : '');
      person.mark.label.className = 'cursor-name disc-' + toneOf(person.id);
      tabular.write(person.mark.label, person.name + (person.editing ? ' \u270e' : ''));
      node.appendChild(person.mark);
    },

    // The rows are drawn anew, or some have come.
    markAll: function () {
      var self = this;
      each(self.all, function (id, person) { self.mark(person); });
    },

    list: function () {
      var self = this, place = self.place;
      while (place.firstChild) { place.removeChild(place.firstChild); }
      each(self.all, function (id, person) {
        var line = tabular.element('li', 'person', '', place), name;
        tabular.element('span', 'dot disc-' + toneOf(id), '', line).setAttribute('aria-hidden', 'true');
        name = tabular.element('span', 'person-name', person.name, line);
        name.dir = 'auto';
        if (id === self.client.id) { tabular.element('span', 'soft', ' (you)', line); }
      });
    },

    // Returns the names of the people who are writing in a cell.
    writers: function (row, column) {
      var self = this, names = [];
      each(self.all, function (id, person) {
        if (id !== self.client.id && person.editing && person.row === row && person.column === column) {
          names.push(person.name);
        }
      });
      return names;
    },

    // Reports the cell of this page's person, but not too often.
    report: function (editing) {
      var self = this;
      self.editing = editing;
      if (self.isDue) { return; }
      self.isDue = true;
      thywill.clock.set(function () {
        var place = {type: 'cursor', row: self.grid.row, column: self.grid.column, editing: self.editing},
            text = [place.row, place.column, place.editing].join();
        self.isDue = false;
        if (text !== self.sent && self.grid.row !== null && (self.sent || self.editing || self.grid.hasFocus())) {
          self.sent = text;
          self.client.send(place, function () {});
        }
      }, PAUSE);
    }
  };

  tabular.People = People;
}(window.tabular));
