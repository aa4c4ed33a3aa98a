// Everything that is known about one client, and the button that disconnects it.
(function (status) {
  'use strict';

  var EVERY = 1500,
      dom = status.dom,
      format = status.format,
      shown = null,
      connection = null;

  function ago(seconds) {
    return format.seconds(seconds) + ' ago';
  }

  function pair(list, name, value) {
    var wrapper = dom.make('div', 'pair-line');
    wrapper.appendChild(dom.make('dt', '', name));
    wrapper.appendChild(dom.make('dd', '', value == null || value === '' ? '\u2013' : value));
    list.appendChild(wrapper);
  }

  function channels(known) {
    var text = known.channels.join(', ');
    return known.more_channels ? text + ' and ' + known.more_channels + ' more' : text;
  }

  function addParticulars(list, known) {
    pair(list, 'Id', known.id);
    pair(list, 'User', known.user);
    pair(list, 'Application', known.application);
    pair(list, 'Session', known.session);
    pair(list, 'Address', known.address);
    pair(list, 'Transport', known.transport);
    pair(list, 'Browser', known.user_agent);
    pair(list, 'Came', ago(known.age));
    pair(list, 'With the server', known.server || 'none at present, until its page polls again');
    if (known.server) {
      pair(list, 'Last heard of', ago(known.seen));
      pair(list, 'In its queue', format.count(known.queued, 'message') + ', ' + format.bytes(known.bytes));
      pair(list, 'Not acknowledged', format.number(known.given));
    }
    pair(list, 'Oldest', known.oldest == null ? null : format.seconds(known.oldest));
    pair(list, 'Cursor', format.number(known.cursor));
    pair(list, 'Received of it', format.number(known.received) + ', ' + format.number(known.pending) + ' not handled yet');
    pair(list, 'Channels', channels(known));
  }

  function moves(known) {
    var table = dom.make('table', 'moves'), body = dom.make('tbody'), rows = [], list = known.moves, i;
    if (known.state !== 'gone') {
      rows.push(dom.row(['now', known.address, known.transport || '\u2013'], 9, true));
    }
    for (i = list.length - 1; i >= 0; i -= 1) {
      rows.push(dom.row(['until ' + ago(list[i].ago), list[i].address, list[i].transport], 9, true));
    }
    dom.fill(body, rows, 'Nothing is remembered.');
    table.appendChild(body);
    return table;
  }

  function show(known) {
    var place = dom.find('st-one'), title = dom.make('p', 'title'), list = dom.make('dl');
    dom.empty(place);
    title.appendChild(dom.make('strong', '', known.state === 'gone' ? known.id : format.name(known)));
    title.appendChild(dom.make('span', 'is-' + known.state, ' ' + known.state));
    place.appendChild(title);
    if (known.state !== 'gone') { addParticulars(list, known); }
    place.appendChild(list);
    place.appendChild(dom.make('h3', '', 'Addresses and transports'));
    place.appendChild(moves(known));
    dom.find('st-end').className = known.state === 'gone' ? 'hidden' : '';
  }

  function ask(then) {
    var id = shown;
    if (id == null) { return; }
    connection.call('describe', [id], function (error, known) {
      if (id !== shown || error) { return; }
      show(known || {id: id, state: 'gone', moves: []});
      if (then) { then(); }
    });
  }

  function tell(text) {
    dom.write(dom.find('st-told'), text);
  }

  function end() {
    var id = shown, reason = dom.find('st-reason').value;
    if (!window.confirm('Disconnect this client?\n\n' + id + '\n\nIts page shows: ' + reason)) { return false; }
    connection.call('disconnect', [id, reason], function (error, found) {
      if (id !== shown) { return; }
      tell(error ? 'Not disconnected: ' + error.message : found ? 'Disconnected.' : 'It had gone already.');
      ask();
    });
    return false;
  }

  status.one = {
    start: function (client) {
      connection = client;
      dom.find('st-one-close').onclick = function () {
        shown = null;
        dom.find('st-one-card').className = 'card hidden';
      };
      dom.find('st-end').onsubmit = end;
      window.setInterval(function () {
        if (!document.hidden) { ask(); }
      }, EVERY);
    },

    open: function (id) {
      var card = dom.find('st-one-card');
      shown = id;
      tell('');
      dom.empty(dom.find('st-one'));
      card.className = 'card';
      ask(function () {
        if (card.scrollIntoView) { card.scrollIntoView(); }
      });
    }
  };
}(window.thywillStatus = window.thywillStatus || {}));
