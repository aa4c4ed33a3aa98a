// The column beside the messages: the rooms, the people here, and one's own name. On a narrow page it is a drawer.
(function (chat) {
  'use strict';

  var dom = chat.dom,
      ESCAPE = 27;

  chat.address = function (room) {
    return '#/' + encodeURIComponent(room);
  };

  function makeRoom(item) {
    var row = dom.make('li'), link = dom.make('a', 'room');
    link.href = chat.address(item.name);
    link.appendChild(chat.person.name('span', 'room-name', item.name));
    link.appendChild(document.createTextNode(' '));
    link.appendChild(dom.make('span', 'room-count'));
    row.appendChild(link);
    return row;
  }

  function makePerson(who) {
    var row = dom.make('li', 'person');
    row.appendChild(chat.person.disc(who));
    row.appendChild(document.createTextNode(' '));
    row.appendChild(chat.person.name('span', 'person-name'));
    return row;
  }

  // actions has enter(room) and rename(name, done), for what a person does here.
  function Side(me, lobby, actions) {
    this.me = me;
    this.lobby = lobby;
    this.actions = actions;
    this.room = '';
    this.total = 0;
    this.rooms = new chat.List(dom.find('chat-rooms'), this.roomKind());
    this.people = new chat.List(dom.find('chat-people'), this.personKind());
    this.listenToDrawer();
    this.listenToRooms();
    this.listenToName();
  }

  Side.prototype = {
    roomKind: function () {
      var self = this;
      return {
        make: function (item) {
          var row = makeRoom(item);
          dom.on(row.firstChild, 'click', function () {
            self.closeDrawer();
            self.actions.enter(item.name);
          });
          return row;
        },
        fill: function (row, item) { self.fillRoom(row.firstChild, item); },
        order: function (item) { return (item.name === self.lobby ? '0' : '1') + item.name.toLowerCase(); }
      };
    },

    fillRoom: function (link, item) {
      var here = item.name === this.room;
      dom.mark(link, 'here', here);
      if (here) {
        link.setAttribute('aria-current', 'page');
      } else {
        link.removeAttribute('aria-current');
      }
      link.lastChild.title = item.people === 1 ? '1 person' : item.people + ' people';
      dom.write(link.lastChild, String(item.people));
    },

    personKind: function () {
      var me = this.me;
      return {
        make: makePerson,
        fill: function (row, who) {
          chat.person.paint(row.firstChild, who);
          dom.write(row.lastChild, who.name + (who.id === me ? ' (you)' : ''));
        },
        order: function (who) { return (who.id === me ? '0' : '1') + who.name.toLowerCase(); }
      };
    },

    showRooms: function (rooms) {
      this.rooms.clear();
      for (var i = 0; i < rooms.length; i += 1) { this.rooms.put(rooms[i].name, rooms[i]); }
    },

    // An empty room no longer exists, except for the lobby.
    showRoom: function (item) {
      if (item.people > 0 || item.name === this.lobby) {
        this.rooms.put(item.name, item);
      } else {
        this.rooms.drop(item.name);
      }
    },

    showPeople: function (room) {
      this.room = room.name;
      this.people.clear();
      for (var i = 0; i < room.people.length; i += 1) { this.people.put(room.people[i].id, room.people[i]); }
      this.rooms.refresh();
      this.count(room.count);
    },

    join: function (who, count) {
      this.people.put(who.id, who);
      this.count(count);
    },

    leave: function (who, count) {
      this.people.drop(who.id);
      this.count(count);
    },

    renamed: function (who) {
      if (this.people.find(who.id) >= 0) { this.people.put(who.id, who); }
    },

    count: function (count) {
      var more = count - this.people.rows.length;
      this.total = count;
      dom.write(dom.find('chat-count'), count === 1 ? 'Only you' : count + ' people');
      dom.write(dom.find('chat-more'), 'and ' + more + ' more');
      dom.show(dom.find('chat-more'), more > 0);
    },

    showMe: function (name) {
      chat.person.paint(dom.find('chat-you-disc'), {id: this.me, name: name});
      dom.write(dom.find('chat-you'), name);
    },

    listenToRooms: function () {
      var self = this, field = dom.find('chat-room');
      dom.on(dom.find('chat-room-form'), 'submit', function () {
        if (/\S/.test(field.value)) {
          self.closeDrawer();
          self.actions.enter(field.value);
          field.value = '';
        }
      });
    },

    listenToName: function () {
      var self = this, field = dom.find('chat-name');
      dom.on(dom.find('chat-rename'), 'click', function () { self.editName(true); });
      dom.on(dom.find('chat-name-form'), 'submit', function () {
        self.actions.rename(field.value, function (problem) {
          self.nameProblem(problem);
          if (!problem) { self.editName(false); }
        });
      });
      dom.listen(field, 'keydown', function (event) {
        if (event.keyCode === ESCAPE) {
          self.editName(false);
          event.cancelBubble = true;
        }
      });
    },

    editName: function (editing) {
      var field = dom.find('chat-name');
      dom.show(dom.find('chat-name-form'), editing);
      dom.show(dom.find('chat-you-line'), !editing);
      this.nameProblem('');
      if (editing) {
        field.value = dom.find('chat-you').firstChild ? dom.find('chat-you').firstChild.nodeValue : '';
        dom.focus(field);
        field.select();
      } else {
        dom.focus(dom.find('chat-rename'));
      }
    },

    nameProblem: function (text) {
      dom.write(dom.find('chat-name-problem'), text || '');
      dom.show(dom.find('chat-name-problem'), Boolean(text));
    },

    listenToDrawer: function () {
      var self = this;
      dom.on(dom.find('chat-side-open'), 'click', function () { self.openDrawer(); });
      dom.on(dom.find('chat-side-close'), 'click', function () { self.closeDrawer(); });
      dom.on(dom.find('chat-shade'), 'click', function () { self.closeDrawer(); });
      dom.listen(document, 'keydown', function (event) {
        if (event.keyCode === ESCAPE) { self.closeDrawer(); }
      });
      dom.listen(window, 'resize', function () {
        if (!dom.narrow()) { self.closeDrawer(); }
      });
    },

    openDrawer: function () {
      this.setDrawer(true);
      dom.focus(dom.find('chat-side-close'));
    },

    closeDrawer: function () {
      if (dom.marked(dom.find('chat-page'), 'side-shown')) {
        this.setDrawer(false);
        dom.focus(dom.find('chat-side-open'));
      }
    },

    setDrawer: function (shown) {
      dom.mark(dom.find('chat-page'), 'side-shown', shown);
      dom.find('chat-side-open').setAttribute('aria-expanded', String(shown));
      dom.find('chat-main').inert = shown;
    }
  };

  chat.Side = Side;
}(window.chat = window.chat || {}));
