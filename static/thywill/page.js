// What the events of the page's life mean to its clients.
(function (window, thywill) {
  var document = window.document,
      PATIENCE = 5000, // messages don't wait longer for a picture
      dispatchers = [],
      page = thywill.page = {};

  function listen(target, name, listener) {
    if (target.addEventListener) {
      target.addEventListener(name, listener, false);
    } else {
      target.attachEvent('on' + name, listener);
    }
  }

  function tell(method, argument) {
    for (var i = dispatchers.length - 1; i >= 0; i -= 1) { dispatchers[i][method](argument); }
  }

  function load() {
    if (page.loaded) { return; }
    page.loaded = true;
    tell('wake');
  }

  page.loaded = !document.readyState || document.readyState === 'complete';

  page.add = function (dispatcher) {
    dispatchers.push(dispatcher);
  };

  page.remove = function (dispatcher) {
    dispatchers = thywill.without(dispatchers, dispatcher);
  };

  thywill.clock.set(load, PATIENCE);
  listen(window, 'load', function () { thywill.later(load); });
  listen(window, 'online', function () { tell('restart'); });
  listen(document, 'visibilitychange', function () {
    if (!document.hidden) { tell('wake'); }
  });

  // Open requests keep a page out of the page cache, as does a listener for unload.
  listen(window, 'onpagehide' in window ? 'pagehide' : 'unload', function (event) {
    if (event.persisted) { tell('suspend'); } else { tell('leave', true); }
  });
  listen(window, 'pageshow', function (event) {
    if (event.persisted) { tell('restart'); }
  });
}(window, window.thywill));
