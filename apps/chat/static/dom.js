// Helpers for the DOM that work in every browser since IE6.
(function (chat) {
  'use strict';

  var NARROW = 760,
      dom = chat.dom = {};

  dom.find = function (id) {
    return document.getElementById(id);
  };

  dom.make = function (tag, className, text) {
    var node = document.createElement(tag);
    node.className = className || '';
    if (text) { dom.write(node, text); }
    return node;
  };

  dom.empty = function (node) {
    while (node.firstChild) { node.removeChild(node.firstChild); }
  };

  // The text becomes a text node, so texts of people never become markup.
  dom.write = function (node, text) {
    dom.empty(node);
    node.appendChild(document.createTextNode(text));
  };

  dom.remove = function (node) {
    if (node.parentNode) { node.parentNode.removeChild(node); }
  };

  dom.mark = function (node, name, on) {
    var names = (' ' + node.className + ' ').replace(' ' + name + ' ', ' ');
    node.className = (on ? names + name : names).replace(/^\s+|\s+$/g, '');
  };

  dom.marked = function (node, name) {
    return (' ' + node.className + ' ').indexOf(' ' + name + ' ') >= 0;
  };

  dom.show = function (node, visible) {
    dom.mark(node, 'hidden', !visible);
  };

  dom.listen = function (node, type, handler) {
    if (node.addEventListener) {
      node.addEventListener(type, handler, false);
    } else {
      node.attachEvent('on' + type, function () { handler(window.event); });
    }
  };

  dom.stop = function (event) {
    if (event.preventDefault) {
      event.preventDefault();
    } else {
      event.returnValue = false;
    }
  };

  // Listens to an event; the handler runs instead of the browser's own action.
  dom.on = function (node, type, handler) {
    dom.listen(node, type, function (event) {
      dom.stop(event);
      handler(event);
    });
  };

  // Whether the page is too narrow to show the rooms beside the messages. The styles have the same limit.
  dom.narrow = function () {
    return (window.innerWidth || document.documentElement.clientWidth) <= NARROW;
  };

  // Old browsers throw if the node is not visible.
  dom.focus = function (node) {
    try {
      node.focus();
      return true;
    } catch (ignore) {
      return false;
    }
  };

  // The server's messages begin with a small letter and have no full stop, since they are also used in logs.
  dom.sentence = function (text) {
    var end = /[.!?]$/.test(text) ? '' : '.';
    return text.charAt(0).toUpperCase() + text.substr(1) + end;
  };

  // Keeps a text over a reload of this page. Browsers without sessionStorage keep the window's name.
  dom.keep = function (key, text) {
    try {
      window.sessionStorage.setItem(key, text);
    } catch (ignore) {
      window.name = key + '=' + text;
    }
  };

  // Returns that text once.
  dom.kept = function (key) {
    var text = '';
    if (window.name.indexOf(key + '=') === 0) {
      text = window.name.substr(key.length + 1);
      window.name = '';
    }
    try {
      text = window.sessionStorage.getItem(key) || text;
      window.sessionStorage.removeItem(key);
    } catch (ignore) {
      // It was in the window's name.
    }
    return text;
  };
}(window.chat = window.chat || {}));
