// What the events of the page's life mean to the clients on it.
(function (window, thywill) {
  var document = window.document,
      PATIENCE = 5000, // a picture that never comes must not hold up messages
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
    for (var i = dispatchers.length - 1; i >= 0; i -= 1) { dispatchers[i][method](argument); }
  }

  function load() {
    loaded = true;
    while (waiting.length) { waiting.shift()(); }
  }

  listen(window, 'load', function () { thywill.later(load); });
  if (!loaded) { thywill.clock.set(load, PATIENCE); }

  // A page that may come back has not left; but open requests would keep it out of the browser's page cache.
  // A listener for unload would, too.
  listen(window, 'onpagehide' in window ? 'pagehide' : 'unload', function (event) {
    if (event.persisted) { tell('suspend'); } else { tell('leave', true); }
  });
  listen(window, 'pageshow', function (event) {
    if (event.persisted) { tell('restart'); }
  });
  listen(window, 'online', function () { tell('restart'); }); // what was parked hangs on a dead connection
  listen(document, 'visibilitychange', function () {
    if (!document.hidden) { tell('wake'); }
  });

  thywill.page = {
    // A request parked before the page has loaded would keep the spinner of old browsers turning.
    whenLoaded: function (action) {
      if (loaded) { action(); } else { waiting.push(action); }
    },

    add: function (dispatcher) {
      dispatchers.push(dispatcher);
    },

    remove: function (dispatcher) {
      dispatchers = thywill.without(dispatchers, dispatcher);
    }
  };
}(window, window.thywill));
