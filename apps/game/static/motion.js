// Computes where players are between two messages of the server. Others are shown a little late, between two known
// places; the own player moves at once with the keys, and is moved towards its place on the server. Pure: times are
// arguments.
(function () {
  'use strict';

  var gems = window.gems = {},
      WIDTH = 1000, HEIGHT = 600, RADIUS = 18,
      // Units per millisecond.
      SPEED = 0.22,
      // The number of updates from which times are estimated.
      MEMORY = 60,
      // In each frame the player moves by this share of its distance to the place on the server.
      PULL = 0.08,
      // With a larger distance, in units, the player jumps.
      JUMP = 160;

  function clamp(value, least, most) {
    return Math.min(Math.max(value, least), most);
  }

  // Returns the place after so many milliseconds with one heading.
  function moved(place, heading, milliseconds) {
    var angle = heading * Math.PI / 180, way = SPEED * milliseconds;
    if (heading < 0) { return {x: place.x, y: place.y}; }
    return {
      x: clamp(place.x + way * Math.cos(angle), RADIUS, WIDTH - RADIUS),
      y: clamp(place.y + way * Math.sin(angle), RADIUS, HEIGHT - RADIUS)
    };
  }

  // When updates come. step: milliseconds between two of the server's steps.
  function Arrivals(step) {
    this.step = step;
    this.bases = [];
    this.base = null;
    this.delay = step;
  }

  Arrivals.prototype = {
    add: function (tick, now) {
      var base = now - tick * this.step, latest = 0, i;
      this.bases.push(base);
      if (this.bases.length > MEMORY) { this.bases.shift(); }
      // The fastest update shows best when the server made the updates.
      this.base = Math.min.apply(null, this.bases);
      for (i = 0; i < this.bases.length; i += 1) { latest = Math.max(latest, this.bases[i] - this.base); }
      this.delay = this.step + Math.min(latest, 400);
    },

    // Returns the step that is shown at this time, with a fraction.
    shown: function (now) {
      return (now - this.base - this.delay) / this.step;
    }
  };

  // The last states of the world, the oldest first.
  function States() {
    this.list = [];
  }

  States.prototype = {
    add: function (state) {
      this.list.push(state);
      if (this.list.length > MEMORY) { this.list.shift(); }
    },

    // Returns the players by id at a step with a fraction, each {x, y}.
    at: function (tick) {
      var list = this.list, i = list.length - 1, before, after, part, places = {}, k, player, later;
      while (i > 0 && list[i].t > tick) { i -= 1; }
      before = list[i];
      after = list[i + 1] || before;
      part = after.t > before.t ? clamp((tick - before.t) / (after.t - before.t), 0, 1) : 0;
      later = gems.byId(after.p);
      for (k = 0; k < before.p.length; k += 1) {
        player = before.p[k];
        places[player[0]] = gems.between(player, later[player[0]] || player, part);
      }
      return places;
    }
  };

  gems.byId = function (players) {
    var found = {}, i;
    for (i = 0; i < players.length; i += 1) { found[players[i][0]] = players[i]; }
    return found;
  };

  gems.between = function (one, other, part) {
    return {x: one[1] + (other[1] - one[1]) * part, y: one[2] + (other[2] - one[2]) * part};
  };

  // The own player. Orders are {n, at, heading}; the server's last state has the number of the last order that it got.
  function Own() {
    this.orders = [];
    this.place = null;
    this.heading = -1;
    this.roundTrip = 100;
    this.target = null;
  }

  Own.prototype = {
    order: function (n, heading, now) {
      this.heading = heading;
      this.orders.push({n: n, at: now, heading: heading});
    },

    // The server has the player at a place, after the order with the number n.
    correct: function (place, heading, n, now) {
      var taken = null;
      while (this.orders.length && this.orders[0].n <= n) { taken = this.orders.shift(); }
      if (taken && taken.n === n) { this.roundTrip += (clamp(now - taken.at, 0, 2000) - this.roundTrip) * 0.3; }
      this.target = this.predict(place, heading, now);
      if (!this.place || Math.abs(this.target.x - this.place.x) + Math.abs(this.target.y - this.place.y) > JUMP) {
        this.place = this.target;
      }
    },

    // The server's place is as old as a round trip. Since then the player has moved by the orders given here.
    predict: function (place, heading, now) {
      var at = now - this.roundTrip, i, order;
      for (i = 0; i < this.orders.length; i += 1) {
        order = this.orders[i];
        if (order.at > at) {
          place = moved(place, heading, order.at - at);
          at = order.at;
        }
        heading = order.heading;
      }
      return moved(place, heading, now - at);
    },

    // A frame: so many milliseconds have passed.
    advance: function (milliseconds) {
      if (!this.place) { return; }
      this.place = moved(this.place, this.heading, milliseconds);
      this.target = moved(this.target, this.heading, milliseconds);
      this.place = {
        x: this.place.x + (this.target.x - this.place.x) * PULL,
        y: this.place.y + (this.target.y - this.place.y) * PULL
      };
    }
  };

  gems.WIDTH = WIDTH;
  gems.HEIGHT = HEIGHT;
  gems.Arrivals = Arrivals;
  gems.States = States;
  gems.Own = Own;
}());
