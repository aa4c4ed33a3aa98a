// A client's traffic in both directions, until it is gone.
(function (thywill) {
  // The owner has received(data), replied(number, outcome) and changed(state, detail).
  function Dispatcher(identity, transport, owner) {
    var self = this;
    function gone(error) { self.end(error); }
    self.token = identity.token;
    self.transport = transport;
    self.owner = owner;
    self.error = null; // why it is gone
    self.sender = new thywill.Sender(identity, transport, gone);
    self.receiver = new thywill.Receiver(identity, transport, self, gone);
  }

  Dispatcher.prototype = {
    start: function () {
      thywill.page.add(this);
      this.receiver.restart();
    },

    send: function (item) {
      var error = this.error;
      if (error) {
        thywill.later(function () { item.done(error); });
      } else {
        this.sender.add(item);
      }
    },

    received: function (data) {
      this.owner.received(data);
    },

    // A reply may come before the answer to the send.
    replied: function (number, outcome) {
      this.sender.accept(number);
      this.owner.replied(number, outcome);
    },

    changed: function (state, detail) {
      if (this.error) { return; }
      this.owner.changed(state, detail);
      if (state === 'connected') { this.sender.lane.wake(); }
    },

    leave: function (unloading) {
      if (this.error) { return; }
      this.end({code: 'left', message: 'This page has left.'});
      this.transport.leave({token: this.token}, unloading);
    },

    end: function (error) {
      if (this.error) { return; }
      this.error = error;
      thywill.page.remove(this);
      this.receiver.lane.close();
      this.owner.changed('gone', error);
      this.sender.stop(error);
    },

    wake: function () {
      this.receiver.lane.wake();
      this.sender.lane.wake();
    },

    suspend: function () {
      this.receiver.lane.clear();
      this.sender.lane.clear();
    },

    restart: function () {
      this.receiver.restart();
      this.sender.lane.restart();
    }
  };

  thywill.Dispatcher = Dispatcher;
}(window.thywill));
