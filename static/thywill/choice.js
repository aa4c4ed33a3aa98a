// The choice of the transport that brings messages: the first of a list that has not failed in the last ten minutes.
(function (internal) {
  'use strict';

  var KEY = 'thywill.transports',
      // Milliseconds after which a failure is forgotten.
      FORGET = 600000,
      // Milliseconds for which pages begin with the transport that has worked.
      RELY = 3600000;

  // The storage may be missing, full or forbidden (then it throws), and its values may be anything.
  internal.recall = function (key) {
    try {
      return internal.json.parse(window.localStorage.getItem(key)) || {};
    } catch (exception) {
      return {};
    }
  };

  internal.remember = function (key, value) {
    try {
      window.localStorage.setItem(key, internal.json.stringify(value));
      return true;
    } catch (exception) {
      return false;
    }
  };

  // Returns the transport that the page's address forces, if the server's settings allow that (transport_in_address).
  internal.forced = function () {
    var found = /[?&]transport=([a-z-]+)/.exec(location.search);
    return internal.isForcible && found && found[1];
  };

  // Without ActiveX the browser shows the frame as a page that loads, so htmlfile is used only when the page asks for it.
  function hidesFrames() {
    try {
      return !!new window.ActiveXObject('htmlfile');
    } catch (exception) {
      return false;
    }
  }

  function order(identity) {
    return thywill.transports || (identity.parameters || {}).transports ||
      ['xhr-streaming', 'xdr-streaming', 'eventsource'].concat(hidesFrames() ? 'htmlfile' : []);
  }

  function isUsable(name, transport) {
    try {
      return (transport.isUsable || internal.streaming[name].usable)(transport, name);
    } catch (exception) {
      return false;
    }
  }

  function isRecent(time, span) {
    return Math.abs(thywill.clock.now() - time) < span;
  }

  // The list of names ends with polls, which always work.
  function Choice(transport, identity) {
    var forced = internal.forced(), names = forced ? [forced] : order(identity), i;
    this.polls = transport.name;
    this.names = [];
    this.isForced = !!forced;
    this.known = forced ? {} : internal.recall(KEY);
    // Streams need an XMLHttpRequest for their acknowledgements.
    if (transport.open && /\bsockjs\b/.test(identity.push)) {
      for (i = 0; i < names.length && !/^(longpoll|jsonp)$/.test(names[i]); i += 1) {
        if (isUsable(names[i], transport)) { this.names.push(names[i]); }
      }
    }
    this.names.push(this.polls);
  }

  Choice.prototype = {
    // A page begins with the transport that worked on the page before, and tries a better one only when it is quiet.
    pick: function (quiet) {
      var known = this.known, best = this.best();
      if (!this.current && isRecent(known.since, RELY) && this.isTrusted(known.worked)) {
        this.current = known.worked;
      } else if (quiet || !this.isTrusted(this.current)) {
        this.current = best;
      }
      return this.current;
    },

    best: function () {
      var i = 0;
      while (!this.isTrusted(this.names[i])) { i += 1; }
      return this.names[i];
    },

    isTrusted: function (name) {
      return name === this.polls || internal.without(this.names, name).length < this.names.length &&
        !isRecent(this.known['failed ' + name], FORGET);
    },

    failed: function (name) {
      this.record('failed ' + name, thywill.clock.now());
    },

    succeeded: function (name) {
      if (this.known.worked !== name || !isRecent(this.known.since, RELY)) {
        this.known.since = thywill.clock.now();
        this.record('worked', name);
      }
    },

    record: function (key, value) {
      this.known[key] = value;
      if (!this.isForced) { internal.remember(KEY, this.known); }
    }
  };

  internal.Choice = Choice;
}(thywill.internal));
