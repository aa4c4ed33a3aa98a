// Loads scripts.
(function (window, thywill) {
  var document = window.document;

  function nothing() {}

  // Calls done(loaded) once. IE6 to IE8 report "loaded" for a script that is not there as well: what
  // the script should have done has to be looked at. Returns a function that drops the script.
  thywill.loadScript = function (address, done) {
    var script = document.createElement('script'), head = document.getElementsByTagName('head')[0];

    function drop() {
      if (!script) { return; }
      script.onload = script.onerror = script.onreadystatechange = nothing;
      head.removeChild(script);
      script = null;
    }

    function end(loaded) {
      return function () {
        drop();
        done(loaded);
      };
    }

    if ('readyState' in script && !('onload' in script)) {
      script.onreadystatechange = function () {
        if (/loaded|complete/.test(script.readyState)) { end(true)(); }
      };
    }
    script.onload = end(true);
    script.onerror = end(false);
    script.async = true; // old Firefox would keep a parked JSONP poll before every later script
    script.charset = 'UTF-8';
    script.src = address;
    head.insertBefore(script, head.firstChild); // appending to an open head or <base> fails in IE6
    return drop;
  };

  // Loads one after another, and calls done(failed) with the address that failed, if any.
  thywill.loadScripts = function (addresses, done) {
    if (!addresses.length) { return done(); }
    thywill.loadScript(addresses[0], function (loaded) {
      if (!loaded) { return done(addresses[0]); }
      thywill.loadScripts(addresses.slice(1), done);
    });
  };
}(window, window.thywill));
