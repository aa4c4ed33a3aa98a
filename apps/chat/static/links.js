// Writes the texts of people, with the addresses of pages in them as links.
(function (chat) {
  'use strict';

  // Never another scheme, and no character that turns the direction of the text around.
  var ADDRESS = /https?:\/\/[^\s<>"\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/gi,
      // Punctuation at the end of a sentence is no part of the address.
      END = /[.,;:!?'*\u2019\u201d\u00bb\u2026]$/,
      BEFORE = /[A-Za-z0-9]$/;

  function count(text, character) {
    return text.split(character).length;
  }

  // A bracket at the end belongs to the address only if it was opened there.
  function trim(address) {
    while (END.test(address) || /[)\]]$/.test(address) && isOpenedElsewhere(address)) {
      address = address.substr(0, address.length - 1);
    }
    return address;
  }

  function isOpenedElsewhere(address) {
    return count(address, ')') > count(address, '(') || count(address, ']') > count(address, '[');
  }

  function link(address) {
    var node = chat.dom.make('a', 'link', address);
    node.href = address;
    node.target = '_blank';
    node.rel = 'noopener noreferrer nofollow';
    return node;
  }

  chat.writeText = function (node, text) {
    var from = 0, found, address;
    function plain(to) {
      if (to > from) { node.appendChild(document.createTextNode(text.substring(from, to))); }
    }
    ADDRESS.lastIndex = 0;
    for (found = ADDRESS.exec(text); found; found = ADDRESS.exec(text)) {
      address = trim(found[0]);
      if (/\/\/[^\/]/.test(address) && !BEFORE.test(text.substring(0, found.index))) {
        plain(found.index);
        node.appendChild(link(address));
        from = found.index + address.length;
      }
    }
    plain(text.length);
  };
}(window.chat = window.chat || {}));
