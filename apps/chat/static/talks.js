// The conversations: one with the room, and private ones with one person each.
(function (chat) {
  'use strict';

  var MESSAGES = 200;

  // person: the other person; null for the room.
  function Talk(person) {
    this.person = person;
    this.messages = [];
    this.unread = 0;
  }

  Talk.prototype = {
    // Returns false for a message that the page has already, since the history may come twice.
    add: function (message) {
      if (this.has(message)) { return false; }
      this.messages.push(message);
      if (this.messages.length > MESSAGES) { this.messages.shift(); }
      return true;
    },

    has: function (message) {
      for (var i = this.messages.length - 1; i >= 0 && message.tag !== null; i -= 1) {
        if (this.messages[i].tag === message.tag && this.messages[i].person.id === message.person.id) { return true; }
      }
      return false;
    },

    clear: function () { this.messages = []; }
  };

  // node: the list of private conversations; section: hidden while there is none; act(id): shows a conversation.
  function Talks(node, section, act) {
    var self = this;
    this.room = new Talk(null);
    this.shown = this.room;
    this.section = section;
    this.list = new chat.List(node, {
      make: function (talk) { return chat.person.link(function () { act(talk.person.id); }); },
      fill: function (row, talk) {
        chat.person.fill(row, talk.person);
        chat.dom.mark(row.firstChild, 'here', talk === self.shown);
        chat.dom.write(row.firstChild.lastChild, talk.unread ? String(talk.unread) : '');
      },
      order: function (talk) { return talk.person.name.toLowerCase(); }
    });
  }

  Talks.prototype = {
    // Returns the conversation with a person, which begins if there is none.
    open: function (person) {
      var talk = this.find(person.id) || new Talk(person);
      talk.person = person;
      this.list.put(person.id, talk);
      chat.dom.show(this.section, true);
      return talk;
    },

    find: function (id) {
      var row = this.list.rows[this.list.find(id)];
      return row ? row.item : null;
    },

    show: function (talk) {
      this.shown = talk;
      talk.unread = 0;
      this.list.refresh();
    },

    renamed: function (person) {
      if (this.find(person.id)) { this.open(person); }
    },

    unread: function (talk) {
      talk.unread += 1;
      this.list.refresh();
    },

    // How many messages nobody has seen.
    count: function () {
      var sum = this.room.unread, i;
      for (i = 0; i < this.list.rows.length; i += 1) { sum += this.list.rows[i].item.unread; }
      return sum;
    }
  };

  chat.Talks = Talks;
}(window.chat = window.chat || {}));
