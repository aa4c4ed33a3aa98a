// Shows the browser's report of the requests of this page: when, for how long, and how much it received.
(function (echo) {
  'use strict';

  var ROWS = 60,
      // The purpose of a request, by the last part of its path.
      NAMES = {
        send: ['a message goes up', 'up'],
        xhr_send: ['an acknowledgement goes up', 'up'],
        jsonp_send: ['an acknowledgement goes up', 'up'],
        poll: ['a poll: messages come down', 'down'],
        xhr_streaming: ['a stream: messages come down', 'down'],
        eventsource: ['a stream of events comes down', 'down'],
        htmlfile: ['a stream of scripts comes down', 'down'],
        connect: ['this page becomes a client', 'up'],
        leave: ['a client leaves', 'up']
      };

  echo.find = function (id) {
    return document.getElementById(id);
  };

  echo.node = function (tag, className, text) {
    var made = document.createElement(tag);
    made.className = className;
    made.appendChild(document.createTextNode(text));
    return made;
  };

  echo.write = function (id, text) {
    echo.find(id).firstChild.nodeValue = text;
  };

  echo.size = function (bytes) {
    return bytes < 1000 ? bytes + ' B' : (bytes / 1000).toFixed(bytes < 1e5 ? 1 : 0) + ' KB';
  };

  function Requests() {
    this.count = 0;
    this.bytes = 0;
  }

  Requests.prototype = {
    // Old browsers report no requests.
    watch: function () {
      var self = this;
      if (!window.PerformanceObserver || !window.PerformanceResourceTiming) {
        echo.write('echo-requests-note', 'This browser does not tell its pages about requests.');
        echo.find('echo-table').parentNode.style.display = 'none';
        return;
      }
      new window.PerformanceObserver(function (list) { self.take(list.getEntries()); }).observe({entryTypes: ['resource']});
      this.take(window.performance.getEntriesByType('resource'));
    },

    take: function (entries) {
      for (var i = 0; i < entries.length; i += 1) {
        if (/\/thywill\/[^?]*$/.test(entries[i].name.split('?')[0]) && !/\.(js|css)$/.test(entries[i].name)) { this.add(entries[i]); }
      }
    },

    add: function (entry) {
      var table = echo.find('echo-table');
      this.count += 1;
      this.bytes += entry.transferSize || entry.encodedBodySize || 0;
      echo.write('echo-requests', String(this.count));
      echo.write('echo-requests-word', this.count === 1 ? 'request' : 'requests');
      echo.write('echo-bytes', echo.size(this.bytes));
      table.insertBefore(this.row(entry), table.firstChild);
      if (table.childNodes.length > ROWS) { table.removeChild(table.lastChild); }
    },

    row: function (entry) {
      var row = document.createElement('tr'), name = entry.name.split('?')[0].split('/').pop(), what = NAMES[name] || [name, ''],
          cell = echo.node('td', what[1], what[1] === 'up' ? '\u2191 ' : '\u2193 ');
      cell.appendChild(echo.node('span', 'name', name));
      cell.appendChild(echo.node('span', 'soft', NAMES[name] ? ', ' + what[0] : ''));
      row.appendChild(cell);
      row.appendChild(echo.node('td', 'number', (entry.startTime / 1000).toFixed(2) + ' s'));
      row.appendChild(echo.node('td', 'number', echo.span(entry.duration)));
      row.appendChild(echo.node('td', 'number', echo.size(entry.transferSize || entry.encodedBodySize || 0)));
      return row;
    }
  };

  echo.Requests = Requests;
}(window.echo = window.echo || {}));
