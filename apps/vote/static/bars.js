// The question and its bars. Each answer is a button: one press chooses it, another one changes the choice.
(function () {
  'use strict';

  var vote = window.vote = {},
      COLOURS = 8,
      // Milliseconds between two sentences for screen readers about the result.
      SPOKEN = 4000,
      dom = thywill.internal.dom;

  vote.find = dom.find;
  vote.write = dom.write;

  function sum(counts) {
    var total = 0, i;
    for (i = 0; i < counts.length; i += 1) { total += counts[i]; }
    return total;
  }

  function votes(count) {
    return count === 1 ? '1 vote' : count + ' votes';
  }

  // The share of a count in whole percent.
  function percent(count, total) {
    return total ? Math.round(count * 100 / total) : 0;
  }

  // Calls choose(answer).
  function Bars(choose) {
    this.choose = choose;
    this.poll = null;
    this.choice = null;
    this.rows = [];
    this.spoken = 0;
  }

  Bars.prototype = {
    show: function (poll, choice) {
      var fresh = !this.poll || this.poll.n !== poll.n, i, total = sum(poll.counts), most = Math.max.apply(null, poll.counts);
      this.poll = poll;
      if (fresh) { this.build(); }
      this.choice = choice;
      for (i = 0; i < this.rows.length; i += 1) {
        this.update(this.rows[i], i, poll.counts[i], total, total > 0 && poll.counts[i] === most);
      }
      vote.write(vote.find('vote-total'), votes(total));
      vote.write(vote.find('vote-open'), poll.open ? '' : 'The voting is closed.');
      this.speak(fresh);
    },

    build: function () {
      var list = vote.find('vote-answers'), i;
      this.rows = [];
      while (list.firstChild) { list.removeChild(list.firstChild); }
      vote.write(vote.find('vote-question'), this.poll.text);
      for (i = 0; i < this.poll.answers.length; i += 1) { this.rows.push(this.row(list, i)); }
    },

    row: function (list, i) {
      var self = this, line = dom.element('li', 'answer', '', list), row = {button: dom.element('button', '', '', line)}, label;
      row.button.onclick = function () { self.choose(i); };
      row.bar = dom.element('span', 'bar bar-' + i % COLOURS, '', row.button);
      label = dom.element('span', 'label', '', row.button);
      row.mark = dom.element('span', 'mark', '', label);
      row.text = dom.element('bdi', 'text', '', label);
      vote.write(row.text, this.poll.answers[i]);
      row.share = dom.element('b', 'share', '', label);
      row.count = dom.element('span', 'votes', '', label);
      return row;
    },

    update: function (row, i, count, total, leads) {
      var share = percent(count, total), isMine = this.choice === i;
      row.button.className = 'choice' + (isMine ? ' mine' : '') + (leads ? ' leads' : '');
      row.button.setAttribute('aria-pressed', isMine ? 'true' : 'false');
      row.button.disabled = !this.poll.open;
      row.bar.style.width = share + '%';
      vote.write(row.mark, isMine ? '\u2713 ' : '');
      vote.write(row.share, ' ' + share + '%');
      vote.write(row.count, ' ' + votes(count));
    },

    // A screen reader reads the result, but not each single vote.
    speak: function (atOnce) {
      var self = this, wait = self.spoken + SPOKEN - thywill.clock.now();
      if (self.isWaiting) { return; }
      if (!atOnce && wait > 0) {
        self.isWaiting = true;
        thywill.clock.set(function () {
          self.isWaiting = false;
          self.speak(true);
        }, wait);
        return;
      }
      self.spoken = thywill.clock.now();
      vote.write(vote.find('vote-spoken'), self.sentence());
    },

    sentence: function () {
      var parts = [], counts = this.poll.counts, total = sum(counts), i;
      if (!total) { return 'Nobody has voted yet.'; }
      for (i = 0; i < counts.length; i += 1) { parts.push(this.poll.answers[i] + ' ' + percent(counts[i], total) + '%'); }
      return votes(total) + ': ' + parts.join(', ') + '.';
    }
  };

  vote.Bars = Bars;
}());
