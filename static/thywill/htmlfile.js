// A page without an end in a hidden frame, each of its scripts one frame of the session. In Internet Explorer the
// frame is in a document of its own, where it neither clicks nor turns a cursor.
(function (internal) {
  'use strict';

  var count = 0,
      callbacks = internal.frames = {};

  function nothing() {}

  // The server's page sets its domain, which makes it a stranger to documents that have not set theirs.
  function createDocument() {
    var made = new window.ActiveXObject('htmlfile');
    made.open();
    made.write('<html><head><base href="' + location.href.replace(/[?#].*|["<>]/g, '') + '"></head><body><script>' +
      'document.domain="' + document.domain + '"</' + 'script></body></html>');
    made.close();
    made.parentWindow.thywill = thywill;
    return made;
  }

  function choosePlace() {
    try {
      return createDocument();
    } catch (exception) {
      // No ActiveX, or it is forbidden.
    }
    try {
      document.domain = document.domain;
    } catch (refused) {
      // New browsers have given this up.
    }
    return document;
  }

  function open(transport, address, receive, end) {
    var place = choosePlace(), frame = place.createElement('iframe'), name = 'f' + (count += 1);

    function stop() {
      internal.later(function () { end('more'); });
    }

    callbacks[name] = {start: nothing, message: receive, stop: stop};
    frame.style.display = 'none';
    frame.onload = stop;
    frame.src = transport.address + address + 'htmlfile?c=thywill.internal.frames.' + name;
    place.body.appendChild(frame);

    return function () {
      callbacks[name] = {start: nothing, message: nothing, stop: nothing};
      frame.onload = null;
      // Not while one of its scripts runs.
      internal.later(function () {
        delete callbacks[name];
        frame.src = 'about:blank';
        place.body.removeChild(frame);
        place = frame = null;
        // In IE this ends the connection.
        if (window.CollectGarbage) { window.CollectGarbage(); }
      });
    };
  }

  internal.carriers.htmlfile = {
    usable: function (transport) { return !transport.otherOrigin; },
    // Chromium and old WebKits tell nothing of an answer that was cut.
    mute: true,
    open: open
  };
}(thywill.internal));
