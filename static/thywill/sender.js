// The sender numbers the items for the server, and repeats each until the server has accepted it.
(function (internal) {
  'use strict';

  // Seconds in which the server has to answer.
  var TIMEOUT = 30;

  // An item is {data: JSON, method: JSON or nothing, done: function (error, number)}. The first in the queue always
  // has the number received + 1. So repeats keep their numbers, and a refused item leaves no gap.
  // The sender calls accepted() when the server has accepted items, and gone(error) when it never will.
  function Sender(identity, transport, accepted, gone) {
    var self = this;
    self.token = identity.token;
    self.limits = identity.limits;
    self.transport = transport;
    self.accepted = accepted;
    self.room = transport.limit - transport.size(identity.token);
    self.requester = new internal.Requester(transport, TIMEOUT, function () { self.flush(); }, gone);
    self.requester.own = /^(too_large|malformed)$/;
    self.queue = [];
    self.received = 0;
    // The highest number that was sent so far.
    self.sent = 0;
    // How many items a batch may have.
    self.most = self.limits.messages;
  }

  function join(texts) {
    return '[' + texts.join('').slice(0, -1) + ']';
  }

  Sender.prototype = {
    add: function (item) {
      var size = this.transport.size(this.write(item, this.queue.length));
      if (internal.bytes(item.data) > this.limits.message || size > this.room) {
        return internal.later(function () {
          item.done({code: 'too_large', message: 'The message is too large.'});
        });
      }
      this.queue.push(item);
      this.flush();
    },

    write: function (item, index) {
      return '[' + (this.received + 1 + index) + ',' + item.data + (item.method ? ',' + item.method : '') + '],';
    },

    flush: function () {
      var self = this, batch, before = self.received;
      if (self.requester.isBusy() || !self.queue.length) { return; }
      batch = self.batch();
      self.sent = Math.max(self.sent, before + batch.length);
      self.requester.request('send', {token: self.token, messages: join(batch)}, 0, function (answer, error) {
        self.answered(answer, error, before, batch.length);
      });
    },

    batch: function () {
      var texts = [], most = Math.min(this.most, this.queue.length), text,
          room = Math.min(this.limits.message, this.room);
      while (texts.length < most) {
        text = this.write(this.queue[texts.length], texts.length);
        room -= this.transport.size(text);
        if (room < 0 && texts.length) { break; }
        texts.push(text);
      }
      return texts;
    },

    answered: function (answer, error, before, count) {
      var isGap = error.code === 'gap';
      this.accept((isGap ? error : answer).received);
      if (this.received > before) {
        this.requester.backoff.reset();
        this.most = Math.min(this.most + 1, this.limits.messages);
        this.flush();
        this.accepted();
      } else if (isGap && error.received < before) {
        // The server has lost messages that it had accepted.
        this.requester.gone(error);
      } else if (error.code === 'too_large' || error.code === 'malformed') {
        this.refuse(error, count);
      } else {
        this.requester.retry(error.retry);
      }
    },

    // Returns the fields of a last request: the token, and the messages that the server has not accepted, if they fit in.
    farewell: function () {
      var fields = {token: this.token};
      if (this.queue.length) { fields.messages = join(this.batch()); }
      return fields;
    },

    accept: function (number) {
      var first = this.received + 1, items, i;
      if (number >= first) {
        this.received = Math.min(number, this.sent);
        items = this.queue.splice(0, this.received - first + 1);
        for (i = 0; i < items.length; i += 1) { items[i].done(null, first + i); }
      }
    },

    // The server refuses one item of the batch. Smaller batches show which one.
    refuse: function (error, count) {
      if (count > 1) {
        this.most = Math.ceil(count / 2);
      } else {
        this.queue.shift().done(error);
      }
      this.flush();
    },

    close: function (error) {
      this.requester.close();
      while (this.queue.length) { this.queue.shift().done(error); }
    }
  };

  internal.Sender = Sender;
}(thywill.internal));
