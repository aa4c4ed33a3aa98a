/* A page of an application that speaks thywill's envelope over a stock sockjs-client: in browsers and in Node.js. */

/* global exports */
(function (root) {
  'use strict';

  var TEXT = '\u00e4 \u2028 \ud83d\ude00 </script> \u0000';

  function Visit(SockJS, options) {
    this.SockJS = SockJS;
    this.options = options;
    this.cursor = options.cursor;
    this.number = 0;
    this.data = [];
    this.transports = [];
    this.closes = [];
    this.errors = [];
  }

  Visit.prototype.connect = function (connected) {
    var visit = this,
        socket = new this.SockJS(this.options.base, null, { transports: [this.options.transport], timeout: 50000 });
    this.socket = socket;
    this.connected = connected;
    socket.onopen = function () {
      visit.transports.push(socket.transport);
      visit.say({ token: visit.options.token, cursor: visit.cursor });
    };
    socket.onmessage = function (event) { visit.take(JSON.parse(event.data)); };
    socket.onclose = function (event) { visit.closed(event); };
  };

  Visit.prototype.say = function (message) { this.socket.send(JSON.stringify(message)); };

  Visit.prototype.send = function (data) {
    this.number += 1;
    this.say({ messages: [[this.number, data]] });
  };

  Visit.prototype.take = function (said) {
    var connected = this.connected, i;
    if (said.error) { this.errors.push(said.error); }
    if (!said.messages) { return; }
    if (said.after !== this.cursor) { this.errors.push({ code: 'missed' }); }
    for (i = 0; i < said.messages.length; i += 1) {
      if (said.messages[i][0] > this.cursor) { this.data.push(said.messages[i][1]); }
    }
    this.cursor = said.cursor;
    this.say({ cursor: this.cursor });
    this.connected = null;
    if (connected) { connected(); }
    if (this.waiting && this.data.length >= this.wanted) { this.arrived(); }
  };

  Visit.prototype.arrived = function () {
    var waiting = this.waiting;
    this.waiting = null;
    waiting();
  };

  Visit.prototype.until = function (wanted, waiting) {
    this.wanted = wanted;
    this.waiting = waiting;
    if (this.data.length >= wanted) { this.arrived(); }
  };

  Visit.prototype.closed = function (event) {
    var next = this.afterwards;
    this.closes.push([event.code, event.reason]);
    this.afterwards = null;
    if (next) { next(); } else { this.done('closed'); }
  };

  Visit.prototype.run = function (done) {
    var visit = this;
    this.done = function (failure) {
      done({
        failure: failure, data: visit.data, transports: visit.transports, closes: visit.closes, errors: visit.errors
      });
    };
    this.connect(function () { visit.talk(); });
  };

  Visit.prototype.talk = function () {
    var visit = this, i;
    this.send({ echo: TEXT });
    for (i = 1; i < 20; i += 1) { this.send({ echo: [i, new Array(100).join('x')] }); }
    this.until(20, function () { visit.move(); });
  };

  // A new session, in which the client goes on where it was.
  Visit.prototype.move = function () {
    var visit = this;
    this.afterwards = function () {
      visit.connect(function () {
        visit.send({ echo: 'moved' });
        visit.until(21, function () { visit.leave(); });
      });
    };
    this.socket.close();
  };

  Visit.prototype.leave = function () {
    var visit = this;
    this.afterwards = function () { visit.done(null); };
    this.say({ leave: true });
  };

  root.visitWith = function (SockJS, options) {
    return new Promise(function (resolve) { new Visit(SockJS, options).run(resolve); });
  };
}(typeof exports === 'undefined' ? window : exports));
