// The streaming transport by an endless page in a hidden frame: each script of that page is one frame of the session.
// In Internet Explorer the hidden frame is in a separate document, where it makes no click and shows no busy cursor.
(function (internal) {
  'use strict';

  var count = 0,
      callbacks = internal.frames = {};

  function nothing() {}

  // The server's page sets document.domain, and can only call documents that have set theirs, too.
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
      // There is no ActiveX, or it is forbidden.
    }
    try {
      document.domain = document.domain;
    } catch (refused) {
      // New browsers no longer allow this.
    }
    return document;
  }

  function open(transport, address, receive, end) {
    var place = choosePlace(), frame = place.createElement('iframe'), name = 'f' + (count += 1);

    function stop() {
      internal.later(function () { end('whole'); });
    }

    callbacks[name] = {start: nothing, message: receive, stop: stop};
    frame.style.display = 'none';
    frame.onload = stop;
    frame.src = transport.address + address + 'htmlfile?c=thywill.internal.frames.' + name;
    place.body.appendChild(frame);

    return function () {
      callbacks[name] = {start: nothing, message: nothing, stop: nothing};
      frame.onload = null;
      // Removed later, since one of its scripts may be running now.
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

  internal.streaming.htmlfile = {
    usable: function (transport) { return !transport.otherOrigin; },
    // Chromium and old WebKits do not notice when an answer is cut.
    mute: true,
    open: open
  };
}(thywill.internal));
