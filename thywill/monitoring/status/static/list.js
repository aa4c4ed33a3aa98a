// The list of clients, with its search.
(function (status) {
  'use strict';

  var EVERY = 3000,
      // A row that is replaced between the press and the release of a button gets no click.
      PRESS = 1000,
      dom = status.dom,
      format = status.format,
      // The searched text, which changes only when the form is sent.
      wanted = '',
      asking = false,
      pressed = 0,
      links = {};

  // The link of a client stays the same one as long as the client is shown, so that it can keep the focus.
  function link(client) {
    var node = links[client.id];
    // A client that just moves may be listed by two servers, and a node can be in one row only.
    delete links[client.id];
    if (node) {
      dom.write(node, format.name(client));
      return node;
    }
    node = dom.make('a', 'cut', format.name(client));
    node.href = '#' + encodeURIComponent(client.id);
    node.title = client.id;
    node.onclick = function () {
      status.one.open(client.id);
      return false;
    };
    return node;
  }

  function show(answer) {
    var rows = [], list = answer.clients, focused = document.activeElement, kept = {}, i, each;
    for (i = 0; i < list.length; i += 1) {
      each = list[i];
      kept[each.id] = link(each);
      rows.push(dom.row([
        kept[each.id], each.application, each.address, dom.make('span', 'is-' + each.state, each.state),
        each.transport || '\u2013', format.seconds(each.age), format.number(each.queued)
      ], 5));
    }
    links = kept;
    dom.fill(dom.find('st-clients'), rows, 'None.');
    // A link that is moved loses the focus, and whoever goes through the list by keys would have to begin anew.
    if (focused && kept[focused.title] === focused) { focused.focus({preventScroll: true}); }
    dom.write(dom.find('st-found'), describe(answer, list.length));
  }

  function describe(answer, shown) {
    var found = wanted ? format.number(answer.found) + ' of ' + format.number(answer.all) + (answer.found === 1 ? ' fits' : ' fit') : format.count(answer.all, 'client');
    if (shown < answer.found) { found += '; the newest ' + shown + ' are shown'; }
    return answer.silent.length ? found + '. No answer of ' + answer.silent.join(', ') + '.' : found + '.';
  }

  function ask(client) {
    if (asking || client.state === 'gone') { return; }
    asking = true;
    client.call('search', [wanted], function (error, answer) {
      asking = false;
      if (!error && new Date().getTime() - pressed > PRESS) { show(answer); }
    });
  }

  status.list = {
    start: function (client) {
      dom.find('st-clients').onmousedown = function () { pressed = new Date().getTime(); };
      dom.find('st-search').onsubmit = function () {
        wanted = dom.find('st-text').value;
        ask(client);
        return false;
      };
      ask(client);
      window.setInterval(function () {
        if (!document.hidden) { ask(client); }
      }, EVERY);
    }
  };
}(window.thywillStatus = window.thywillStatus || {}));
