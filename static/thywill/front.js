// The front page: shows the figures that the server sends every second.
(function () {
  'use strict';

  function find(id) {
    return document.getElementById(id);
  }

  function show(id, text) {
    find(id).firstChild.nodeValue = text;
  }

  function count(number) {
    return String(number < 10 ? Math.round(number * 10) / 10 : Math.round(number));
  }

  // A figure, and the word for what it counts.
  function showCount(id, number, one, several) {
    var text = count(number);
    show(id, text);
    show(id + '-word', text === '1' ? one : several);
  }

  function showPeople(people) {
    var lines = document.getElementsByTagName('p'), prefix = 'thywill-people-', i, id, here;
    for (i = 0; i < lines.length; i += 1) {
      id = lines[i].id;
      if (id && id.indexOf(prefix) === 0) {
        here = people[id.substring(prefix.length)] || 0;
        lines[i].firstChild.nodeValue = (here || 'nobody') + ' here';
      }
    }
  }

  function start(client) {
    function showTransport() {
      show('thywill-transport', client.transport || '\u2013');
    }
    client.on('message', function (figures) {
      showCount('thywill-pages', figures.pages, 'page connected', 'pages connected');
      showCount('thywill-messages', figures.messages, 'message per second', 'messages per second');
      show('thywill-delay', figures.delay === null ? '\u2013' : count(figures.delay));
      showPeople(figures.people);
      showTransport();
      find('thywill-figures').className = 'figures';
    });
    client.on('transport', showTransport);
  }

  function link(address, text) {
    var node = document.createElement('a');
    node.href = address;
    node.appendChild(document.createTextNode(text));
    find('thywill-links').appendChild(node);
  }

  // The link is only for visitors who may see the status page.
  function lead() {
    var request;
    if (!window.XMLHttpRequest) { return; }
    request = new window.XMLHttpRequest();
    request.open('GET', 'thywill/operator', true);
    request.onreadystatechange = function () {
      if (request.readyState === 4 && request.responseText.indexOf('true') > 0) { link('thywill/status/', 'The status of this server'); }
    };
    request.send(null);
  }

  lead();
  // If the start fails, the list of applications stays without figures.
  thywill.ready(start, function () {});
}());
