// What a client receives by: the best of a list that has not failed within the last ten minutes.
(function (internal) {
  'use strict';

  var KEY = 'thywill.transports',
      // Milliseconds for which a failure counts.
      FORGET = 600000,
      // And for which the next page begins with what worked.
      RELY = 3600000;

  // Storage may be missing, full, forbidden (it throws then), or hold anything.
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

  // The name that the page's address forces, for tests.
  internal.forced = function () {
    var found = /[?&]transport=([\w\-]+)/.exec(location.search);
    return found && found[1];
  };

  // Elsewhere the frame shows a busy sign, so that it has to be asked for.
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
      return (transport.isUsable || internal.carriers[name].usable)(transport, name);
    } catch (exception) {
      return false;
    }
  }

  function isRecent(time, span) {
    return Math.abs(thywill.clock.now() - time) < span;
  }

  // Polls, the transport's own way, end the list: they always work.
  function Choice(transport, identity) {
    var forced = internal.forced(), names = forced ? [forced] : order(identity), i;
    this.polls = transport.name;
    this.names = [];
    this.isForced = !!forced;
    this.notes = forced ? {} : internal.recall(KEY);
    // Streams need an XMLHttpRequest to acknowledge what they bring.
    if (transport.open && /\bsockjs\b/.test(identity.push)) {
      for (i = 0; i < names.length && !/^(longpoll|jsonp)$/.test(names[i]); i += 1) {
        if (isUsable(names[i], transport)) { this.names.push(names[i]); }
      }
    }
    this.names.push(this.polls);
  }

  Choice.prototype = {
    // A page begins with what worked for the one before, and looks for better only when it is quiet.
    pick: function (quiet) {
      var notes = this.notes, best = this.best();
      if (!this.current && isRecent(notes.since, RELY) && this.isOpen(notes.worked)) {
        this.current = notes.worked;
      } else if (quiet || !this.isOpen(this.current)) {
        this.current = best;
      }
      return this.current;
    },

    best: function () {
      var i = 0;
      while (!this.isOpen(this.names[i])) { i += 1; }
      return this.names[i];
    },

    isOpen: function (name) {
      return name === this.polls || internal.without(this.names, name).length < this.names.length &&
        !isRecent(this.notes['failed ' + name], FORGET);
    },

    failed: function (name) {
      this.note('failed ' + name, thywill.clock.now());
    },

    worked: function (name) {
      if (this.notes.worked !== name || !isRecent(this.notes.since, RELY)) {
        this.notes.since = thywill.clock.now();
        this.note('worked', name);
      }
    },

    note: function (key, value) {
      this.notes[key] = value;
      if (!this.isForced) { internal.remember(KEY, this.notes); }
    }
  };

  internal.Choice = Choice;
}(thywill.internal));
