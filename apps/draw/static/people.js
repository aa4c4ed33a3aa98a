// Who is here: the list of people, and their pens on the paper.
(function (draw) {
  'use strict';

  var COLOURS = 8,
      // Milliseconds after which a pen that rests is hidden.
      REST = 8000,
      find = thywill.internal.dom.find,
      element = thywill.internal.dom.element,
      ADJECTIVES = ['Brave', 'Calm', 'Clever', 'Curious', 'Gentle', 'Happy', 'Jolly', 'Kind', 'Lively', 'Lucky', 'Merry', 'Mighty',
        'Quick', 'Quiet', 'Sunny', 'Witty'],
      ANIMALS = ['Badger', 'Beaver', 'Crane', 'Dolphin', 'Falcon', 'Fox', 'Hare', 'Heron', 'Lynx', 'Marten', 'Otter', 'Owl',
        'Panda', 'Robin', 'Seal', 'Wren'];

  // The id of a person is a number to the base 16 that nobody has chosen.
  function part(id, from, count) {
    return (parseInt(String(id).substr(from, 4), 16) || 0) % count;
  }

  function People() {
    this.names = {};
    this.here = {};
    this.own = null;
    this.pens = {};
    this.list = find('draw-people');
  }

  People.prototype = {
    nameOf: function (id) {
      var person = this.here[id] || {};
      return this.names[id] || person.name || ADJECTIVES[part(id, 0, 16)] + ' ' + ANIMALS[part(id, 4, 16)];
    },

    colourOf: function (id) { return part(id, 8, COLOURS); },

    // Takes the names of several people by id; an empty text removes a name.
    setNames: function (names) {
      var id;
      for (id in names) { if (names.hasOwnProperty(id)) { this.names[id] = names[id]; } }
      this.show();
    },

    // Takes a presence event; left is null when all others have left.
    change: function (joined, left) {
      var i;
      if (!left) { this.here = {}; }
      for (i = 0; i < joined.length; i += 1) { this.here[joined[i].id] = joined[i]; }
      for (i = 0; left && i < left.length; i += 1) { delete this.here[left[i].id]; }
      this.show();
    },

    ids: function () {
      var ids = [], self = this, id;
      for (id in self.here) { if (self.here.hasOwnProperty(id)) { ids.push(id); } }
      return ids.sort(function (one, other) {
        if (one === self.own || other === self.own) { return one === self.own ? -1 : 1; }
        return self.nameOf(one) < self.nameOf(other) ? -1 : 1;
      });
    },

    show: function () {
      var ids = this.ids(), page, i, line;
      while (this.list.firstChild) { this.list.removeChild(this.list.firstChild); }
      for (i = 0; i < ids.length; i += 1) {
        line = element('li', ids[i] === this.own ? 'person mine' : 'person', '', this.list);
        element('span', 'dot disc-' + this.colourOf(ids[i]), '', line).setAttribute('aria-hidden', 'true');
        element('bdi', 'person-name', this.nameOf(ids[i]), line);
        if (ids[i] === this.own) { element('span', 'soft', ' (you)', line); }
      }
      find('draw-count').firstChild.nodeValue = ids.length === 1 ? 'You are alone here' : ids.length + ' people are here';
      for (page in this.pens) { if (this.pens.hasOwnProperty(page)) { this.write(this.pens[page]); } }
    },

    // A pen of another page; one without a place has gone.
    move: function (message, time) {
      var pen = this.pens[message.page], place = draw.decode(String(message.at || ''))[0];
      if (!place) {
        this.drop(message.page);
        return;
      }
      if (!pen) {
        pen = this.pens[message.page] = {node: element('div', '', '', find('draw-paper'))};
        element('bdi', 'pen-name', '', pen.node);
        pen.node.setAttribute('aria-hidden', 'true');
      }
      pen.by = message.by;
      pen.time = time;
      pen.line = message.p ? draw.line(message) : null;
      pen.place = place;
      this.write(pen);
    },

    write: function (pen) {
      // The name stays on the paper.
      pen.node.className = 'pen disc-' + this.colourOf(pen.by) + (pen.place.x > 0.75 ? ' pen-left' : '') +
        (pen.place.y > 0.85 ? ' pen-up' : '');
      pen.node.style.left = (pen.place.x * 100) + '%';
      pen.node.style.top = (pen.place.y * 100) + '%';
      pen.node.lastChild.firstChild.nodeValue = this.nameOf(pen.by);
    },

    drop: function (page) {
      var pen = this.pens[page];
      if (pen) { pen.node.parentNode.removeChild(pen.node); }
      delete this.pens[page];
    },

    // Returns the lines that others are drawing; hides resting pens.
    lines: function (time) {
      var lines = [], page;
      for (page in this.pens) {
        if (this.pens.hasOwnProperty(page)) {
          if (time - this.pens[page].time > REST) {
            this.drop(page);
          } else if (this.pens[page].line) {
            lines.push(this.pens[page].line);
          }
        }
      }
      return lines;
    }
  };

  draw.People = People;
  draw.find = find;
}(window.draw));
