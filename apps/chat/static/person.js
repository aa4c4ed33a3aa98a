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

  // A row in a list of people: a link to the private conversation, with a disc, the name and a number. A click calls
  // act().
  person.link = function (act) {
    var row = chat.dom.make('li', 'person'), link = chat.dom.make('a', 'person-link');
    link.appendChild(chat.dom.make('span'));
    link.appendChild(document.createTextNode(' '));
    link.appendChild(person.name('span', 'person-name'));
    link.appendChild(document.createTextNode(' '));
    link.appendChild(chat.dom.make('span', 'person-count'));
    link.firstChild.setAttribute('aria-hidden', 'true');
    chat.dom.on(link, 'click', act);
    row.appendChild(link);
    return row;
  };

  person.fill = function (row, who) {
    var link = row.firstChild;
    link.href = chat.addressOf(who);
    link.title = 'Write to ' + who.name + ' alone';
    person.paint(link.firstChild, who);
    chat.dom.write(link.childNodes[2], who.name);
  };

  person.name = function (tag, className, name) {
    var node = chat.dom.make(tag, className, name);
    node.setAttribute('dir', 'auto');
    return node;
  };
}(window.chat = window.chat || {}));
