// Loads scripts, one after another.
(function (internal) {
  'use strict';

  // Returns a function that drops the script. Old IE calls a missing script loaded.
  internal.loadScript = function (address, done) {
    var script = document.createElement('script'), head = document.getElementsByTagName('head')[0];

    function drop() {
      if (!script) { return; }
      script.onload = script.onerror = script.onreadystatechange = null;
      head.removeChild(script);
      script = null;
    }

    function end(loaded) {
      drop();
      done(loaded);
    }

    script.onload = function () { end(true); };
    script.onerror = function () { end(false); };
    // Only IE6 to IE8 know this event.
    if (!document.addEventListener) {
      script.onreadystatechange = function () {
        if (/loaded|complete/.test(script.readyState)) { end(true); }
      };
    }
    // Else Firefox 3 runs it after a parked poll.
    script.async = true;
    script.src = address;
    // IE6 can't append after <base>.
    head.insertBefore(script, head.firstChild);
    return drop;
  };

  // Calls done(address) with the one that failed, or done().
  internal.loadScripts = function (addresses, done) {
    if (!addresses.length) { return done(); }
    internal.loadScript(addresses[0], function (loaded) {
      if (!loaded) { return done(addresses[0]); }
      internal.loadScripts(addresses.slice(1), done);
    });
  };
}(thywill.internal));
