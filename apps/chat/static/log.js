// The messages of the room, grouped by day and author. It scrolls along only if its end is in sight.
(function (chat) {
  'use strict';

  var dom = chat.dom,
      time = chat.time,
      GROUP_SECONDS = 300,
      GROUP_MESSAGES = 20,
      ENTRIES = 200,
      NEAR_END = 60,
      SILENCE = 500;

  // jump: a button that is shown when new messages are out of sight.
  function Log(node, jump) {
    this.node = node;
    this.jump = jump;
    // The id of this page's person.
    this.me = '';
    this.group = null;
    this.day = '';
    this.listen();
  }

  Log.prototype = {
    listen: function () {
      var self = this;
      dom.listen(this.jump, 'click', function () {
        self.toEnd();
        dom.focus(self.node);
      });
      dom.listen(this.node, 'scroll', function () {
        if (self.atEnd()) { dom.show(self.jump, false); }
      });
    },

    atEnd: function () {
      return this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight < NEAR_END;
    },

    toEnd: function () {
      this.node.scrollTop = this.node.scrollHeight;
      dom.show(this.jump, false);
    },

    // Runs a change of the log, and scrolls so that the end stays in sight. Returns whether it was in sight.
    follow: function (change) {
      var follows = this.atEnd();
      change();
      if (follows) { this.toEnd(); }
      return follows;
    },

    // A screen reader must not read old messages again.
    clear: function () {
      var node = this.node;
      node.setAttribute('aria-live', 'off');
      window.setTimeout(function () { node.setAttribute('aria-live', 'polite'); }, SILENCE);
      dom.empty(node);
      this.group = null;
      this.day = '';
    },

    // Returns the notice.
    notice: function (text) {
      var self = this, node = chat.person.name('div', 'notice', text);
      this.follow(function () {
        self.separate(time.now());
        self.append(node);
      });
      return node;
    },

    endsWith: function (node) {
      return this.node.lastChild === node;
    },

    said: function (message) {
      var self = this,
          follows = this.follow(function () { self.add(message.person, message.text, message.time); });
      dom.show(this.jump, !follows);
    },

    // Returns the place of the message: its bubble and its group.
    add: function (who, text, seconds) {
      this.separate(seconds);
      if (!this.continues(who, seconds)) { this.begin(who, seconds); }
      var bubble = chat.person.name('div', 'bubble');
      chat.writeText(bubble, text);
      this.group.body.appendChild(bubble);
      this.group.size += 1;
      return {bubble: bubble, group: this.group};
    },

    remove: function (place) {
      dom.remove(place.bubble);
      place.group.size -= 1;
      if (place.group.size === 0) { dom.remove(place.group.entry); }
    },

    isLast: function (place) {
      return place.group === this.group;
    },

    append: function (entry) {
      this.group = null;
      this.node.appendChild(entry);
      while (this.node.childNodes.length > ENTRIES) { this.node.removeChild(this.node.firstChild); }
    },

    separate: function (seconds) {
      if (time.day(seconds) !== this.day) {
        this.day = time.day(seconds);
        this.append(dom.make('div', 'day', time.dayName(seconds)));
      }
    },

    continues: function (who, seconds) {
      var group = this.group;
      return group && group.size > 0 && group.size < GROUP_MESSAGES && group.who.id === who.id &&
        group.who.name === who.name && seconds - group.time < GROUP_SECONDS;
    },

    begin: function (who, seconds) {
      var entry = dom.make('div', who.id === this.me ? 'group mine' : 'group theirs'),
          body = dom.make('div', 'group-body');
      entry.appendChild(chat.person.disc(who));
      body.appendChild(this.byline(who, seconds));
      entry.appendChild(body);
      this.append(entry);
      this.group = {entry: entry, body: body, who: who, time: seconds, size: 0};
    },

    byline: function (who, seconds) {
      var line = dom.make('div', 'byline'), clock = dom.make('span', 'time', time.clock(seconds));
      clock.title = time.day(seconds) + ', ' + time.clock(seconds);
      line.appendChild(chat.person.name('span', 'author', who.id === this.me ? 'You' : who.name));
      line.appendChild(document.createTextNode(' '));
      line.appendChild(clock);
      return line;
    }
  };

  chat.Log = Log;
}(window.chat = window.chat || {}));
