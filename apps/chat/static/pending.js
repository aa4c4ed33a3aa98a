// This page's own messages that the room does not have yet: they are shown at once, and marked while they wait.
(function (chat) {
  'use strict';

  var dom = chat.dom,
      SLOW = 700;

  function Pending(log) {
    this.log = log;
    this.items = [];
  }

  Pending.prototype = {
    add: function (tag, text, who) {
      var item = {tag: tag, text: text, who: who};
      this.items.push(item);
      this.place(item);
      this.log.toEnd();
    },

    accepted: function (tag) {
      var at = this.find(tag);
      if (at >= 0) {
        this.items[at].accepted = true;
        this.settle(this.items[at]);
      }
    },

    failed: function (tag, reason) {
      var item = this.take(tag);
      if (item) {
        this.settle(item);
        dom.mark(item.place.bubble, 'failed', true);
        this.note(item, 'Not sent. ' + dom.sentence(reason), 'note problem');
      }
    },

    // The room has the message. Returns whether it stands in the right place already, below all that came before it.
    arrived: function (tag) {
      var item = this.take(tag);
      if (!item) { return false; }
      this.settle(item);
      if (this.log.isLast(item.place)) { return true; }
      this.log.remove(item.place);
      return false;
    },

    forget: function () {
      for (var i = 0; i < this.items.length; i += 1) { this.settle(this.items[i]); }
      this.items = [];
    },

    // The log was filled anew: messages that the server has not accepted yet are shown again.
    restore: function () {
      var items = this.items, i;
      this.forget();
      for (i = 0; i < items.length; i += 1) {
        if (!items[i].accepted) {
          this.items.push(items[i]);
          this.place(items[i]);
        }
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
      dom.mark(item.place.bubble, 'pending', false);
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
      var at = this.find(tag);
      return at < 0 ? null : this.items.splice(at, 1)[0];
    },

    find: function (tag) {
      for (var i = 0; i < this.items.length; i += 1) {
        if (this.items[i].tag === tag) { return i; }
      }
      return -1;
    }
  };

  chat.Pending = Pending;
}(window.chat = window.chat || {}));
