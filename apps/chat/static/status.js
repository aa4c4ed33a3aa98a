// Shows the state of the connection.
(function (chat) {
  'use strict';

  var dom = chat.dom,
      TEXTS = {
        connecting: 'Connecting\u2026',
        connected: 'Connected',
        waiting: 'Offline, trying again',
        gone: 'Disconnected'
      },
      LOST_SHOWN = 10000;

  function Status() {
    var self = this;
    this.node = dom.find('chat-status');
    this.text = dom.find('chat-status-text');
    this.seconds = dom.find('chat-status-seconds');
    this.timer = null;
    this.losing = false;
    // Called before the page is loaded anew.
    this.beforeReload = null;
    dom.on(dom.find('chat-again'), 'click', function () { self.reload(); });
  }

  Status.prototype = {
    show: function (state, detail) {
      if (state === 'connected' && this.losing) { return; }
      this.write(state, TEXTS[state]);
      if (state === 'waiting') {
        this.countDown(Math.ceil(detail && detail.retry || 0));
      } else if (state === 'lost') {
        this.lost(detail.count);
      } else if (state === 'gone') {
        this.end('You are no longer connected.', detail.reconnect ? 'The server was restarted, or this page was away for too long.' : detail.message);
      }
    },

    write: function (state, text) {
      if (this.timer) { window.clearInterval(this.timer); }
      this.losing = false;
      this.node.className = 'status status-' + state;
      dom.write(this.seconds, '');
      dom.write(this.text, text || '');
    },

    // The state `connected` follows at once. This text stays for ten seconds, so that people can read it.
    lost: function (count) {
      var self = this;
      this.write('lost', count === 1 ? '1 message lost' : count + ' messages lost');
      this.losing = true;
      this.timer = window.setInterval(function () { self.write('connected', TEXTS.connected); }, LOST_SHOWN);
    },

    // The seconds are hidden from screen readers, which would read them out every second.
    countDown: function (seconds) {
      var self = this;
      function tick() {
        dom.write(self.seconds, seconds > 0 ? 'in ' + seconds + ' s' : 'now');
        seconds = Math.max(0, seconds - 1);
      }
      tick();
      this.timer = window.setInterval(tick, 1000);
    },

    reload: function () {
      if (this.beforeReload) { this.beforeReload(); }
      window.location.reload();
    },

    end: function (what, reason) {
      this.write('gone', TEXTS.gone);
      dom.show(dom.find('chat-gone'), true);
      dom.write(dom.find('chat-gone-text'), what + (reason ? ' ' + dom.sentence(reason) : ''));
    }
  };

  chat.Status = Status;
}(window.chat = window.chat || {}));
