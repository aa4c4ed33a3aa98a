// The moderator's part of the page: a new question, opening and closing, and beginning anew.
(function (vote) {
  'use strict';

  // Milliseconds in which "Begin anew" has to be pressed a second time.
  var SURE = 4000;

  // client: the client; poll(): the present poll; tell(text): says what went wrong.
  function Moderator(client, poll, tell) {
    this.client = client;
    this.poll = poll;
    this.tell = tell;
    this.isAsked = false;
    this.listen();
  }

  Moderator.prototype = {
    listen: function () {
      var self = this;
      vote.find('vote-ask').onsubmit = function () {
        self.ask();
        return false;
      };
      vote.find('vote-close').onclick = function () { self.call('open', [!self.poll().open]); };
      vote.find('vote-reset').onclick = function () { self.reset(); };
    },

    show: function (isModerator) {
      vote.find('vote-moderator').className = isModerator ? 'card' : 'hidden';
    },

    update: function () {
      vote.write(vote.find('vote-close'), this.poll().open ? 'Close the voting' : 'Open the voting');
    },

    call: function (method, list, done) {
      var tell = this.tell;
      tell('');
      this.client.call(method, list, function (error) {
        if (error) { tell(error.message); } else if (done) { done(); }
      });
    },

    ask: function () {
      var text = vote.find('vote-text'), answers = vote.find('vote-lines');
      this.call('ask', [this.poll().n, text.value, answers.value.split(/\r\n|\r|\n/)], function () {
        text.value = answers.value = '';
      });
    },

    // The same question again, without votes.
    reset: function () {
      var self = this, poll = self.poll();
      if (self.isAsked) {
        self.call('ask', [poll.n, poll.text, poll.answers]);
      } else {
        thywill.clock.set(function () { self.askSure(false); }, SURE);
      }
      self.askSure(!self.isAsked);
    },

    askSure: function (isAsked) {
      this.isAsked = isAsked;
      vote.write(vote.find('vote-reset'), isAsked ? 'Really? All votes go' : 'Begin anew');
    }
  };

  vote.Moderator = Moderator;
}(window.vote));
