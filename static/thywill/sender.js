// From the browser to the server: items numbered 1, 2, 3, ..., sent in batches, and again until they are accepted.
(function (thywill) {
  var TIMEOUT = 30,
      TRIES = 3, // for what is called malformed: IE can repeat a request without its body
      LIMITS = {message: 65536, messages: 100},
      TOO_LARGE = {code: 'too_large', message: 'The message is too large to be sent.'},
      LOST = {code: 'gap', message: 'The server has lost messages that it had accepted.'};

  // An item is {data: JSON, method: JSON or nothing, done: function (error, number)}.
  //
  // Items carry no number: the first in the queue has the number received + 1. So what is sent again goes
  // under the same number, and an item that is refused takes none.
  function Sender(identity, transport, gone) {
    var self = this;
    this.transport = transport;
    this.token = identity.token;
    this.limits = identity.limits || LIMITS;
    this.lane = new thywill.Lane(transport, function () { self.flush(); }, gone);
    this.queue = [];
    this.received = 0; // the number of the last item that the server has accepted
    this.sent = 0; // the highest number that has been on its way
    this.most = this.limits.messages; // how many items a batch may have
    this.tries = 0;
    this.refusal = null; // why the first item is not wanted
  }

  Sender.prototype = {
    add: function (item) {
      if (this.fits(item)) {
        this.queue.push(item);
        this.flush();
      } else {
        thywill.later(function () { item.done(TOO_LARGE); });
      }
    },

    fits: function (item) {
      return thywill.bytes(item.data) <= this.limits.message &&
        this.cost(this.write(item, this.queue.length)) <= this.room();
    },

    write: function (item, index) {
      return '[' + (this.received + 1 + index) + ',' + item.data + (item.method ? ',' + item.method : '') + ']';
    },

    cost: function (text) {
      return this.transport.size(text + ',');
    },

    room: function () {
      return this.transport.room({token: this.token, messages: '[]'});
    },

    // Sends what has gathered, unless a request is under way: its answer comes back here.
    flush: function () {
      var self = this, before = self.received, batch;
      if (self.lane.busy() || !self.queue.length) { return; }
      batch = self.refusal ? [] : self.batch();
      self.sent = Math.max(self.sent, before + batch.length);
      self.lane.request('send', {token: self.token, messages: '[' + batch.join(',') + ']'}, TIMEOUT, function (answer) {
        self.answered(answer, before, batch.length);
      });
    },

    batch: function () {
      var texts = [], most = Math.min(this.most, this.queue.length),
          room = Math.min(this.limits.message, this.room()), text;
      while (texts.length < most) {
        text = this.write(this.queue[texts.length], texts.length);
        room -= this.cost(text);
        if (room < 0 && texts.length) { break; }
        texts.push(text);
      }
      return texts;
    },

    answered: function (answer, before, count) {
      var error = answer.error || {}, isGap = error.code === 'gap';
      this.accept(isGap ? error.received : answer.received);
      if (this.received > before) {
        this.advance();
      } else if (isGap && error.received < before) {
        this.lane.gone(LOST);
      } else if (error.code === 'too_large' || error.code === 'malformed') {
        this.refuse(error, count);
      } else if (this.refusal && answer.received === before) {
        this.discard();
      } else {
        this.lane.retry(error.retry);
      }
    },

    // All up to this number are accepted. Called as well when a reply comes before the answer to its send.
    accept: function (number) {
      var first = this.received + 1, last = Math.min(number, this.sent), items, i;
      if (!(last >= first)) { return; }
      items = this.queue.splice(0, last - first + 1);
      this.received = last;
      this.refusal = null;
      this.tries = 0;
      for (i = 0; i < items.length; i += 1) { items[i].done(null, first + i); }
    },

    advance: function () {
      this.lane.backoff.reset();
      this.most = Math.min(this.most + 1, this.limits.messages);
      this.flush();
    },

    // The server, or a proxy with limits of its own, wants nothing of this batch: smaller ones show which item it is.
    refuse: function (error, count) {
      this.tries += count === 1 ? 1 : 0;
      if (count === 0) {
        this.discard();
      } else if (count > 1) {
        this.most = Math.ceil(count / 2);
        this.flush();
      } else if (error.code === 'malformed' && this.tries < TRIES) {
        this.lane.retry();
      } else {
        this.refusal = error;
        this.flush();
      }
    },

    // The number goes to the next item. An empty batch has asked before whether it is free: the item may have been
    // accepted earlier, and the answer lost.
    discard: function () {
      var item = this.queue.shift(), error = this.refusal;
      this.sent = this.received;
      this.most = this.limits.messages;
      this.tries = 0;
      this.refusal = null;
      item.done(error);
      this.flush();
    },

    restart: function () {
      this.lane.clear();
      this.flush();
    },

    stop: function (error) {
      var items = this.queue, i;
      this.lane.close();
      this.queue = [];
      for (i = 0; i < items.length; i += 1) { items[i].done(error); }
    }
  };

  thywill.Sender = Sender;
}(window.thywill));
