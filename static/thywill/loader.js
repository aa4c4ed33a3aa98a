(function () {
  // Returns a function that drops the script. Old IE calls a missing script loaded.
  thywill.loadScript = function (address, done) {
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
    if (!document.addEventListener) { // IE6 to IE8
      script.onreadystatechange = function () {
        if (/loaded|complete/.test(script.readyState)) { end(true); }
      };
    }
    script.async = true; // or Firefox 3 runs it after a parked poll
    script.src = address;
    head.insertBefore(script, head.firstChild); // IE6 can't append after <base>
    return drop;
  };

  // Calls done(address) with the one that failed, or done().
  thywill.loadScripts = function (addresses, done) {
    if (!addresses.length) { return done(); }
    thywill.loadScript(addresses[0], function (loaded) {
      if (!loaded) { return done(addresses[0]); }
      thywill.loadScripts(addresses.slice(1), done);
    });
  };
}());
