// Draws the world with positioned elements, which every browser has. Players differ not only by colours: each has a
// name, and the own player has a ring.
(function (gems) {
  'use strict';

  var COLOURS = 8,
      WAITING = 'Waiting for the game\u2026',
      find = thywill.internal.dom.find,
      element = thywill.internal.dom.element;

  function View() {
    this.arena = find('game-arena');
    this.discs = {};
    this.gems = [];
    this.names = {};
    this.own = null;
    this.scored = '';
    this.said = '';
    this.isWaiting = true;
  }

  View.prototype = {
    setNames: function (names) {
      this.names = names;
      this.scored = '';
      for (var id in this.discs) {
        if (this.discs.hasOwnProperty(id) && names[id]) { this.discs[id].lastChild.firstChild.nodeValue = names[id][0]; }
      }
    },

    // Places are drawn as shares of the arena, so that it can have any size.
    put: function (node, x, y) {
      node.style.left = (x * 100 / gems.WIDTH) + '%';
      node.style.top = (y * 100 / gems.HEIGHT) + '%';
    },

    disc: function (id) {
      var disc = this.discs[id];
      if (!disc) {
        disc = this.discs[id] = element('div', 'disc disc-' + id % COLOURS, '', this.arena);
        element('span', 'disc-name', (this.names[id] || [''])[0], disc);
      }
      if (Number(id) === this.own) { disc.className = 'disc own disc-' + id % COLOURS; }
      return disc;
    },

    showPlayers: function (places) {
      var id;
      for (id in places) {
        if (places.hasOwnProperty(id)) { this.put(this.disc(id), places[id].x, places[id].y); }
      }
      for (id in this.discs) {
        if (this.discs.hasOwnProperty(id) && !places[id]) {
          this.arena.removeChild(this.discs[id]);
          delete this.discs[id];
        }
      }
    },

    showGems: function (list) {
      var i;
      while (this.gems.length < list.length) { this.gems.push(element('div', 'gem', '', this.arena)); }
      for (i = 0; i < list.length; i += 1) {
        this.gems[i].className = list[i][2] > 1 ? 'gem star' : 'gem';
        this.gems[i].firstChild.nodeValue = list[i][2] > 1 ? '\u2605' : '\u25c6';
        this.put(this.gems[i], list[i][0], list[i][1]);
      }
    },

    // players: [id, x, y, heading, score, last]. Written only when something has changed.
    showScores: function (players) {
      var rows = players.slice(0), text = '', i, place = find('game-scores'), line;
      rows.sort(function (one, other) { return other[4] - one[4] || one[0] - other[0]; });
      for (i = 0; i < rows.length; i += 1) { text += rows[i][0] + ':' + rows[i][4] + ' '; }
      if (text === this.scored) { return; }
      this.scored = text;
      while (place.firstChild) { place.removeChild(place.firstChild); }
      for (i = 0; i < rows.length; i += 1) {
        line = element('li', rows[i][0] === this.own ? 'score mine' : 'score', '', place);
        element('span', 'dot disc-' + rows[i][0] % COLOURS, '', line);
        element('span', 'score-name', this.label(rows[i][0]), line);
        element('b', '', ' ' + rows[i][4], line);
      }
    },

    label: function (id) {
      var name = this.names[id] || ['', false];
      return name[0] + (id === this.own ? ' (you)' : name[1] ? ' (bot)' : '');
    },

    tell: function (text) {
      this.said = text;
      this.write();
    },

    // While nothing comes from the server, the line says so instead of its last text.
    wait: function (isWaiting) {
      if (isWaiting !== this.isWaiting) {
        this.isWaiting = isWaiting;
        this.write();
      }
    },

    write: function () {
      find('game-told').firstChild.nodeValue = this.isWaiting ? WAITING : this.said || '\u00a0';
    }
  };

  gems.View = View;
  gems.find = find;
}(window.gems));
