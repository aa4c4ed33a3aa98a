// Gems: joins the parts, and draws a frame as often as the browser can.
(function (gems) {
  'use strict';

  // Milliseconds between two frames where the browser has no requestAnimationFrame.
  var FRAME = 33,
      // Milliseconds after which an order is sent again, so that one hand sends at most some fifteen a second.
      PAUSE = 66,
      // Milliseconds without news, while there is a connection, after which the page says that it waits. Another
      // server that takes the game over needs some seconds.
      SILENCE = 2000;

  function now() {
    return thywill.clock.now();
  }

  function Game(client) {
    var self = this;
    self.client = client;
    self.view = new gems.View();
    self.states = new gems.States();
    self.own = new gems.Own();
    self.arrivals = null;
    self.latest = null;
    self.heard = 0;
    self.number = 0;
    self.sent = 0;
    self.waiting = false;
    self.drawn = now();
    self.delays = [];
    self.steer = new gems.Steer(gems.find('game-arena'), function () {
      var place = self.own.place;
      return place && {x: place.x / gems.WIDTH, y: place.y / gems.HEIGHT};
    }, function (heading) { self.order(heading); });
  }

  Game.prototype = {
    order: function (heading) {
      this.number += 1;
      this.own.order(this.number, heading, now());
      this.flush();
    },

    // Sends the newest order, and not more often than PAUSE says.
    flush: function () {
      var self = this, wait = self.sent + PAUSE - now();
      if (self.waiting) { return; }
      if (wait > 0) {
        self.waiting = true;
        thywill.clock.set(function () {
          self.waiting = false;
          self.flush();
        }, wait);
        return;
      }
      if (self.number > self.sentNumber || !self.sentNumber) {
        self.sent = now();
        self.sentNumber = self.number;
        self.client.send({h: self.own.heading < 0 ? null : self.own.heading, n: self.number});
      }
    },

    receive: function (data) {
      if (data.type === 'state') { this.receiveState(data); }
      if (data.type === 'players') { this.view.setNames(data.players); }
      if (data.type === 'full') { this.view.tell('Eight are playing. You watch until a place is free.'); }
      if (data.type === 'tabs') { this.view.tell('You play in two other tabs already. This one watches.'); }
      if (data.type === 'you') { this.begin(data); }
    },

    begin: function (data) {
      this.view.own = data.id;
      this.arrivals = new gems.Arrivals(1000 / data.steps);
      this.own = new gems.Own();
      // A server that takes over has a new player standing there, while the key may still be held down.
      if (this.steer.heading >= 0) { this.order(this.steer.heading); }
      this.view.tell('Arrow keys, or hold a finger or the mouse in the arena. After a click there, WASD steers, too.');
    },

    // Another server has begun a new world: nothing of the old one is near it.
    forget: function () {
      this.states = new gems.States();
      this.arrivals = new gems.Arrivals(50);
    },

    receiveState: function (state) {
      var player;
      if (this.latest && state.t < this.latest.t) { this.forget(); }
      this.arrivals = this.arrivals || new gems.Arrivals(50);
      this.arrivals.add(state.t, now());
      this.states.add(state);
      this.latest = state;
      this.heard = now();
      this.note(now() - state.w);
      player = gems.byId(state.p)[this.view.own];
      if (player) { this.own.correct({x: player[1], y: player[2]}, player[3], player[5], now()); }
    },

    // The page's clock and the server's may differ, so this figure is right only if both are on one machine.
    note: function (milliseconds) {
      this.delays.push(milliseconds);
      if (this.delays.length > 1200) { this.delays.shift(); }
    },

    draw: function () {
      var time = now(), places;
      if (this.latest) {
        this.own.advance(Math.min(time - this.drawn, 200));
        places = this.states.at(this.arrivals.shown(time));
        if (this.own.place && places[this.view.own]) { places[this.view.own] = this.own.place; }
        this.view.showPlayers(places);
        this.view.showGems(this.latest.g);
        this.view.showScores(this.latest.p);
      }
      this.view.wait(!/^(waiting|gone)$/.test(this.client.state) && time - this.heard > SILENCE);
      this.drawn = time;
    },

    run: function () {
      var self = this;
      function frame() {
        self.draw();
        if (window.requestAnimationFrame) { window.requestAnimationFrame(frame); }
      }
      frame();
      if (!window.requestAnimationFrame) { window.setInterval(frame, FRAME); }
    }
  };

  function start(client) {
    var game = new Game(client), form = gems.find('game-name-form');
    client.on('message', function (data) { game.receive(data); });
    thywill.internal.dom.showState(client, gems.find('game-state'), {gone: 'Reload the page to play again.'});
    form.onsubmit = function () {
      client.send({type: 'name', name: gems.find('game-name').value});
      gems.find('game-name').blur();
      return false;
    };
    thywill.cuttable(client, gems.find('game-cut'));
    gems.delays = game.delays;
    game.run();
  }

  thywill.ready(start, thywill.internal.dom.showFailure(gems.find('game-state')));
}(window.gems));
