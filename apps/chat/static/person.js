// How the page shows people: a disc with initials, whose colour stays when the name changes.
(function (chat) {
  'use strict';

  var COLOURS = 8,
      person = chat.person = {};

  function hash(text) {
    var sum = 0, i;
    for (i = 0; i < text.length; i += 1) { sum = (sum * 31 + text.charCodeAt(i)) % 65521; }
    return sum;
  }

  // Characters beyond U+FFFF, such as emoji, have two code units.
  function first(word) {
    var code = word.charCodeAt(0);
    return word.substr(0, code >= 0xD800 && code <= 0xDBFF ? 2 : 1);
  }

  person.initials = function (name) {
    var words = name.split(' '), last = words[words.length - 1];
    if (/^\d\d?$/.test(last)) { return last; }
    return (first(words[0]) + (words.length > 1 ? first(last) : '')).toUpperCase();
  };

  person.paint = function (disc, who) {
    disc.className = 'disc disc-' + hash(who.id) % COLOURS;
    chat.dom.write(disc, person.initials(who.name));
  };

  person.disc = function (who) {
    var disc = chat.dom.make('span');
    disc.setAttribute('aria-hidden', 'true');
    person.paint(disc, who);
    return disc;
  };

  person.name = function (tag, className, name) {
    var node = chat.dom.make(tag, className, name);
    node.setAttribute('dir', 'auto');
    return node;
  };
}(window.chat = window.chat || {}));
