// A client's traffic in both directions, from its first poll to its end.
(function (thywill) {
  var LEFT = {code: 'left', message: 'The page has left the server.'};

  // The identity is what the bootstrap or connect answered: token, cursor, hold, limits. The owner has
  // received(data), replied(number, outcome) and changed(state, detail).
  function Dispatcher(identity, transport, owner) {
    var self = this;
    function gone(error) { self.end(error); }
    this.token = identity.token;
    this.transport = transport;
    this.owner = owner;
    this.error = null; // why it has ended
    this.sender = new thywill.Sender(identity, transport, gone);
    this.receiver = new thywill.Receiver(identity, transport, this, gone);
  }

  Dispatcher.prototype = {
    start: function () {
      thywill.page.add(this);
      this.receiver.poll();
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

    // A reply shows that its item was accepted, though the answer to the send may still be on its way.
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
      this.end(LEFT);
      this.transport.leave({token: this.token}, unloading);
    },

    end: function (error) {
      if (this.error) { return; }
      this.error = error;
      thywill.page.remove(this);
      this.receiver.stop();
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
      this.sender.restart();
    }
  };

  thywill.Dispatcher = Dispatcher;
}(window.thywill));
