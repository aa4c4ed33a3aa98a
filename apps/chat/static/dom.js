// What the chat needs of the DOM, in the words that every browser since IE6 understands.
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

  // Always a text node: whatever people write, it never becomes markup.
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

  // The handler takes the place of what the browser would do.
  dom.on = function (node, type, handler) {
    dom.listen(node, type, function (event) {
      dom.stop(event);
      handler(event);
    });
  };

  // The styles make the same difference: there is no room for the rooms beside the messages.
  dom.narrow = function () {
    return (window.innerWidth || document.documentElement.clientWidth) <= NARROW;
  };

  // Old browsers throw where they do not show the node.
  dom.focus = function (node) {
    try {
      node.focus();
      return true;
    } catch (ignore) {
      return false;
    }
  };

  // The server's reasons begin small and end without a full stop, to stand in a log as well.
  dom.sentence = function (text) {
    var end = /[.!?]$/.test(text) ? '' : '.';
    return text.charAt(0).toUpperCase() + text.substr(1) + end;
  };

  // Storage is missing in old browsers, and throws where cookies are forbidden.
  dom.recall = function (key) {
    try {
      return window.localStorage.getItem(key) || '';
    } catch (ignore) {
      return '';
    }
  };

  dom.remember = function (key, value) {
    try {
      window.localStorage.setItem(key, value);
      return true;
    } catch (ignore) {
      return false;
    }
  };
}(window.chat = window.chat || {}));
