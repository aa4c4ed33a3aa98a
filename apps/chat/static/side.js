// The column beside the messages: the rooms, the people here, and the person's own name. On a narrow page it is a drawer.
(function (chat) {
  'use strict';

  var dom = chat.dom,
      ESCAPE = 27;

  chat.address = function (room) {
    return '#/' + encodeURIComponent(room);
  };

  chat.addressOf = function (person) {
    return '#@' + encodeURIComponent(person.id);
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

  // actions has enter(room), write(person) and rename(name, done), which are called when the person does so.
  function Side(lobby, actions) {
    this.me = '';
    this.lobby = lobby;
    this.actions = actions;
    this.room = '';
    this.rooms = new chat.List(dom.find('chat-rooms'), this.roomKind());
    this.people = new chat.List(dom.find('chat-people'), this.personKind());
    this.hidden = 0;
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
      var self = this;
      return {
        make: function (who) {
          return chat.person.link(function () {
            self.closeDrawer();
            self.actions.write(who.id);
          });
        },
        fill: function (row, who) {
          chat.person.fill(row, who);
          dom.write(row.firstChild.lastChild, who.id === self.me ? 'you' : '');
        },
        order: function (who) { return (who.id === self.me ? '0' : '1') + who.name.toLowerCase(); }
      };
    },

    // Takes a change of the list of rooms, or the whole list.
    list: function (rooms, isWhole) {
      if (isWhole) { this.rooms.clear(); }
      for (var i = 0; i < rooms.length; i += 1) {
        this.rooms[rooms[i].removed ? 'drop' : 'put'](rooms[i].name, rooms[i]);
      }
    },

    here: function (room) {
      this.room = room;
      this.rooms.refresh();
    },

    // The room as it is entered: its people come afterwards.
    clearPeople: function () {
      this.people.clear();
      this.hidden = 0;
    },

    // A person whose name is not known is only counted.
    join: function (id, name) {
      if (name) {
        this.people.put(id, {id: id, name: name});
      } else {
        this.hidden += 1;
      }
    },

    leave: function (id) {
      if (this.people.find(id) < 0) { this.hidden = Math.max(0, this.hidden - 1); }
      this.people.drop(id);
    },

    renamed: function (who) {
      if (this.people.find(who.id) >= 0) { this.people.put(who.id, who); }
    },

    // Returns the text for a number of people.
    count: function () {
      var count = this.people.rows.length + this.hidden;
      dom.write(dom.find('chat-more'), 'and ' + this.hidden + ' more');
      dom.show(dom.find('chat-more'), this.hidden > 0);
      return count <= 1 ? 'Only you' : count + ' people';
    },

    showMe: function (who) {
      this.me = who.id;
      chat.person.paint(dom.find('chat-you-disc'), who);
      dom.write(dom.find('chat-you'), who.name);
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
