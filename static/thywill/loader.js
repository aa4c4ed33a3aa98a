// Loads scripts.
(function (window, thywill) {
  var document = window.document;

  // Calls done(loaded); returns a function that drops the script. IE6 to IE8 say "loaded" of a missing script, too.
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
    if ('readyState' in script && !document.addEventListener) { // IE9 says it too early
      script.onreadystatechange = function () {
        if (/loaded|complete/.test(script.readyState)) { end(true); }
      };
    }
    script.async = true; // or Firefox 3 would run it after a parked JSONP poll
    script.charset = 'UTF-8';
    script.src = address;
    head.insertBefore(script, head.firstChild); // IE6 can't append here after <base>
    return drop;
  };

  // Loads one after another; calls done(address) with the one that failed, or done().
  thywill.loadScripts = function (addresses, done) {
    if (!addresses.length) { return done(); }
    thywill.loadScript(addresses[0], function (loaded) {
      if (!loaded) { return done(addresses[0]); }
      thywill.loadScripts(addresses.slice(1), done);
    });
  };
}(window, window.thywill));
