// From the page's load to the application's start. The server has put a new client's identity into the page; the
// client connects while the application's scripts are loaded, and when both are done the application starts.
(function (window, thywill) {
  var document = window.document,
      TRANSIENT = /^(unreachable|timeout|too_many|draining|internal)$/,
      CONNECT_TIMEOUT = 30,
      entries = [], // what thywill.ready was given
      remaining = 2, // the connection and the scripts
      client,
      failure,
      started = false;

  thywill.ready = function (ready, failed) {
    var entry = {ready: ready, failed: failed};
    entries.push(entry);
    if (started) {
      thywill.later(function () { enter(entry, client); });
    } else if (failure) {
      thywill.run(failed, failure);
    }
  };

  // For a page of another origin, which has no bootstrap in it.
  thywill.connect = function (options, ready, failed) {
    var transport = chooseTransport(options.server),
        entry = {ready: ready, failed: failed},
        lane = new thywill.Lane(transport, attempt, refused);

    function refused(error) {
      thywill.run(failed, {step: 'connect', message: error.message});
    }

    function attempt() {
      lane.request('connect', {application: options.application}, CONNECT_TIMEOUT, answered);
    }

    function answered(answer) {
      var error = answer.error || {};
      if (typeof answer.token === 'string') {
        answer.application = options.application;
        open(answer, transport, start, refused);
      } else if (error.code && !TRANSIENT.test(error.code)) {
        refused(error);
      } else {
        lane.retry(error.retry);
      }
    }

    function start(opened) {
      enter(entry, opened);
      opened.begin();
    }

    attempt();
  };

  // An application may change the page's address by pushState: what is relative to it is resolved before.
  function chooseTransport(server) {
    var link = document.createElement('a');
    link.href = server;
    return thywill.chooseTransport(link.href.replace(/\/*$/, '/thywill/'));
  }

  function open(identity, transport, connected, refused) {
    var opened = new thywill.Client(identity, transport, function (error) {
      if (error) {
        refused(error);
      } else {
        connected(opened);
      }
    });
    opened.open();
    return opened;
  }

  function enter(entry, opened) {
    try {
      entry.ready(opened);
    } catch (exception) {
      thywill.report(exception);
      thywill.run(entry.failed, {step: 'application', message: exception.message});
    }
  }

  function fail(step, message) {
    var told = false, i;
    if (failure) { return; }
    failure = {step: step, message: message};
    if (client) { client.leave(); }
    for (i = 0; i < entries.length; i += 1) {
      thywill.run(entries[i].failed, failure);
      told = told || !!entries[i].failed;
    }
    if (!told) { show(message); }
  }

  // Nobody else can say why the page stays empty.
  function show(message) {
    var note = document.createElement('p');
    note.className = 'thywill-failure';
    note.setAttribute('role', 'alert');
    note.appendChild(document.createTextNode(message));
    document.body.appendChild(note);
  }

  function finish() {
    var i;
    remaining -= 1;
    if (remaining || failure) { return; }
    if (!entries.length) { return fail('application', 'No script of this page has called thywill.ready.'); }
    started = true;
    for (i = 0; i < entries.length; i += 1) { enter(entries[i], client); }
    client.begin();
  }

  function read(element) {
    try {
      return thywill.json.parse(element.text);
    } catch (exception) {
      return {};
    }
  }

  function boot(identity) {
    if (!identity.token) { return fail('bootstrap', 'What the server has put into this page can\'t be read.'); }
    client = open(identity, chooseTransport(identity.base), finish, function (error) {
      fail('connect', error.message);
    });
    thywill.loadScripts(identity.resources.scripts, function (missing) {
      if (missing) { return fail('resources', 'The script ' + missing + ' could not be loaded.'); }
      finish();
    });
  }

  if (document.getElementById('thywill-bootstrap')) {
    boot(read(document.getElementById('thywill-bootstrap')));
  } else {
    failure = {step: 'bootstrap', message: 'There is no element "thywill-bootstrap" in this page.'};
  }
}(window, window.thywill));
