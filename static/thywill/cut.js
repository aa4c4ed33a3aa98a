// The button "Cut the connection": for ten seconds every request of this page fails, as if its network were gone.
// The server goes on counting for the page meanwhile. At the end the page shows what arrived: nothing is lost, and
// nothing comes twice. thywill.cuttable(client, place) puts the button into the element place.
(function (internal) {
  'use strict';

  var SECONDS = 10,
      isCut = false,
      // What fails each request that is open.
      open = [],
      exchange = internal.exchange;

  function fail(settle) {
    internal.later(function () { settle(internal.failure('unreachable', 'The connection is cut.')); });
  }

  // Each request of each transport begins here.
  internal.exchange = function (start, seconds, done) {
    return exchange(function (settle) {
      var release;
      if (isCut) {
        fail(settle);
        return null;
      }
      open.push(settle);
      release = start(settle);
      return function (isOpen) {
        open = internal.without(open, settle);
        if (release) { release(isOpen); }
      };
    }, seconds, done);
  };

  // And each stream here.
  internal.each(internal.carriers, function (name, carrier) {
    var openStream = carrier.open;
    carrier.open = function (transport, address, receive, end) {
      var close;
      function cut() {
        if (close) { close(); }
        close = null;
        end('cut');
      }
      if (isCut) {
        internal.later(cut);
        return function () {};
      }
      close = openStream(transport, address, receive, end);
      open.push(cut);
      return function () {
        open = internal.without(open, cut);
        if (close) { close(); }
        close = null;
      };
    };
  });

  function cutFor(seconds, done) {
    var closing = open;
    isCut = true;
    open = [];
    internal.each(closing, function (index, end) { fail(end); });
    thywill.clock.set(function () {
      isCut = false;
      done();
    }, seconds * 1000);
  }

  // Counts the server's numbers, and how often each came.
  function Count(total) {
    this.total = total;
    this.seen = {};
    this.different = this.twice = 0;
  }

  Count.prototype = {
    add: function (number) {
      if (this.seen[number]) {
        this.twice += 1;
      } else {
        this.seen[number] = true;
        this.different += 1;
      }
    },

    text: function () {
      return this.different + ' of ' + this.total + ' numbers arrived, ' + this.twice + ' of them twice';
    }
  };

  function element(tag, className, text, place) {
    var made = document.createElement(tag);
    made.className = className;
    made.appendChild(document.createTextNode(text));
    place.appendChild(made);
    return made;
  }

  thywill.cuttable = function (client, place) {
    var button = element('button', 'thywill-cut', 'Cut the connection', place),
        told = element('span', 'thywill-cut-told soft', '', place), count = null;
    told.setAttribute('role', 'status');

    function tell(text) {
      told.firstChild.nodeValue = ' ' + text;
    }

    function show() {
      if (count.different === count.total) {
        tell(count.text() + ': lost 0.');
        button.disabled = false;
      } else if (!isCut) {
        tell(count.text() + '\u2026');
      }
    }

    client.on('message', function (data) {
      if (count && data && data.type === 'count') {
        count.add(data.n);
        show();
      }
    });

    button.onclick = function () {
      button.disabled = true;
      client.call('count', [], function (error, total) {
        if (error) {
          button.disabled = false;
          tell(error.message);
          return;
        }
        count = count && count.different < count.total ? count : new Count(total);
        tell('Cut for ' + SECONDS + ' s. The server goes on counting\u2026');
        cutFor(SECONDS, show);
      });
    };
  };
}(thywill.internal));
