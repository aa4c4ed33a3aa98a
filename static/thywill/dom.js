// What the scripts of the applications share beside the client: elements with texts, which never become markup, and the
// line that says how the connection is. Applications with the button "Cut the connection" have this file.
(function (internal) {
  'use strict';

  function find(id) {
    return document.getElementById(id);
  }

  function empty(node) {
    while (node.firstChild) { node.removeChild(node.firstChild); }
  }

  // Adds an element with a text to another one, and returns it.
  function element(tag, className, text, place) {
    var made = document.createElement(tag);
    made.className = className;
    made.appendChild(document.createTextNode(text));
    return place.appendChild(made);
  }

  // Gives an element a text. One that it has already is left alone: a screen reader would read it out again.
  function write(node, text) {
    var first = node.firstChild;
    if (!first || first.nextSibling || first.nodeType !== 3) {
      empty(node);
      node.appendChild(document.createTextNode(text));
    } else if (first.nodeValue !== text) {
      first.nodeValue = text;
    }
  }

  function stop(event) {
    if (event.preventDefault) { event.preventDefault(); } else { event.returnValue = false; }
  }

  function describe(client, state, detail, words) {
    if (state === 'waiting') {
      return 'Offline. ' + (words.waiting ? words.waiting + ' ' : '') + 'Trying again in ' + Math.ceil(detail.retry) + ' s.';
    }
    if (state === 'gone') { return 'Disconnected: ' + detail.message + '. ' + words.gone; }
    return state === 'connecting' ? 'Connecting\u2026' : 'Connected' + (client.transport ? ' by ' + client.transport : '');
  }

  // Shows in a node how the connection is; words: what is said beside while it is waiting, and when it is gone.
  function showState(client, node, words) {
    function show(state, detail) {
      write(node, describe(client, state, detail, words));
    }
    client.on('state', show);
    client.on('transport', function () { show(client.state, client.detail); });
    show(client.state, client.detail);
  }

  // Returns what shows in a node that the page could not start.
  function showFailure(node) {
    return function (failure) {
      write(node, 'The page could not start (' + failure.step + '): ' + failure.message);
    };
  }

  internal.dom = {
    find: find, empty: empty, element: element, write: write, stop: stop, showState: showState, showFailure: showFailure
  };
}(thywill.internal));
