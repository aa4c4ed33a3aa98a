// The script of the server's page in a hidden frame: it sends requests for the page around it, if the server allows
// that page's origin. bridge.js is the other end, and describes the messages.
(function (internal) {
  'use strict';

  var origins = internal.json.parse(document.getElementById('thywill-origins').text).origins,
      // The frame sends no other requests.
      OPERATION = /^(connect|poll|send|leave|sockjs\/\d+\/\d+\/xhr_send)$/,
      SESSION = /^sockjs\/\d+\/\d+\/$/,
      server = new internal.Xhr('../../thywill/'),
      // The functions that end each request and stream under way, by number.
      ends = {};

  function isAllowed(origin) {
    for (var i = 0; i < origins.length; i += 1) {
      if (origins[i] === '*' || (origins[i] === origin && origin !== 'null')) { return true; }
    }
    return false;
  }

  function readyStreams() {
    var streams = {};
    internal.each(internal.streaming, function (name, kind) {
      try {
        streams[name] = kind.usable(server);
      } catch (exception) {
        // This engine does not have it.
      }
    });
    return streams;
  }

  function end(n) {
    var action = ends[n];
    delete ends[n];
    if (action) { action(); }
  }

  // This page may come from a cache, so the server decides anew whether the page around it may connect.
  function request(message, origin, answer) {
    var n = message[0], operation = message[1];
    if (operation === 'connect') { operation += '?page=' + encodeURIComponent(origin); }
    ends[n] = server.request(operation, String(message[2]), message[3], function (result) {
      delete ends[n];
      answer(result);
    });
  }

  function openStream(message, answer) {
    try {
      ends[message[0]] = internal.streaming[message[1]].open(server, message[2], answer, function (kind) {
        answer(null, kind);
      });
    } catch (exception) {
      answer(null, 'cut');
    }
  }

  function hear(message, origin, answer) {
    if (message[0] === 'ready') {
      answer(readyStreams());
    } else if (OPERATION.test(message[1])) {
      request(message, origin, answer);
    } else if (SESSION.test(message[2])) {
      openStream(message, answer);
    } else {
      end(message[0]);
    }
  }

  internal.listen(window, 'message', function (event) {
    // A page with the origin null can't be addressed by its origin. It is allowed only if the settings allow every page.
    var source = event.source, target = event.origin === 'null' ? '*' : event.origin, message;
    if (source !== window.parent || !isAllowed(event.origin)) { return; }
    try {
      message = internal.json.parse(event.data) || [];
    } catch (exception) {
      return;
    }
    hear(message, event.origin, function (first, second) {
      source.postMessage(internal.json.stringify([message[0], first, second]), target);
    });
  });

  // Requests under way keep a page out of the browser's page cache.
  internal.listen(window, 'onpagehide' in window ? 'pagehide' : 'unload', function () {
    internal.each(ends, end);
  });
}(thywill.internal));
