// Puts the page together.
(function (status) {
  'use strict';

  var dom = status.dom;

  function describe(state, detail) {
    if (state === 'waiting') {
      return 'The server does not answer. Trying again in ' + Math.ceil(detail.retry) + ' s.';
    }
    if (state === 'gone') { return 'The server was restarted, or your time is over. Reload the page.'; }
    return state === 'connecting' ? 'Connecting\u2026' : 'Live';
  }

  function showState(state, detail) {
    var node = dom.find('st-state');
    node.className = 'state ' + state;
    dom.write(node, describe(state, detail));
  }

  status.figures.build();
  dom.find('st-one-card').className = 'card hidden';

  thywill.ready(function (client) {
    client.on('message', function (data) {
      if (data.points) { status.figures.begin(data.points); } else { status.figures.show(data.point, data.figures); }
    });
    client.on('state', showState);
    showState(client.state);
    dom.find('st-leave').className = client.parameters.key ? 'leave' : 'hidden';
    status.one.start(client);
    status.list.start(client);
    status.publish.start();
  }, function () { showState('gone'); });
}(window.thywillStatus = window.thywillStatus || {}));
