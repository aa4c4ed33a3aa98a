// Loads scripts, one after another.
(function (internal) {
  'use strict';

  // Returns the address of a file of ours, from the transport's. The browser asks each time whether there is a new one.
  internal.fileOf = function (address, name) {
    return address.replace(/thywill\/$/, 'static/0/' + name);
  };

  // Calls done(whether it was loaded). Returns a function that drops the script. IE6 to IE8 call a missing script
  // loaded, too.
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
    // Without this Firefox 3 runs it only after a script that waits at the server.
    script.async = true;
    script.src = address;
    // IE6 can't append to a head that has a <base>.
    head.insertBefore(script, head.firstChild);
    return drop;
  };

  // Calls done() when all are loaded, or done(address) with the one that is missing.
  internal.loadScripts = function (addresses, done) {
    if (!addresses.length) { return done(); }
    internal.loadScript(addresses[0], function (loaded) {
      if (!loaded) { return done(addresses[0]); }
      internal.loadScripts(addresses.slice(1), done);
    });
  };
}(thywill.internal));
