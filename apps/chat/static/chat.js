// The chat: shows the server's messages in the page, and sends the person's actions to the server.
(function (chat) {
  'use strict';

  var dom = chat.dom,
      UNSENT_KEY = 'thywill.chat.unsent',
      SILENCE = 'Nothing has been said here yet. The address of this page leads others here.',
      ALONE = 'What you write here is for the two of you. It is kept for a day.';

  // Returns the part of the address after a sign: '/' begins a room, '@' a person.
  function inAddress(sign) {
    var name = window.location.href.split('#' + sign)[1] || '';
    try {
      return decodeURIComponent(name);
    } catch (ignore) {
      return '';
    }
  }

  function Chat(client) {
    var self = this;
    this.client = client;
    this.me = {id: client.parameters.me, name: ''};
    // The name of the room, '' until the page is in one.
    this.room = '';
    this.entering = null;
    // Whether the list of people has come since the page has entered.
    this.greeted = false;
    this.lost = 0;
    // The names of people, by their ids.
    this.names = {};
    // Messages that were not sent before the client was gone.
    this.unsent = [];
    // Whether the client is a new one. Then messages that wait are sent again when the page is in its room.
    this.again = false;
    // The notice that there is no message yet.
    this.silence = null;
    // Whether the page was in a room once.
    this.started = false;
    this.log = new chat.Log(dom.find('chat-log'), dom.find('chat-jump'));
    this.arrivals = new chat.Arrivals(this.log);
    this.pending = new chat.Pending(this.log);
    this.field = this.makeField();
    this.typing = new chat.Typing(dom.find('chat-typing'), function () { self.tellTyping(); });
    this.talks = new chat.Talks(dom.find('chat-private'), dom.find('chat-private-section'), function (id) {
      self.side.closeDrawer();
      self.write(id);
    });
    this.side = new chat.Side(client.parameters.lobby, {
      enter: function (name) { self.enter(name); },
      write: function (id) { self.write(id); },
      rename: function (name, done) { self.rename(name, done); }
    });
  }

  Chat.prototype = {
    start: function () {
      this.limitFields(this.client.parameters.limits);
      this.listenToServer();
      this.listenToPerson();
      this.keepUnsent();
      thywill.cuttable(this.client, dom.find('chat-cut'));
      this.enter(inAddress('/') || this.client.parameters.lobby);
      if (!dom.narrow()) { this.field.focus(); }
    },

    makeField: function () {
      var self = this;
      return new chat.Field(dom.find('chat-text'), dom.find('chat-form'), {
        talk: function () { return self.talks.shown; },
        ready: function () { return self.room && !self.entering && self.client.state !== 'gone'; },
        say: function (text) { self.say(text); },
        typed: function () { self.typing.typed(); }
      });
    },

    // An unsent text is in the field again after a reload of the page.
    keepUnsent: function () {
      var self = this, node = this.field.node;
      this.field.fill(dom.kept(UNSENT_KEY) || node.value);
      chat.status.beforeReload = function () {
        dom.keep(UNSENT_KEY, self.unsent.concat(node.value || []).join('\n'));
      };
    },

    limitFields: function (limits) {
      dom.find('chat-name').maxLength = limits.name;
      dom.find('chat-room').maxLength = limits.room;
      dom.find('chat-text').setAttribute('maxlength', limits.text);
    },

    listenToServer: function () {
      var self = this, client = this.client, methods = {
        'message:rooms': 'list', 'message:room': 'list', 'message:entered': 'open', 'message:people': 'learn',
        'message:person': 'learn', 'message:renamed': 'renamed', 'message:said': 'said', 'message:private': 'received',
        'message:typing': 'sign', presence: 'attend', state: 'changeState', restart: 'restarted'
      }, event;
      function on(name) {
        client.on(name, function (first, second, third) { self[methods[name]](first, second, third); });
      }
      for (event in methods) {
        if (methods.hasOwnProperty(event)) { on(event); }
      }
      client.on('error', function (error) { self.log.notice(dom.sentence(error.message)); });
      this.changeState(client.state);
    },

    changeState: function (state, detail) {
      chat.status.show(state, detail);
      if (state === 'lost') {
        this.lost += detail.count;
        this.client.call('letters', [], function () {});
        this.ask(this.room || this.client.parameters.lobby);
      } else if (state === 'connecting' && this.room) {
        // The client begins anew, and is in no room yet.
        this.entering = {};
      } else if (state === 'gone') {
        dom.find('chat-send').disabled = true;
      }
    },

    // Messages that have not come back are sent again, unless the history contains them.
    restarted: function () {
      this.again = true;
      this.ask(this.room || this.client.parameters.lobby);
    },

    // Entering, and who is here.

    enter: function (name) {
      this.entering = {};  // so that the room is not called silent before its past has come
      this.field.forgetEarly();
      this.showTalk(this.talks.room);
      this.ask(name);
    },

    ask: function (name) {
      var self = this, entering = this.entering = {};
      dom.write(dom.find('chat-count'), 'Entering ' + name + '\u2026');
      this.client.call('enter', [name], function (error) {
        if (self.entering === entering && !(error && error.reconnect)) { self.entered(error); }
      });
    },

    // The server begins to send the room: its history, its people, and then new events.
    open: function (room) {
      this.room = room.name;
      this.greeted = false;
      this.log.me = room.you.id;
      this.setMe(room.you);
      this.talks.room.clear();
      this.side.clearPeople();
    },

    // The history has arrived, or the room cannot be entered.
    entered: function (error) {
      var again = this.again ? this.pending.items.slice(0) : [], i;
      this.again = false;
      this.entering = null;
      this.showTalk(this.talks.shown);
      if (error) { this.log.notice(dom.sentence(error.message)); }
      if (!this.started && inAddress('@')) {
        this.write(inAddress('@'));
      } else if (!this.talks.shown.person) {
        this.setAddress();
      }
      this.started = true;
      for (i = 0; i < again.length; i += 1) { this.deliver(again[i]); }
      if (!error) { this.field.submitEarly(); }
    },

    list: function (message) { this.side.list(message.rooms || [message], Boolean(message.rooms)); },

    learn: function (message) {
      var people = message.people || [message.person], i;
      for (i = 0; i < people.length; i += 1) { this.name(people[i]); }
    },

    name: function (person) {
      this.names[person.id] = person.name;
      this.talks.renamed(person);
    },

    renamed: function (event) {
      this.name(event.person);
      this.side.renamed(event.person);
      if (event.person.id === this.me.id) { this.setMe(event.person); }
      if (!this.talks.shown.person) { this.log.notice(event.was + ' is now ' + event.person.name); }
      this.showHead();
    },

    // left is null after a restart of the server, when all who are here are named again.
    attend: function (channel, joined, left) {
      var isWhole = !this.greeted || !left, i;
      if (isWhole) { this.side.clearPeople(); }
      for (i = 0; i < joined.length; i += 1) { this.join(joined[i].id, isWhole); }
      for (i = 0; left && i < left.length; i += 1) { this.leave(left[i].id); }
      this.greeted = true;
      this.showCount();
    },

    join: function (id, quietly) {
      this.side.join(id, this.names[id]);
      if (!quietly && this.names[id] && !this.talks.shown.person) { this.arrivals.joined(this.names[id]); }
    },

    leave: function (id) {
      this.side.leave(id);
      this.typing.end(id);
      if (this.names[id] && !this.talks.shown.person) { this.arrivals.left(this.names[id]); }
    },

    // The conversations.

    said: function (message) {
      this.name(message.person);
      this.show(this.talks.room, message);
    },

    received: function (message) {
      var own = message.person.id === this.me.id, other = own ? message.to : message.person;
      if (!own && this.show(this.talks.open({id: other.id, name: this.names[other.id] || other.name}), message)) {
        dom.write(dom.find('chat-told'), other.name + ' has written to you.');
      } else if (own) {
        this.show(this.talks.open(other), message);
      }
    },

    // Returns whether the message is new and out of sight.
    show: function (talk, message) {
      var own = message.person.id === this.me.id, isNew = talk.add(message), isShown = talk === this.talks.shown;
      if (own && this.pending.arrived(message.tag)) { return false; }
      if (!own) { this.typing.end(message.person.id); }
      // The log is filled when the whole history has come. Messages before the page is in a room belong to the history.
      if (isNew && isShown && (talk.person || !this.entering)) {
        this.breakSilence();
        this.log.said(message);
      }
      if (!isNew || isShown || own || this.entering) { return false; }
      this.talks.unread(talk);
      this.showHead();
      return true;
    },

    breakSilence: function () {
      if (this.silence) { dom.remove(this.silence); }
      this.silence = null;
    },

    write: function (id) {
      var talk = this.talks.find(id);
      if (talk || this.names[id]) {
        this.showTalk(talk || this.talks.open({id: id, name: this.names[id]}));
        this.setAddress();
        if (!dom.narrow()) { this.field.focus(); }
      }
    },

    showTalk: function (talk) {
      var messages = talk.messages, i;
      this.talks.show(talk);
      this.typing.clear();
      this.log.clear();
      this.silence = null;
      if (talk.person) { this.log.notice(ALONE); }
      if (!talk.person && !messages.length && !this.entering) { this.silence = this.log.notice(SILENCE); }
      for (i = 0; i < messages.length; i += 1) {
        this.log.add(messages[i].person, messages[i].text, messages[i].time);
      }
      if (this.lost && !talk.person && !this.entering) {
        this.log.notice('Events lost on the way: ' + this.lost + '. What the room remembers is shown above.');
        this.lost = 0;
      }
      this.pending.restore(talk);
      this.log.toEnd();
      this.showHead();
    },

    showHead: function () {
      var person = this.talks.shown.person, title = person ? person.name : this.room,
          unread = this.talks.room.unread, all = this.talks.count();
      document.title = (all ? '(' + all + ') ' : '') + title + ' \u00b7 Chat';
      dom.write(dom.find('chat-title'), title);
      dom.write(dom.find('chat-back'), '\u2039 ' + this.room + (unread ? ' (' + unread + ')' : ''));
      dom.show(dom.find('chat-back'), Boolean(person));
      dom.mark(dom.find('chat-page'), 'private', Boolean(person));
      this.side.here(person ? '' : this.room);
      this.showCount();
    },

    showCount: function () {
      var people = this.side.count();
      if (!this.entering) { dom.write(dom.find('chat-count'), this.talks.shown.person ? 'Only the two of you' : people); }
    },

    // The person's actions.

    say: function (text) {
      var talk = this.talks.shown;
      this.breakSilence();
      this.deliver(this.pending.add(talk, text, this.me));
      this.typing.sent();
    },

    deliver: function (item) {
      var self = this, to = item.talk.person;
      this.client.call(to ? 'write' : 'say', [to ? to.id : this.room, item.text, item.tag], function (error) {
        if (!error || error.reconnect && self.client.state !== 'gone') { return; }
        if (self.client.state === 'gone') { self.unsent.push(item.text); }
        self.pending.failed(item.tag, error.message);
      });
    },

    rename: function (name, done) {
      var self = this;
      this.client.call('rename', [name], function (error, taken) {
        if (!error) { self.setMe({id: self.me.id, name: taken}); }
        done(error ? error.message : '');
      });
    },

    setMe: function (person) {
      this.me = person;
      this.names[person.id] = person.name;
      this.side.showMe(person);
    },

    sign: function (sign) {
      var shown = this.talks.shown.person, isHere = sign['private'] ? shown && shown.id === sign.person.id : !shown;
      if (isHere && sign.person.id !== this.me.id) { this.typing.sign(sign.person); }
    },

    tellTyping: function () {
      var person = this.talks.shown.person;
      if (this.client.state === 'connected') {
        this.client.send(person ? {type: 'typing', to: person.id} : {type: 'typing'});
      }
    },

    listenToPerson: function () {
      var self = this;
      dom.on(dom.find('chat-back'), 'click', function () { self.toRoom(); });
      dom.listen(window, 'hashchange', function () { self.followAddress(); });
      dom.on(dom.find('chat-skip'), 'click', function () { self.field.focus(); });
    },

    toRoom: function () {
      this.showTalk(this.talks.room);
      this.setAddress();
      this.field.focus();
    },

    // The address leads to the conversation that is shown. The address of the lobby may be the page's own.
    setAddress: function () {
      var person = this.talks.shown.person, id = inAddress('@'), room = inAddress('/') || this.client.parameters.lobby;
      if (person ? id !== person.id : id || room !== this.room) {
        window.location.hash = person ? chat.addressOf(person) : chat.address(this.room);
      }
    },

    followAddress: function () {
      var person = inAddress('@'), room = inAddress('/') || this.client.parameters.lobby;
      if (person) {
        if (!this.talks.shown.person || this.talks.shown.person.id !== person) { this.write(person); }
      } else if (room !== this.room) {
        this.enter(room);
      } else if (this.talks.shown.person) {
        this.toRoom();
      }
    }
  };

  chat.status = new chat.Status();
  thywill.ready(function (client) { new Chat(client).start(); }, function (failure) {
    chat.status.end('The chat could not start (' + failure.step + ').', failure.message);
  });
}(window.chat = window.chat || {}));
