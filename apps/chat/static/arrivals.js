// Shows who came and went, in one line of the log until another message comes: "Ada, Ben and 3 others joined".
(function (chat) {
  'use strict';

  var SHOWN = 3;

  function names(list) {
    var last = list[list.length - 1], more = list.length - SHOWN + 1;
    if (list.length === 1) { return last; }
    if (list.length <= SHOWN) { return list.slice(0, -1).join(', ') + ' and ' + last; }
    return list.slice(0, SHOWN - 1).join(', ') + ' and ' + more + ' others';
  }

  function drop(list, name) {
    for (var i = list.length - 1; i >= 0; i -= 1) {
      if (list[i] === name) { list.splice(i, 1); }
    }
  }

  function Arrivals(log) {
    this.log = log;
    this.line = null;
  }

  Arrivals.prototype = {
    joined: function (name) { this.add(name, 0); },

    left: function (name) { this.add(name, 1); },

    // Somebody who came and went is in the line once, with the last of the two.
    add: function (name, kind) {
      if (!this.line || !this.log.endsWith(this.line)) {
        this.lists = [[], []];
        this.line = this.log.notice('');
      }
      drop(this.lists[1 - kind], name);
      drop(this.lists[kind], name);
      this.lists[kind].push(name);
      this.write();
    },

    write: function () {
      var line = this.line, parts = [];
      if (this.lists[0].length) { parts.push(names(this.lists[0]) + ' joined'); }
      if (this.lists[1].length) { parts.push(names(this.lists[1]) + ' left'); }
      this.log.follow(function () { chat.dom.write(line, parts.join(', ')); });
    }
  };

  chat.Arrivals = Arrivals;
}(window.chat = window.chat || {}));
