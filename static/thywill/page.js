// The page's life: what its events mean for the clients on it.
(function (window, thywill) {
  var document = window.document,
      LOAD_PATIENCE = 5000, // a picture that never comes must not keep messages back
      loaded = !document.readyState || document.readyState === 'complete',
      waiting = [],
      dispatchers = [];

  function listen(target, name, listener) {
    if (target.addEventListener) {
      target.addEventListener(name, listener, false);
    } else if (target.attachEvent) {
      target.attachEvent('on' + name, listener);
    }
  }

  function tell(method, argument) {
    var all = dispatchers.slice(), i;
    for (i = 0; i < all.length; i += 1) { all[i][method](argument); }
  }

  function load() {
    var actions = waiting, i;
    loaded = true;
    waiting = [];
    for (i = 0; i < actions.length; i += 1) { actions[i](); }
  }

  // A page that may come back from the browser's page cache has not left. Its open requests end here,
  // since they would keep it out of that cache, and take messages that nobody reads.
  function hide(event) {
    if (event.persisted) { tell('suspend'); } else { tell('leave', true); }
  }

  listen(window, 'load', function () { thywill.later(load); });
  if (!loaded) { thywill.clock.set(load, LOAD_PATIENCE); }

  // Only where there is no pagehide: a listener for unload keeps a page out of the page cache.
  listen(window, 'onpagehide' in window ? 'pagehide' : 'unload', hide);
  listen(window, 'pageshow', function (event) {
    if (event.persisted) { tell('restart'); }
  });
  listen(window, 'online', function () { tell('restart'); }); // a poll parked before is on a dead connection
  listen(document, 'visibilitychange', function () {
    if (!document.hidden) { tell('wake'); }
  });

  thywill.page = {
    // Calls the action once the page has loaded: a request parked before keeps the spinner of old browsers turning.
    whenLoaded: function (action) {
      if (loaded) { action(); } else { waiting.push(action); }
    },

    add: function (dispatcher) {
      dispatchers.push(dispatcher);
    },

    remove: function (dispatcher) {
      var kept = [], i;
      for (i = 0; i < dispatchers.length; i += 1) {
        if (dispatchers[i] !== dispatcher) { kept.push(dispatchers[i]); }
      }
      dispatchers = kept;
    }
  };
}(window, window.thywill));
