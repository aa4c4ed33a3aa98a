// The tiles with their charts, and the tables of totals.
(function (status) {
  'use strict';

  var dom = status.dom,
      format = status.format,
      tiles = [],
      // By column of a point: clients, sent, received, delay, worst delay, lag, memory, queued.
      columns = [[], [], [], [], [], [], [], []],
      TILES = [
        {title: 'Clients', value: function (f) { return format.number(f.clients); }, note: peers, least: 10, first: 0, write: format.number},
        {title: 'Messages sent', unit: function () { return 'per second'; }, value: function (f) { return format.rate(f.sent); }, note: function (f) { return format.rate(f.received) + ' received, ' + format.rate(f.sends) + (f.sends === 1 ? ' send' : ' sends') + ' per second'; }, least: 10, first: 1, second: 2, names: ['sent', 'received'], write: format.number},
        {title: 'Delivery delay', value: function (f) { return format.milliseconds(f.delay); }, note: delay, least: 5, first: 3, second: 4, names: ['mean', 'worst'], write: format.milliseconds},
        {title: 'Loop lag', value: function (f) { return format.milliseconds(f.lag); }, note: function (f) { return format.milliseconds(f.worst_lag) + ' in the last minute'; }, least: 5, first: 5, write: format.milliseconds},
        {title: 'Memory', value: function (f) { return megabytes(f.memory); }, note: function (f) { return f.cpu + ' % CPU, ' + format.count(f.connections, 'connection'); }, least: 50, first: 6, write: megabytes},
        {title: 'Queued', unit: function (f) { return f.queued === 1 ? 'message' : 'messages'; }, value: function (f) { return format.number(f.queued); }, note: waiting, least: 10, first: 7, write: format.number}
      ];

  function megabytes(value) {
    return format.bytes(value * 1048576);
  }

  function delay(figures) {
    return figures.delay == null ? 'nothing was sent' : 'at worst ' + format.milliseconds(figures.worst_delay);
  }

  function waiting(figures) {
    return format.bytes(figures.queued_bytes) + ', ' + format.number(figures.fullest) + ' in the fullest queue' +
      (figures.database ? ', ' + format.count(figures.database, 'record') + ' for the database' : '');
  }

  function peers(figures) {
    return format.number(figures.connected) + ' connected, ' + format.count(figures.sessions, 'browser') + ', ' +
      format.count(figures.channels, 'channel');
  }

  function build(about) {
    var tile = dom.make('div', 'tile'), line = dom.make('p', 'value');
    tile.appendChild(dom.make('h2', '', about.title));
    about.shown = dom.make('span', 'figure', '\u2013');
    line.appendChild(about.shown);
    about.unitShown = dom.make('span', 'unit');
    line.appendChild(about.unitShown);
    about.told = dom.make('p', 'note', '\u00a0');
    about.chart = new status.Chart(about.least, about.write, about.names);
    tile.appendChild(line);
    tile.appendChild(about.told);
    tile.appendChild(about.chart.node);
    dom.find('st-tiles').appendChild(tile);
    tiles.push(about);
  }

  function add(point) {
    for (var i = 0; i < columns.length; i += 1) {
      columns[i].push(point[i]);
      if (columns[i].length > status.SECONDS) { columns[i].shift(); }
    }
  }

  function draw() {
    for (var i = 0; i < tiles.length; i += 1) {
      tiles[i].chart.draw(columns[tiles[i].first], tiles[i].second == null ? null : columns[tiles[i].second]);
    }
  }

  function showApplications(list) {
    var rows = [], i, each;
    for (i = 0; i < list.length; i += 1) {
      each = list[i];
      rows.push(dom.row([each.name, format.number(each.clients), format.rate(each.rates[0]), format.rate(each.rates[1]), format.rate(each.rates[2]), format.number(each.queued)], 1));
    }
    dom.fill(dom.find('st-applications'), rows, 'No client is here.');
  }

  function showServers(list) {
    var rows = [], i, each;
    for (i = 0; i < list.length; i += 1) {
      each = list[i];
      rows.push(dom.row([each.own ? each.name + ' (this one)' : each.name, each.address, each.version, each.leads.join(', ') || '\u2013', format.number(each.clients), format.milliseconds(Math.round(each.delay * 10000) / 10), format.milliseconds(Math.round(each.lag * 10000) / 10), format.seconds(each.age)], 4));
    }
    dom.fill(dom.find('st-servers'), rows, 'No server is listed.');
  }

  function showChannels(list) {
    var rows = [], i, each;
    for (i = 0; i < list.length; i += 1) {
      each = list[i];
      rows.push(dom.row([dom.cut(each.channel), each.application, format.number(each.clients), format.rate(each.rates[0]), format.rate(each.rates[1])], 2));
    }
    dom.fill(dom.find('st-channels'), rows, 'Nothing was sent to a channel in the last ten seconds.');
  }

  function showPairs(id, list, nothing) {
    var rows = [], i;
    for (i = 0; i < list.length; i += 1) { rows.push(dom.row([list[i][0], format.number(list[i][1])], 1, true)); }
    dom.fill(dom.find(id), rows, nothing);
  }

  status.figures = {
    build: function () {
      for (var i = 0; i < TILES.length; i += 1) { build(TILES[i]); }
    },

    begin: function (points) {
      var i;
      columns = [[], [], [], [], [], [], [], []];
      for (i = 0; i < points.length; i += 1) { add(points[i]); }
      draw();
    },

    show: function (point, figures) {
      var i;
      add(point);
      draw();
      for (i = 0; i < tiles.length; i += 1) {
        dom.write(tiles[i].shown, tiles[i].value(figures));
        if (tiles[i].unit) { dom.write(tiles[i].unitShown, ' ' + tiles[i].unit(figures)); }
        dom.write(tiles[i].told, tiles[i].note(figures));
      }
      showApplications(figures.applications);
      showChannels(figures.channel_rates);
      showServers(figures.servers);
      status.publish.offer(figures.applications);
      showPairs('st-transports', figures.transports, 'No client is here.');
      showPairs('st-trouble', figures.trouble, 'None.');
      dom.write(dom.find('st-about'), 'thywill ' + figures.version + ', ' + figures.form + ', up ' + format.seconds(figures.uptime) +
        (figures.draining ? ', about to stop' : ''));
    }
  };
}(window.thywillStatus = window.thywillStatus || {}));
