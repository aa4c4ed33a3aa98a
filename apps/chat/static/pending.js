// This page's own messages that have not come back yet: they are shown at once, and marked while they wait.
(function (chat) {
  'use strict';

  var dom = chat.dom,
      SLOW = 700,
      // A tag is unique over reloads, since the history also has the messages of earlier pages.
      PAGES = 1e9,
      OF_A_PAGE = 1e6;

  function Pending(log) {
    this.log = log;
    this.items = [];
    this.tags = Math.floor(Math.random() * PAGES) * OF_A_PAGE;
  }

  Pending.prototype = {
    // Returns the new item; talk: the conversation that it belongs to, which is shown.
    add: function (talk, text, who) {
      var item = {tag: this.tags += 1, talk: talk, text: text, who: who};
      this.items.push(item);
      this.place(item);
      this.log.toEnd();
      return item;
    },

    failed: function (tag, reason) {
      var item = this.take(tag);
      if (item && item.place) {
        this.settle(item);
        dom.mark(item.place.bubble, 'failed', true);
        this.note(item, 'Not sent. ' + dom.sentence(reason), 'note problem');
      }
    },

    // The message has come back. Returns whether it is in the right place already, below all earlier messages.
    arrived: function (tag) {
      var item = this.take(tag);
      if (!item || !item.place) { return false; }
      this.settle(item);
      if (this.log.isLast(item.place)) { return true; }
      this.log.remove(item.place);
      return false;
    },

    // The log was filled anew with the messages of talk.
    restore: function (talk) {
      for (var i = 0; i < this.items.length; i += 1) {
        this.settle(this.items[i]);
        this.items[i].place = null;
        if (this.items[i].talk === talk) { this.place(this.items[i]); }
      }
    },

    place: function (item) {
      var self = this;
      item.place = this.log.add(item.who, item.text, chat.time.now());
      dom.mark(item.place.bubble, 'pending', true);
      item.timer = window.setTimeout(function () { self.note(item, 'Not sent yet', 'note'); }, SLOW);
    },

    settle: function (item) {
      window.clearTimeout(item.timer);
      if (item.place) { dom.mark(item.place.bubble, 'pending', false); }
      if (item.note) {
        dom.remove(item.note);
        item.note = null;
      }
    },

    note: function (item, text, className) {
      var bubble = item.place.bubble;
      item.note = dom.make('div', className, text);
      this.log.follow(function () { bubble.parentNode.insertBefore(item.note, bubble.nextSibling); });
    },

    take: function (tag) {
      for (var i = 0; i < this.items.length; i += 1) {
        if (this.items[i].tag === tag) { return this.items.splice(i, 1)[0]; }
      }
      return null;
    }
  };

  chat.Pending = Pending;
}(window.chat = window.chat || {}));
