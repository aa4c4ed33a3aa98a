// Echo: sends the text that you write, shows what comes back and how it travelled, and changes the transport.
(function (echo) {
  'use strict';

  var LINES = 50,
      MANY = 20,
      // The names of the transports, each with a description. The first entry leaves the choice to the client.
      WAYS = [
        ['', 'The best that works'],
        ['xhr-streaming', 'A stream'],
        ['eventsource', 'Server-sent events'],
        ['longpoll', 'Long polling'],
        ['jsonp', 'Script tags']
      ],
      find = echo.find,
      client = null,
      trips = new echo.Trips(),
      number = 0,
      lost = 0;

  function show(message) {
    var list = find('echo-list'), line = echo.node('li', 'line', ''), took;
    if (!message || typeof message.sent !== 'number') { return; }
    took = echo.now() - message.sent;
    trips.add(took);
    line.appendChild(echo.node('span', 'time', echo.span(took)));
    line.insertBefore(echo.node('span', 'text', message.text), line.firstChild);
    line.firstChild.setAttribute('dir', 'auto');
    list.insertBefore(line, list.firstChild);
    if (list.childNodes.length > LINES) { list.removeChild(list.lastChild); }
    find('echo-nothing').className = 'hidden';
  }

  function showState(name, text) {
    find('echo-state').className = 'state ' + name;
    echo.write('echo-state', text);
  }

  function describe(state, detail) {
    if (state === 'waiting') { return 'Offline. Trying again in ' + Math.ceil(detail.retry) + ' s.'; }
    if (state === 'gone') { return 'Disconnected: ' + detail.message + '. Reload the page to connect again.'; }
    if (state === 'connecting') { return 'Connecting\u2026'; }
    return lost ? 'Connected. Messages lost: ' + lost : 'Connected';
  }

  function showTransport() {
    echo.write('echo-transport', client.transport || 'a first request');
  }

  function send(text) {
    client.send({text: text, sent: echo.now()}, function (error) {
      if (error) { showState('gone', 'Not sent: ' + error.message); }
    });
  }

  // A client that has left has no events any more.
  function listen(own) {
    function on(event, listener) {
      own.on(event, function (first, second) { if (own === client) { listener(first, second); } });
    }
    on('message', show);
    on('transport', showTransport);
    on('restart', showTransport);
    on('state', function (state, detail) {
      lost += state === 'lost' ? detail.count : 0;
      showState(state, describe(state, detail));
    });
  }

  function start(opened) {
    client = opened;
    listen(client);
    showState(client.state, describe(client.state));
    showTransport();
    find('echo-cut').innerHTML = '';
    thywill.cuttable(client, find('echo-cut'));
  }

  function fail(failure) {
    showState('gone', 'The page could not start (' + failure.step + '): ' + failure.message);
  }

  // Leaves, and connects again with another transport.
  function use(name) {
    var left = client;
    client = null;
    if (left) { left.leave(); }
    trips.clear();
    showState('connecting', describe('connecting'));
    thywill.transports = name ? [name] : null;
    thywill.connect({server: window.location.href.replace(/[?#].*$/, '').replace(/[^\/]*\/?$/, ''), application: 'echo'}, start, fail);
  }

  function addWay(way, index) {
    var place = find('echo-ways'), item = echo.node('li', '', ''), button = echo.node('button', index ? 'way' : 'way chosen', way[1]);
    button.title = way[0];
    button.setAttribute('aria-pressed', String(!index));
    button.onclick = function () {
      for (var i = 0, all = place.getElementsByTagName('button'); i < all.length; i += 1) {
        all[i].className = all[i] === button ? 'way chosen' : 'way';
        all[i].setAttribute('aria-pressed', String(all[i] === button));
      }
      use(way[0]);
    };
    item.appendChild(button);
    item.appendChild(document.createTextNode(' '));
    place.appendChild(item);
  }

  function begin() {
    var i;
    for (i = 0; i < WAYS.length; i += 1) { addWay(WAYS[i], i); }
    find('echo-form').onsubmit = function () {
      var field = find('echo-text');
      if (client) { send(field.value); }
      field.value = '';
      field.focus();
      return false;
    };
    find('echo-many').onclick = function () {
      for (i = 0; client && i < MANY; i += 1) {
        number += 1;
        send('number ' + number);
      }
    };
    new echo.Requests().watch();
  }

  thywill.ready(function (opened) {
    begin();
    start(opened);
  }, fail);
}(window.echo = window.echo || {}));
