// Publishes a message as any other program does: by /thywill/publish, with a key of [publishing.keys].
(function (status) {
  'use strict';

  var dom = status.dom,
      ADDRESS = '../publish',
      // The front page is an application, too, but nobody publishes to it.
      FRONT = 'thywill',
      offered = '';

  function told(text, className) {
    var node = dom.find('st-published');
    node.className = 'told ' + (className || '');
    dom.write(node, text);
  }

  function message() {
    return {
      application: dom.find('st-application').value,
      channel: dom.find('st-channel').value,
      data: window.JSON.parse(dom.find('st-data').value)
    };
  }

  function outcome(request) {
    var answer;
    try { answer = window.JSON.parse(request.responseText); } catch (error) { answer = {}; }
    if (request.status === 200) {
      told('Published, with the id ' + answer.ids[0] + '.', 'connected');
    } else {
      told('Not published: ' + (answer.error ? answer.error.message : 'the server does not answer (' + request.status + ')') + '.', 'problem');
    }
  }

  function send(body) {
    var request = new window.XMLHttpRequest();
    request.open('POST', ADDRESS, true);
    request.setRequestHeader('Authorization', 'Bearer ' + dom.find('st-key').value);
    request.onreadystatechange = function () {
      if (request.readyState === 4) { outcome(request); }
    };
    told('\u2026');
    request.send(body);
  }

  function publish() {
    var body;
    try {
      body = window.JSON.stringify(message());
    } catch (error) {
      told('The data is not JSON: write a text as "text".', 'problem');
      return false;
    }
    send(body);
    return false;
  }

  status.publish = {
    start: function () {
      if (!window.JSON || !window.XMLHttpRequest) {
        dom.find('st-publish-card').className = 'hidden';
        return;
      }
      dom.find('st-publish').onsubmit = publish;
    },

    // The list is built again only when the applications have changed, so that the choice stays.
    offer: function (applications) {
      var choice = dom.find('st-application'), names = [], chosen = choice.value, i;
      for (i = 0; i < applications.length; i += 1) {
        if (applications[i].name !== FRONT) { names.push(applications[i].name); }
      }
      if (names.join() === offered) { return; }
      offered = names.join();
      dom.empty(choice);
      for (i = 0; i < names.length; i += 1) { choice.appendChild(dom.make('option', '', names[i])); }
      if (chosen) { choice.value = chosen; }
    }
  };
}(window.thywillStatus = window.thywillStatus || {}));
