// The field in which a person writes: it grows with its text, and Enter or the button sends the text.
(function (chat) {
  'use strict';

  var dom = chat.dom,
      ENTER = 13;

  // actions: talk() returns the conversation that is shown, ready() returns whether it can be written to now,
  // say(text) and typed().
  function Field(node, form, actions) {
    this.node = node;
    this.actions = actions;
    // The text that the person has sent before the page was in the room, and its conversation.
    this.early = null;
    this.listen(form);
  }

  Field.prototype = {
    listen: function (form) {
      var self = this, node = this.node;
      dom.on(form, 'submit', function () { self.submit(); });
      dom.listen(node, 'keydown', function (event) {
        if (event.keyCode === ENTER && !event.shiftKey) {
          dom.stop(event);
          self.submit();
        }
      });
      dom.listen(node, 'keyup', function () {
        if (self.hasText()) { self.actions.typed(); }
      });
      dom.listen(node, 'input', function () { self.fit(); });
    },

    hasText: function () { return /\S/.test(this.node.value); },

    focus: function () { dom.focus(this.node); },

    fill: function (text) {
      this.node.value = text;
      this.fit();
    },

    fit: function () {
      var node = this.node;
      node.style.height = 'auto';
      node.style.height = node.scrollHeight + node.offsetHeight - node.clientHeight + 'px';
    },

    submit: function () {
      var text = this.node.value;
      if (this.hasText() && this.actions.ready()) {
        this.actions.say(text);
        this.fill('');
      } else if (this.hasText()) {
        this.early = {text: text, talk: this.actions.talk()};
      }
      this.focus();
    },

    // The page is in the room. An early text has stayed in the field; it is not sent if the person has gone on writing.
    submitEarly: function () {
      var early = this.early;
      this.early = null;
      if (early && early.talk === this.actions.talk() && early.text === this.node.value) { this.submit(); }
    },

    forgetEarly: function () { this.early = null; }
  };

  chat.Field = Field;
}(window.chat = window.chat || {}));
