// Echo: sends the text that you write, and shows what comes back and after how many milliseconds.
(function () {
  'use strict';

  var LINES = 100,
      lost = 0;

  function find(id) {
    return document.getElementById(id);
  }

  function now() {
    return new Date().getTime();
  }

  function node(tag, className, text) {
    var made = document.createElement(tag);
    made.className = className;
    made.appendChild(document.createTextNode(text));
    return made;
  }

  function show(message) {
    var list = find('echo-list'), line = node('li', 'line', '');
    line.appendChild(node('span', 'text', message.text));
    line.appendChild(node('span', 'time', ' ' + (now() - message.sent) + ' ms'));
    list.insertBefore(line, list.firstChild);
    if (list.childNodes.length > LINES) { list.removeChild(list.lastChild); }
    find('echo-nothing').className = 'hidden';
  }

  function showState(name, text) {
    find('echo-state').className = 'state ' + name;
    find('echo-state').firstChild.nodeValue = text;
  }

  function describe(state, detail) {
    if (state === 'waiting') { return 'Offline. Trying again in ' + Math.ceil(detail.retry) + ' s.'; }
    if (state === 'gone') { return 'Disconnected. Reload the page to connect again.'; }
    if (state === 'connecting') { return 'Connecting\u2026'; }
    return lost ? 'Connected. Messages lost: ' + lost : 'Connected';
  }

  function start(client) {
    client.on('message', show);
    client.on('state', function (state, detail) {
      lost += state === 'lost' ? detail.count : 0;
      showState(state, describe(state, detail));
    });
    showState(client.state, describe(client.state));

    find('echo-form').onsubmit = function () {
      var field = find('echo-text');
      client.send({text: field.value, sent: now()}, function (error) {
        if (error) { showState('gone', 'Not sent: ' + error.message); }
      });
      field.value = '';
      field.focus();
      return false;
    };
  }

  thywill.ready(start, function (failure) {
    showState('gone', 'The page could not start (' + failure.step + '): ' + failure.message);
  });
}());
