// From the page's load to the application's start. The server has put the identity of a new client into the page.
(function (window, thywill) {
  var document = window.document,
      element = document.getElementById('thywill-bootstrap'),
      PASSING = /^(unreachable|timeout|too_many|draining|internal)$/,
      entries = [], // what thywill.ready was given
      remaining = 2, // steps at once: the client connects, the scripts are loaded
      client,
      failure;

  thywill.ready = function (ready, failed) {
    var entry = {ready: ready, failed: failed};
    entries.push(entry);
    if (failure) {
      thywill.run(failed, failure);
    } else if (!remaining) {
      thywill.later(function () { enter(entry, client); });
    }
  };

  // For pages of other origins.
  thywill.connect = function (options, ready, failed) {
    var transport = chooseTransport(options.server), lane = new thywill.Lane(transport, attempt, refused);

    function refused(error) {
      thywill.run(failed, {step: 'connect', message: error.message});
    }

    function attempt() {
      lane.request('connect', {application: options.application}, 30, function (answer, error) {
        if (answer.token) {
          answer.application = options.application;
          open(answer, transport, start, refused);
        } else if (!error.code || PASSING.test(error.code)) {
          lane.retry(error.retry);
        } else {
          refused(error);
        }
      });
    }

    function start(connected) {
      enter({ready: ready, failed: failed}, connected);
      connected.begin();
    }

    attempt();
  };

  function chooseTransport(server) {
    var link = document.createElement('a');
    link.href = server; // resolved now: pushState may change what it is relative to
    return thywill.chooseTransport(link.href.replace(/\/*$/, '/thywill/'));
  }

  function open(identity, transport, connected, refused) {
    var opened = new thywill.Client(identity, transport, function (error) {
      if (error) { refused(error); } else { connected(opened); }
    });
    opened.dispatcher.start();
    return opened;
  }

  function enter(entry, connected) {
    try {
      entry.ready(connected);
    } catch (exception) {
      thywill.report(exception);
      thywill.run(entry.failed, {step: 'application', message: exception.message});
    }
  }

  function finish() {
    remaining -= 1;
    if (remaining || failure) { return; }
    if (!entries.length) { return fail('application', 'No script called thywill.ready.'); }
    for (var i = 0; i < entries.length; i += 1) { enter(entries[i], client); }
    client.begin();
  }

  function fail(step, message) {
    var told = false, i;
    if (failure) { return; }
    failure = {step: step, message: message};
    if (client) { client.leave(); }
    for (i = 0; i < entries.length; i += 1) {
      thywill.run(entries[i].failed, failure);
      told = told || entries[i].failed;
    }
    if (!told) { show(message); }
  }

  // If nobody else tells why the page stays empty.
  function show(message) {
    var note = document.createElement('p');
    note.className = 'thywill-failure';
    note.setAttribute('role', 'alert');
    note.appendChild(document.createTextNode(message));
    document.body.appendChild(note);
  }

  function boot() {
    var identity = {};
    try {
      identity = thywill.json.parse(element.text);
    } catch (exception) {
      return fail('bootstrap', 'The bootstrap in this page can\'t be read.');
    }
    client = open(identity, chooseTransport(identity.base), finish, function (error) {
      fail('connect', error.message);
    });
    thywill.loadScripts(identity.resources.scripts, function (missing) {
      if (missing) { return fail('resources', 'The script ' + missing + ' was not loaded.'); }
      finish();
    });
  }

  if (element) {
    boot();
  } else {
    failure = {step: 'bootstrap', message: 'This page has no bootstrap in it.'};
  }
}(window, window.thywill));
