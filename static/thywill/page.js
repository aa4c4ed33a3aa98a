// The page's life: passes the page's events on to the dispatchers of its clients.
(function (internal) {
  'use strict';

  // Milliseconds that the page's pictures may take to load. After that requests wait at the server.
  var PATIENCE = 5000,
      page = internal.page = {
        loaded: !document.readyState || document.readyState === 'complete',
        dispatchers: []
      },
      HIDE = 'onpagehide' in window ? 'pagehide' : 'unload',
      isHiding = false,
      listen = internal.listen;

  function callAll(method, argument) {
    var all = page.dispatchers, i;
    for (i = 0; i < all.length; i += 1) { all[i][method](argument); }
  }

  function load() {
    if (page.loaded) { return; }
    page.loaded = true;
    callAll('wake');
  }

  thywill.clock.set(load, PATIENCE);
  listen(window, 'load', function () { internal.later(load); });
  listen(window, 'online', function () { callAll('restart'); });
  listen(document, 'visibilitychange', function () {
    if (!document.hidden) { callAll('wake'); }
  });

  // A page with a place renews it whenever the server sends something, which wakes the pages without a place. These can't
  // rely on their timers: in the background those may fire once a minute, which is too late for the server.
  listen(window, 'storage', function (event) {
    if (String(event.key).indexOf('thywill.parked') === 0) { callAll('nudge'); }
  });

  // Open requests keep a page out of the browser's page cache; so does a listener for unload.
  function hide(event) {
    if (event.persisted) { callAll('suspend'); } else { callAll('leave', true); }
  }

  // Called again with each message, so that our listener runs after the application's own listeners, and the messages
  // that these send go with the last request. A listener that is replaced during its event would not be called.
  page.listenLast = function () {
    if (!window.removeEventListener || isHiding) { return; }
    window.removeEventListener(HIDE, hide, false);
    window.addEventListener(HIDE, hide, false);
  };

  if (window.addEventListener) {
    window.addEventListener(HIDE, function () { isHiding = true; }, true);
  }
  listen(window, HIDE, hide);
  listen(window, 'pageshow', function (event) {
    isHiding = false;
    if (event.persisted) { callAll('restart'); }
  });
}(thywill.internal));
