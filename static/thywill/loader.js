// Loads scripts, one after another.
(function (internal) {
  'use strict';

  // Returns the address of one of our files; address is the transport's. The browser checks each time for a new version.
  internal.fileOf = function (address, name) {
    return address.replace(/thywill\/$/, 'static/0/' + name);
  };

  // Loads a script and calls done(isLoaded). Returns a function that drops the script. IE6 to IE8 report a missing
  // script as loaded, too.
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
    // Without this Firefox 3 would run the script only after another script that waits at the server.
    script.async = true;
    script.src = address;
    // IE6 can't append to a head that has a <base>.
    head.insertBefore(script, head.firstChild);
    return drop;
  };

  // Calls done() when all scripts are loaded, or done(address) with the address of a missing one.
  internal.loadScripts = function (addresses, done) {
    if (!addresses.length) { return done(); }
    internal.loadScript(addresses[0], function (loaded) {
      if (!loaded) { return done(addresses[0]); }
      internal.loadScripts(addresses.slice(1), done);
    });
  };
}(thywill.internal));
