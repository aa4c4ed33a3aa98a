// The chat: shows the server's messages in the page, and sends what the person does to the server.
(function (chat) {
  'use strict';

  var dom = chat.dom,
      ENTER = 13,
      NAME_KEY = 'thywill.chat.name',
      UNSENT_KEY = 'thywill.chat.unsent',
      SILENCE = 'Nothing has been said here yet. The address of this page leads others here.';

  function roomInAddress() {
    var name = window.location.href.split('#/')[1] || '';
    try {
      return decodeURIComponent(name);
    } catch (ignore) {
      return '';
    }
  }

  function Chat(client) {
    var self = this;
    this.client = client;
    this.name = '';
    this.tags = 0;
    this.room = null;
    this.entering = null;
    this.lost = 0;
    // Messages that were not sent before the client was gone.
    this.unsent = [];
    this.log = new chat.Log(dom.find('chat-log'), dom.find('chat-jump'), client.id);
    this.pending = new chat.Pending(this.log);
    this.side = new chat.Side(client.id, client.parameters.lobby, {
      enter: function (name) { self.enter(name); },
      rename: function (name, done) { self.rename(name, done); }
    });
  }

  Chat.prototype = {
    start: function () {
      var saved = dom.recall(NAME_KEY);
      this.limitFields(this.client.parameters.limits);
      this.listenToServer();
      this.listenToPerson();
      if (saved) {
        this.rename(saved, function () {});
      }
      this.keepUnsent();
      this.listRooms();
      this.enter(roomInAddress() || this.client.parameters.lobby);
      if (!dom.narrow()) { dom.focus(dom.find('chat-text')); }
    },

    // What was not sent stands in the field again after the page has connected anew.
    keepUnsent: function () {
      var self = this, field = dom.find('chat-text');
      field.value = dom.kept(UNSENT_KEY) || field.value;
      this.fitField();
      chat.status.beforeReload = function () {
        dom.keep(UNSENT_KEY, self.unsent.concat(field.value || []).join('\n'));
      };
    },

    limitFields: function (limits) {
      dom.find('chat-name').maxLength = limits.name;
      dom.find('chat-room').maxLength = limits.room;
      dom.find('chat-text').setAttribute('maxlength', limits.text);
    },

    listenToServer: function () {
      var self = this;
      this.client.on('message', function (data) { self.receive(data); });
      this.client.on('state', function (state, detail) { self.changeState(state, detail); });
      this.client.on('error', function (error) { self.log.notice(dom.sentence(error.message)); });
      this.changeState(this.client.state);
    },

    changeState: function (state, detail) {
      chat.status.show(state, detail);
      if (state === 'lost') {
        this.lost += detail.count;
        this.listRooms();
        this.enter(this.room ? this.room.name : this.client.parameters.lobby);
      } else if (state === 'gone') {
        dom.find('chat-send').disabled = true;
      }
    },

    listRooms: function () {
      var side = this.side;
      this.client.call('rooms', [], function (error, rooms) {
        if (!error) { side.showRooms(rooms); }
      });
    },

    // Events of a room may come before the answer to `enter`; they wait for it.
    enter: function (name) {
      var self = this, entering = {events: this.entering ? this.entering.events : []};
      this.entering = entering;
      dom.write(dom.find('chat-count'), 'Entering ' + name + '\u2026');
      this.client.call('enter', [name], function (error, room) {
        if (self.entering === entering) {
          self.entering = null;
          self.entered(error, room, entering.events);
        }
      });
    },

    entered: function (error, room, events) {
      if (error) {
        this.log.notice(dom.sentence(error.message));
        this.side.count(this.side.total);
      } else {
        this.open(room);
      }
      for (var i = 0; i < events.length; i += 1) { this.apply(events[i]); }
    },

    open: function (room) {
      var again = this.room && this.room.name === room.name;
      this.room = room;
      this.setName(room.you);
      this.side.showPeople(room);
      dom.write(dom.find('chat-title'), room.name);
      document.title = room.name + ' \u00b7 Chat';
      this.showRecent(room.recent, again);
      if ((roomInAddress() || this.client.parameters.lobby) !== room.name) {
        window.location.hash = chat.address(room.name);
      }
    },

    showRecent: function (messages, again) {
      if (!again) { this.pending.forget(); }
      this.log.clear();
      for (var i = 0; i < messages.length; i += 1) { this.showSaid(messages[i]); }
      if (!messages.length) { this.log.notice(SILENCE); }
      if (this.lost) {
        this.log.notice('Events lost on the way: ' + this.lost + '. What the room remembers is shown above.');
        this.lost = 0;
      }
      this.pending.restore();
      this.log.toEnd();
    },

    receive: function (data) {
      if (data.kind === 'room') {
        this.side.showRoom(data);
      } else if (data.kind === 'refused') {
        this.refused(data);
      } else if (this.entering) {
        this.entering.events.push(data);
      } else {
        this.apply(data);
      }
    },

    // The room as the server has described it holds all events up to its serial number.
    apply: function (event) {
      if (!this.room || event.room !== this.room.name || event.serial <= this.room.serial) { return; }
      if (event.kind === 'said') {
        this.showSaid(event);
      } else if (event.kind === 'joined') {
        this.side.join(event.person, event.people);
        this.log.notice(event.person.name + ' joined');
      } else if (event.kind === 'left') {
        this.side.leave(event.person, event.people);
        this.log.notice(event.person.name + ' left');
      } else if (event.kind === 'renamed') {
        this.side.renamed(event.person);
        this.log.notice(event.was + ' is now ' + event.person.name);
      }
    },

    showSaid: function (message) {
      if (message.person.id !== this.client.id || !this.pending.arrived(message.tag)) {
        this.log.said(message);
      }
    },

    refused: function (refusal) {
      this.pending.failed(refusal.tag, refusal.message);
      if (refusal.code === 'not_in_room' && this.room) { this.enter(this.room.name); }
    },

    say: function (text) {
      var self = this, pending = this.pending, tag = this.tags + 1;
      this.tags = tag;
      pending.add(tag, text, {id: this.client.id, name: this.name});
      this.client.send({kind: 'say', room: this.room.name, text: text, tag: tag}, function (error) {
        if (error) {
          pending.failed(tag, chat.reason(error));
          if (self.client.state === 'gone') { self.unsent.push(text); }
        } else {
          pending.accepted(tag);
        }
      });
    },

    rename: function (name, done) {
      var self = this;
      this.client.call('rename', [name], function (error, taken) {
        if (!error) {
          self.setName(taken);
          dom.remember(NAME_KEY, taken);
        }
        done(error ? error.message : '');
      });
    },

    setName: function (name) {
      this.name = name;
      this.side.showMe(name);
    },

    listenToPerson: function () {
      var self = this;
      dom.on(dom.find('chat-form'), 'submit', function () { self.submit(); });
      dom.listen(dom.find('chat-text'), 'keydown', function (event) {
        if (event.keyCode === ENTER && !event.shiftKey) {
          dom.stop(event);
          self.submit();
        }
      });
      dom.listen(dom.find('chat-text'), 'input', function () { self.fitField(); });
      dom.listen(window, 'hashchange', function () { self.followAddress(); });
      dom.on(dom.find('chat-skip'), 'click', function () { dom.focus(dom.find('chat-text')); });
    },

    submit: function () {
      var field = dom.find('chat-text');
      if (/\S/.test(field.value) && this.canSay()) {
        this.say(field.value);
        field.value = '';
        this.fitField();
      }
      dom.focus(field);
    },

    canSay: function () {
      return this.room && !this.entering && this.client.state !== 'gone';
    },

    fitField: function () {
      var field = dom.find('chat-text');
      field.style.height = 'auto';
      field.style.height = field.scrollHeight + field.offsetHeight - field.clientHeight + 'px';
    },

    followAddress: function () {
      var name = roomInAddress() || this.client.parameters.lobby;
      if (this.room && name !== this.room.name) { this.enter(name); }
    }
  };

  chat.status = new chat.Status();
  thywill.ready(function (client) { new Chat(client).start(); }, function (failure) {
    chat.status.end('The chat could not start (' + failure.step + ').', failure.message);
  });
}(window.chat = window.chat || {}));
