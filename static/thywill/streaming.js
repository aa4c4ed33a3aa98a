// The streaming transports: each brings the frames of a SockJS session by one feature of the browser. Each has
// usable(transport), and open(transport, address, receive, end), which returns a function that closes the stream. It
// calls receive(frame), and end(how): 'whole' when the server has ended the answer, 'cut' when the connection broke,
// 'full' when the answer takes too much memory.
(function (internal) {
  'use strict';

  // Characters after which an answer is abandoned, since the browser keeps all of it in memory.
  var LIMIT = 1000000;

  function nothing() {}

  // A stream by an XMLHttpRequest, or by an object that behaves like one.
  function openXhr(transport, address, receive, end) {
    var request = transport.open(address + 'xhr_streaming', true), read = 0;

    function takeLines(text) {
      var line, at;
      while (request && (at = text.indexOf('\n', read)) >= 0) {
        line = text.slice(read, at);
        read = at + 1;
        receive(line);
      }
    }

    request.onreadystatechange = function () {
      // An engine may still call a handler that was removed.
      var text = '', state = request ? request.readyState : 0;
      if (state < 3) { return; }
      try {
        text = request.responseText;
      } catch (exception) {
        // This engine shows nothing before the end of the answer.
      }
      takeLines(text);
      if (!request) { return; }
      if (state === 4) {
        end(text && read === text.length ? 'whole' : 'cut');
      } else if (read > LIMIT) {
        end('full');
      } else if (read < text.length) {
        // A part of a frame shows at least that data arrives.
        receive('');
      }
    };
    request.send('');
    return function () {
      var closing = request;
      request = null;
      closing.onreadystatechange = nothing;
      closing.abort();
    };
  }

  // An EventSource would connect again by itself, but without a growing pause. Its error event has no cause.
  function openEventSource(transport, address, receive, end) {
    var source = new window.EventSource(transport.address + address + 'eventsource',
      {withCredentials: transport.otherOrigin});
    source.onmessage = function (event) { receive(event.data); };
    source.onerror = function () { end('whole'); };
    return function () {
      source.onmessage = source.onerror = null;
      source.close();
    };
  }

  internal.streaming = {
    'xhr-streaming': {
      // Engines with withCredentials show an answer before its end.
      usable: function () { return 'withCredentials' in new window.XMLHttpRequest(); },
      open: openXhr
    },
    'xdr-streaming': {
      usable: function (transport) { return !!transport.post; },
      open: openXhr
    },
    eventsource: {
      usable: function () { return !!window.EventSource; },
      // An EventSource shows no part of a frame.
      mute: true,
      open: openEventSource
    }
  };
}(thywill.internal));
