// Shows who is typing, and tells the others when this page's person is.
(function (chat) {
  'use strict';

  // While somebody types, a sign is sent at most every so many milliseconds, and is shown for a little longer.
  var EVERY = 3000,
      SHOWN = 5000;

  // tell(): sends the sign.
  function Typing(node, tell) {
    this.node = node;
    this.tell = tell;
    this.told = 0;
    // People who type, {id, name, timer} each.
    this.people = [];
  }

  Typing.prototype = {
    typed: function () {
      var now = thywill.clock.now();
      if (now - this.told >= EVERY) {
        this.told = now;
        this.tell();
      }
    },

    // The text was sent, or another conversation is shown.
    sent: function () { this.told = 0; },

    sign: function (who) {
      var self = this;
      this.drop(who.id);
      this.people.push({
        id: who.id,
        name: who.name,
        timer: thywill.clock.set(function () { self.end(who.id); }, SHOWN)
      });
      this.write();
    },

    end: function (id) {
      this.drop(id);
      this.write();
    },

    clear: function () {
      while (this.people.length) { this.drop(this.people[0].id); }
      this.write();
    },

    drop: function (id) {
      for (var i = this.people.length - 1; i >= 0; i -= 1) {
        if (this.people[i].id === id) { thywill.clock.clear(this.people.splice(i, 1)[0].timer); }
      }
    },

    write: function () {
      var list = this.people, text = '';
      if (list.length === 1) { text = list[0].name + ' is typing\u2026'; }
      if (list.length === 2) { text = list[0].name + ' and ' + list[1].name + ' are typing\u2026'; }
      if (list.length > 2) { text = list.length + ' people are typing\u2026'; }
      chat.dom.write(this.node, text);
    }
  };

  chat.Typing = Typing;
}(window.chat = window.chat || {}));
