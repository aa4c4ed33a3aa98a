// Parking decides which of a browser's pages may keep a request open. A browser opens six connections to a host for all
// of its tabs, so the pages agree by localStorage which of them have places; the others poll only briefly. Browsers with
// two connections have no localStorage: there every page keeps a request open.
(function (internal) {
  'use strict';

  // How many pages may keep a request open: two connections are left for sends and for pages that load.
  var PLACES = 4,
      // The same if pages of other origins use the server, too: they have another storage.
      SHARED = 2,
      // Milliseconds after which a place is renewed.
      RENEW = 20000,
      // Milliseconds: a time that is further ahead was written by a wrong clock, and does not count.
      MOST = 600000;

  // HTTP/2 and 3 have one connection for all requests.
  function isMultiplexed(address) {
    try {
      return !internal.isOtherOrigin(address) &&
        /^h[23]/.test(window.performance.getEntriesByType('navigation')[0].nextHopProtocol);
    } catch (exception) {
      return false;
    }
  }

  // Returns whether this is an old engine without storage. If a new one forbids storage, reading the property throws.
  function lacksStorage() {
    try {
      return window.localStorage === undefined;
    } catch (exception) {
      return false;
    }
  }

  function Parking(address, hold, isShared) {
    this.places = isShared || internal.isOtherOrigin(address) ? SHARED : PLACES;
    if (isMultiplexed(address) || lacksStorage()) { this.places = Infinity; }
    this.key = 'thywill.parked ' + address;
    this.id = internal.digits() + internal.digits();
    // Milliseconds after which a place is free again, since a page that crashed does not give it back.
    this.life = (2 * hold + 30) * 1000;
    this.until = 0;
    // Whether the storage is full or forbidden, so that nobody knows how many pages there are.
    this.isBlind = false;
  }

  Parking.prototype = {
    // Returns whether this page may keep a request open, and takes or renews its place.
    claim: function () {
      var now = thywill.clock.now(), places, count = 0;
      if (now < this.until - this.life + RENEW) { return true; }
      places = this.others();
      internal.each(places, function () { count += 1; });
      // One place is left for the page in front.
      if (count < this.places - (document.hidden ? 1 : 0) && this.record(places, now + this.life)) { return true; }
      this.release();
      return false;
    },

    // Returns whether the other pages can see that the place is taken.
    record: function (places, until) {
      this.until = places[this.id] = until;
      this.isBlind = this.places !== Infinity &&
        !(internal.remember(this.key, places) && internal.recall(this.key)[this.id] === until);
      return !this.isBlind;
    },

    others: function () {
      var own = this.id, now = thywill.clock.now(), others = {};
      internal.each(internal.recall(this.key), function (id, until) {
        if (id !== own && until > now && until < now + MOST) { others[id] = until; }
      });
      return others;
    },

    release: function () {
      if (this.until) { internal.remember(this.key, this.others()); }
      this.until = 0;
    }
  };

  internal.Parking = Parking;
}(thywill.internal));
