// The connection bar says that the page is offline or that its client has ended, if the application does not listen to
// the state. While all is well, the page has no element of it. client.js loads this file after the start of a page that
// may need it.
(function (internal) {
  'use strict';

  // Milliseconds without a connection until the bar appears; shorter interruptions are not shown.
  var HICCUP = 2000,
      RESTARTED = 'The server was restarted, or this page was away for too long.',
      // This style is the first of the page, so that all others can override it.
      STYLE = '.thywill-bar{position:fixed;bottom:0;left:0;right:0;z-index:9999;padding:.5em;background:#222;color:#fff;' +
        'font:1em/1.5 sans-serif;text-align:center}.thywill-bar button{margin-left:1em;font:inherit}',
      isStyled = false;

  function create(name) {
    return document.createElement(name);
  }

  function addStyle() {
    var style = create('style'), head = document.getElementsByTagName('head')[0];
    isStyled = true;
    style.type = 'text/css';
    // IE6 to IE8 take no text node here.
    if (style.styleSheet) { style.styleSheet.cssText = STYLE; } else { style.appendChild(document.createTextNode(STYLE)); }
    head.insertBefore(style, head.firstChild);
  }

  // Adds an element with a text that can be changed.
  function addText(parent, name) {
    var text = document.createTextNode('');
    parent.appendChild(create(name)).appendChild(text);
    return text;
  }

  function Bar(client) {
    this.client = client;
    // When the connection was lost.
    this.since = this.node = null;
    this.change();
  }

  Bar.prototype = {
    change: function () {
      var now = thywill.clock.now();
      this.detail = this.client.detail || {};
      this.since = this.client.state === 'connected' ? null : this.since || now;
      this.until = now + (this.detail.retry || 0) * 1000;
      this.show();
    },

    isWanted: function () {
      var client = this.client, hasLeft = client.state === 'gone' && this.detail.code === 'left';
      return this.since && !hasLeft && client.bar && !client.listenersOf('state').length && document.body;
    },

    show: function () {
      var self = this, detail = self.detail, now = thywill.clock.now(), seconds = Math.ceil((self.until - now) / 1000);
      thywill.clock.clear(self.timer);
      if (!self.isWanted()) { return self.remove(); }
      // A screen reader reads only changes of an element that is there already.
      if (!self.node) {
        self.build();
      } else if (self.client.state === 'gone') {
        return self.end(detail.reconnect ? RESTARTED : 'Disconnected: ' + detail.message.replace(/\.?$/, '.'));
      } else if (now - self.since >= HICCUP) {
        self.write('Offline, trying again', seconds > 0 ? ' in ' + seconds + ' s' : '');
      }
      self.timer = thywill.clock.set(function () { self.show(); }, 1000);
    },

    build: function () {
      var node = this.node = create('div');
      if (!isStyled) { addStyle(); }
      node.setAttribute('role', 'status');
      node.setAttribute('aria-live', 'polite');
      this.text = addText(node, 'span');
      this.seconds = addText(node, 'span');
      // Otherwise a screen reader would count aloud.
      this.seconds.parentNode.setAttribute('aria-hidden', 'true');
      document.body.insertBefore(node, document.body.firstChild);
    },

    write: function (text, seconds) {
      this.node.className = 'thywill-bar thywill-' + this.client.state;
      if (this.text.data !== text) { this.text.data = text; }
      this.seconds.data = seconds;
    },

    end: function (text) {
      var button = addText(this.node, 'button');
      button.data = 'Reload';
      internal.listen(button.parentNode, 'click', function () { location.reload(); });
      this.write(text, '');
    },

    remove: function () {
      if (this.node) { this.node.parentNode.removeChild(this.node); }
      this.node = null;
    }
  };

  internal.Bar = Bar;
}(thywill.internal));
