// A browser opens six connections to a host for all of its tabs, so they agree by storage which of them may keep
// one. Browsers with two connections have no storage: there each page is on its own.
(function (internal) {
  'use strict';

  // Two are left for sends and for pages that load.
  var PLACES = 4,
      RENEW = 20000,
      // A time beyond was written by another clock.
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

  function Parking(address, hold) {
    this.places = isMultiplexed(address) ? Infinity : PLACES;
    this.key = 'thywill.parked ' + address;
    this.id = internal.digits() + internal.digits();
    // A page that crashed gives nothing back.
    this.life = (2 * hold + 30) * 1000;
    this.until = 0;
  }

  Parking.prototype = {
    // Whether this page may keep a request open.
    claim: function () {
      var now = thywill.clock.now(), places, count = 0;
      if (now < this.until - this.life + RENEW) { return true; }
      places = this.others();
      internal.each(places, function () { count += 1; });
      // The page in front is to find a place free.
      if (count >= this.places - (document.hidden ? 1 : 0)) {
        this.release();
        return false;
      }
      this.until = places[this.id] = now + this.life;
      internal.remember(this.key, places);
      return true;
    },

    others: function () {
      var own = this.id, now = thywill.clock.now(), kept = {};
      internal.each(internal.recall(this.key), function (id, until) {
        if (id !== own && until > now && until < now + MOST) { kept[id] = until; }
      });
      return kept;
    },

    release: function () {
      if (this.until) { internal.remember(this.key, this.others()); }
      this.until = 0;
    }
  };

  internal.Parking = Parking;
}(thywill.internal));
