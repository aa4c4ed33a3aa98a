// The dispatcher has the sender and the receiver of one client, from their start to their end.
(function (internal) {
  'use strict';

  internal.LEFT = {code: 'left', message: 'The client has left.'};

  // The owner has deliver(data, replyTo), changeState(state, detail) and changeTransport(name).
  function Dispatcher(identity, transport, owner) {
    var self = this;
    function gone(error) { self.close(error); }
    self.transport = transport;
    self.owner = owner;
    // The error that has ended the client; null while it is alive.
    self.error = null;
    self.sender = new internal.Sender(identity, transport, function () { self.nudge(); }, gone);
    self.receiver = new internal.Receiver(identity, transport, self, gone);
  }

  Dispatcher.prototype = {
    start: function () {
      internal.page.dispatchers.push(this);
      this.receiver.restart();
    },

    send: function (item) {
      var error = this.error;
      internal.page.listenLast();
      if (error) {
        internal.later(function () { item.done(error); });
      } else {
        this.sender.add(item);
      }
    },

    // A reply may come before the answer to the send. A pack has several messages, such as the history of a channel.
    deliver: function (data, replyTo) {
      var i;
      if (replyTo === 'pack') {
        for (i = 0; i < data.length; i += 1) { this.owner.deliver(data[i]); }
        return;
      }
      this.sender.accept(replyTo);
      this.owner.deliver(data, replyTo);
    },

    changeState: function (state, detail) {
      if (this.error) { return; }
      this.owner.changeState(state, detail);
      if (state === 'connected') { this.sender.requester.wake(); }
    },

    changeTransport: function (name) {
      if (!this.error) { this.owner.changeTransport(name); }
    },

    leave: function (unloading) {
      var farewell = this.sender.farewell();
      if (this.error) { return; }
      this.close(internal.LEFT);
      this.transport.leave(farewell, unloading);
    },

    close: function (error) {
      if (this.error) { return; }
      this.error = error;
      internal.page.dispatchers = internal.without(internal.page.dispatchers, this);
      this.receiver.close();
      this.owner.changeState('gone', error);
      this.sender.close(error);
    },

    // The methods that page.js calls.

    wake: function () {
      this.receiver.wake();
      this.sender.requester.wake();
    },

    nudge: function () {
      this.receiver.nudge();
    },

    // The browser may discard the page later without an event, so messages that are not accepted yet are sent now.
    suspend: function () {
      var farewell = this.sender.farewell();
      this.receiver.suspend();
      this.sender.requester.clear();
      if (farewell.messages) { internal.beacon(this.transport.address + 'send', farewell); }
    },

    restart: function () {
      this.receiver.restart();
      this.sender.requester.restart();
    }
  };

  internal.Dispatcher = Dispatcher;
}(thywill.internal));
