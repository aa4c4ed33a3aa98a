// The page's life: its events, passed on to the dispatchers of its clients.
(function (internal) {
  'use strict';

  // Milliseconds for pictures, before messages are let through.
  var PATIENCE = 5000,
      page = internal.page = {
        loaded: !document.readyState || document.readyState === 'complete',
        dispatchers: []
      },
      listen = internal.listen;

  function tell(method, argument) {
    var all = page.dispatchers, i;
    for (i = 0; i < all.length; i += 1) { all[i][method](argument); }
  }

  function load() {
    if (page.loaded) { return; }
    page.loaded = true;
    tell('wake');
  }

  thywill.clock.set(load, PATIENCE);
  listen(window, 'load', function () { internal.later(load); });
  listen(window, 'online', function () { tell('restart'); });
  listen(document, 'visibilitychange', function () {
    if (!document.hidden) { tell('wake'); }
  });

  // Pages that have a place say so all the time, by what the server sends. The timers of one in the background may
  // come once a minute, which is too late for the server.
  listen(window, 'storage', function (event) {
    if (String(event.key).indexOf('thywill.parked') === 0) { tell('nudge'); }
  });

  // Open requests keep a page out of the page cache, and so does a listener for unload.
  listen(window, 'onpagehide' in window ? 'pagehide' : 'unload', function (event) {
    if (event.persisted) { tell('suspend'); } else { tell('leave', true); }
  });
  listen(window, 'pageshow', function (event) {
    if (event.persisted) { tell('restart'); }
  });
}(thywill.internal));
