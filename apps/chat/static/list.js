// A sorted list whose rows are changed in place, so that a row keeps the keyboard focus.
(function (chat) {
  'use strict';

  // kind.make(item) returns a row's node, kind.fill(node, item) fills it, kind.order(item) sorts it.
  function List(parent, kind) {
    this.parent = parent;
    this.kind = kind;
    this.rows = [];
  }

  List.prototype = {
    put: function (key, item) {
      var row = this.rows[this.find(key)], order = this.kind.order(item);
      if (!row || row.order !== order) {
        row = this.take(key) || {key: key, node: this.kind.make(item)};
        row.order = order;
        this.insert(row);
      }
      row.item = item;
      this.kind.fill(row.node, item);
    },

    drop: function (key) {
      var row = this.take(key);
      if (row) { chat.dom.remove(row.node); }
    },

    clear: function () {
      this.rows = [];
      chat.dom.empty(this.parent);
    },

    refresh: function () {
      for (var i = 0; i < this.rows.length; i += 1) { this.kind.fill(this.rows[i].node, this.rows[i].item); }
    },

    find: function (key) {
      for (var i = 0; i < this.rows.length; i += 1) {
        if (this.rows[i].key === key) { return i; }
      }
      return -1;
    },

    take: function (key) {
      var at = this.find(key);
      return at < 0 ? null : this.rows.splice(at, 1)[0];
    },

    insert: function (row) {
      var at = 0;
      while (at < this.rows.length && this.rows[at].order <= row.order) { at += 1; }
      this.parent.insertBefore(row.node, at < this.rows.length ? this.rows[at].node : null);
      this.rows.splice(at, 0, row);
    }
  };

  chat.List = List;
}(window.chat = window.chat || {}));
