// Loads scripts.
(function (window, thywill) {
  var document = window.document;

  // Calls done(loaded) once; returns a function that drops the script. IE6 to IE8 say "loaded" of a script that
  // is missing, too: so look for what it should have done.
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

    if ('readyState' in script && !('onload' in script)) {
      script.onreadystatechange = function () {
        if (/loaded|complete/.test(script.readyState)) { end(true); }
      };
    }
    script.onload = function () { end(true); };
    script.onerror = function () { end(false); };
    script.async = true; // Firefox 3 would not run it before a parked JSONP poll
    script.charset = 'UTF-8';
    script.src = address;
    head.insertBefore(script, head.firstChild); // IE6 can't append while <base> is open
    return drop;
  };

  // Loads one after another; calls done(address) with the one that failed, or nothing.
  thywill.loadScripts = function (addresses, done) {
    if (!addresses.length) { return done(); }
    thywill.loadScript(addresses[0], function (loaded) {
      if (!loaded) { return done(addresses[0]); }
      thywill.loadScripts(addresses.slice(1), done);
    });
  };
}(window, window.thywill));
