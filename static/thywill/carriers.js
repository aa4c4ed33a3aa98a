// A carrier brings the frames of a SockJS session: usable(transport), and open(transport, address, receive, end),
// which returns a function that closes it. It calls end('more') when the answer was whole, 'cut' when it was not,
// 'full' when it takes too much memory.
(function (internal) {
  'use strict';

  // Characters: a browser keeps the whole answer.
  var LIMIT = 1000000;

  function nothing() {}

  // Calls receive(line) for each whole line since the last time.
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
      // An engine may still call a handler that was taken away.
      var text = '', state = request ? request.readyState : 0;
      if (state < 3) { return; }
      try {
        text = request.responseText;
      } catch (exception) {
        // An engine that shows nothing before the end.
      }
      takeLines(text);
      if (!request) { return; }
      if (state === 4) {
        end(text && read === text.length ? 'more' : 'cut');
      } else if (read > LIMIT) {
        end('full');
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

  // It would go on by itself, but without a pause that grows. An end tells nothing of its cause.
  function openEventSource(transport, address, receive, end) {
    var source = new window.EventSource(transport.address + address + 'eventsource',
      {withCredentials: transport.otherOrigin});
    source.onmessage = function (event) { receive(event.data); };
    source.onerror = function () { end('more'); };
    return function () {
      source.onmessage = source.onerror = null;
      source.close();
    };
  }

  internal.carriers = {
    'xhr-streaming': {
      // The same engines show a text before its end.
      usable: function () { return 'withCredentials' in new window.XMLHttpRequest(); },
      open: openXhr
    },
    'xdr-streaming': {
      usable: function (transport) { return !!transport.post; },
      open: openXhr
    },
    eventsource: {
      usable: function () { return !!window.EventSource; },
      open: openEventSource
    }
  };
}(thywill.internal));
