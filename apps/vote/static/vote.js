// Vote: joins the parts. A vote is shown at once, and sent when there is a connection.
(function (vote) {
  'use strict';

  var dom = thywill.internal.dom;

  // What stands in the place of the answers until the question comes.
  function expectation(state) {
    if (state === 'waiting') { return 'The question comes when this page is online again.'; }
    return state === 'gone' ? 'No question has come.' : 'Waiting for the question\u2026';
  }

  function tell(text) {
    vote.write(vote.find('vote-told'), text);
  }

  function Booth(client) {
    var self = this;
    self.client = client;
    self.poll = null;
    // The person's vote on the server, {n, answer}; and the vote that the server has not got yet.
    self.choice = {};
    self.pending = null;
    self.bars = new vote.Bars(function (answer) { self.choose(answer); });
    self.moderator = new vote.Moderator(client, function () { return self.poll; }, tell);
  }

  Booth.prototype = {
    receive: function (message) {
      var type = message && message.type;
      if (type === 'you') { this.moderator.show(message.moderator); }
      if (type === 'choice') { this.choice = message; }
      if (type === 'poll') {
        this.poll = message;
        this.wait();
        this.moderator.update();
      }
      if (type === 'choice' || type === 'poll') { this.show(); }
    },

    wait: function (state) {
      vote.find('vote-waiting').className = this.poll ? 'hidden' : 'empty';
      vote.write(vote.find('vote-waiting'), expectation(state));
    },

    show: function () {
      var shown = this.pending || this.choice;
      if (this.poll) { this.bars.show(this.poll, shown.n === this.poll.n ? shown.answer : null); }
    },

    choose: function (answer) {
      tell('');
      this.pending = {n: this.poll.n, answer: answer};
      this.show();
      this.send();
    },

    // A client that begins anew sends the vote again.
    send: function () {
      var self = this, pending = self.pending;
      if (!pending) { return; }
      self.client.call('vote', [pending.n, pending.answer], function (error) {
        if (error && error.code === 'gone') { return; }
        if (self.pending === pending) { self.pending = null; }
        if (error) { tell(error.message); }
        self.show();
      });
    }
  };

  function start(client) {
    var booth = vote.booth = new Booth(client);

    client.on('message', function (message) { booth.receive(message); });
    client.on('restart', function () { booth.send(); });
    client.on('state', function (state) {
      booth.wait(state);
      if (state === 'lost') { client.call('look', [], function (error) { tell(error ? error.message : ''); }); }
    });
    dom.showState(client, vote.find('vote-state'), {waiting: 'Your vote is sent later.', gone: 'Reload the page to vote.'});
    booth.wait(client.state);
    thywill.cuttable(client, vote.find('vote-cut'));
  }

  thywill.ready(start, function (failure) {
    vote.write(vote.find('vote-waiting'), expectation('gone'));
    dom.showFailure(vote.find('vote-state'))(failure);
  });
}(window.vote));
