// Display: puts the server's messages into charts, and shows all charts over the same time.
(function (display) {
  'use strict';

  var WINDOWS = [60, 120, 600],
      // Charts that programs may add.
      OTHERS = 24,
      // Milliseconds for which several messages are drawn together.
      TOGETHER = 50,
      listen = thywill.internal.listen,
      dom = thywill.internal.dom,
      find = dom.find;

  function tell(text) {
    find('display-told').firstChild.nodeValue = text || '\u00a0';
  }

  function Board(client) {
    var charts = client.parameters.charts, i;
    this.kept = client.parameters.seconds;
    this.seconds = WINDOWS[1];
    // The time of the server's last figures. Numbers from outside have no time, and get this one.
    this.now = 0;
    this.isNew = false;
    this.pausedAt = null;
    this.chosen = null;
    this.isDue = false;
    this.number = 0;
    this.own = [];
    this.others = {};
    for (i = 0; i < charts.length; i += 1) { this.own.push(this.card(charts[i][0], charts[i][1])); }
  }

  Board.prototype = {
    card: function (name, unit) {
      var self = this, card;
      card = new display.Card(new display.Series(name, unit), self.number, find('display-charts'), function (at) {
        self.choose(at);
      });
      self.number += 1;
      return card;
    },

    receive: function (data) {
      if (!data) { return; }
      if (data.type === 'tick') {
        this.tick(data);
      } else if (typeof data.name === 'string' && data.name && display.isNumber(data.value)) {
        this.add(data);
      }
    },

    // After a restart of the server, messages that this page has drawn already may come again.
    tick: function (data) {
      var i;
      this.isNew = display.isNumber(data.at) && data.at > this.now;
      if (!this.isNew) { return; }
      if (!this.now) { tell(''); }
      this.now = data.at;
      for (i = 0; i < this.own.length; i += 1) { this.own[i].series.add(data.at, data.values[i]); }
      this.forget();
      this.soon();
    },

    add: function (data) {
      var key = 'name ' + data.name, card = this.others[key];
      if (!this.isNew) { return; }
      if (!card) {
        if (this.count() >= OTHERS) {
          tell('There is no room for another chart: \u201c' + display.cut(data.name, 60) + '\u201d is not shown.');
          return;
        }
        card = this.others[key] = this.card(data.name, typeof data.unit === 'string' ? data.unit : '');
      }
      card.series.add(this.now, data.value);
      this.soon();
    },

    each: function (action) {
      thywill.internal.each(this.own, function (index, card) { action(card); });
      thywill.internal.each(this.others, function (key, card) { action(card, key); });
    },

    count: function () {
      var count = 0;
      thywill.internal.each(this.others, function () { count += 1; });
      return count;
    },

    // Drops old values, and the charts of programs that have ended.
    forget: function () {
      var self = this, before = (self.pausedAt || self.now) - self.kept;
      self.each(function (card, key) {
        card.series.forget(before);
        if (key && !card.series.points.length) {
          card.remove();
          delete self.others[key];
        }
      });
    },

    soon: function () {
      var self = this;
      if (self.isDue || document.hidden) { return; }
      self.isDue = true;
      thywill.clock.set(function () {
        self.isDue = false;
        self.draw();
      }, TOGETHER);
    },

    draw: function () {
      var to = this.pausedAt || this.now, view = {from: to - this.seconds, to: to, seconds: this.seconds, chosen: null};
      if (!to) { return; }
      if (this.chosen !== null && this.chosen < view.from) { this.chosen = null; }
      view.chosen = this.chosen;
      this.each(function (card) { card.show(view); });
    },

    // All charts show the same moment.
    choose: function (at) {
      this.chosen = at;
      this.each(function (card) {
        if (card.view) { card.mark(at); }
      });
    },

    pause: function () {
      this.pausedAt = this.pausedAt ? null : this.now;
      this.draw();
      return this.pausedAt !== null;
    }
  };

  function offerWindows(board) {
    var place = find('display-windows'), buttons = [], i;
    function offer(seconds) {
      var button = dom.element('button', '', seconds / 60 + ' min', place);
      button.setAttribute('aria-pressed', String(seconds === board.seconds));
      buttons.push(button);
      button.onclick = function () {
        for (var k = 0; k < buttons.length; k += 1) { buttons[k].setAttribute('aria-pressed', String(buttons[k] === button)); }
        board.seconds = seconds;
        board.draw();
      };
    }
    for (i = 0; i < WINDOWS.length; i += 1) { offer(WINDOWS[i]); }
  }

  function offerTools(client, board) {
    var pause = find('display-pause');
    offerWindows(board);
    pause.onclick = function () {
      var isPaused = board.pause();
      pause.setAttribute('aria-pressed', String(isPaused));
      tell(isPaused ? 'The charts stand still.' : '');
    };
    find('display-tap').onclick = function () { client.send({type: 'tap'}, function () {}); };
    thywill.cuttable(client, find('display-cut'));
  }

  function start(client) {
    var board = new Board(client);
    function tellLost(name, detail) {
      if (name === 'lost') { tell((detail.count === 1 ? 'One value was' : detail.count + ' values were') + ' dropped, since this page was too slow.'); }
    }
    client.on('message', function (data) { board.receive(data); });
    client.on('state', tellLost);
    client.on('error', function (error) { tell(error.message); });
    // The charts go on when the server has been restarted.
    client.on('restart', function () {});
    listen(window, 'resize', function () { board.draw(); });
    listen(document, 'visibilitychange', function () { board.soon(); });
    dom.showState(client, find('display-state'), {gone: 'Reload the page.'});
    offerTools(client, board);
  }

  thywill.ready(start, dom.showFailure(find('display-state')));
}(window.display));
