// The start of a page: thywill.ready, thywill.connect, and the scripts of the application.
(function (internal) {
  'use strict';

  var element = document.getElementById('thywill-bootstrap'),
      PASSING = /^(unreachable|timeout|internal)$/,
      entries = [],
      // The connection and the scripts, which are loaded meanwhile.
      remaining = 2,
      client,
      failure;

  thywill.ready = function (ready, failed) {
    var entry = {ready: ready, failed: failed || show};
    entries.push(entry);
    if (failure) {
      internal.run(entry.failed, failure);
    } else if (!remaining) {
      internal.later(function () { start([entry], client); });
    }
  };

  // For pages of other origins.
  thywill.connect = function (options, ready, failed) {
    var entry = {ready: ready, failed: failed || show},
        transport = chooseTransport(options.server),
        lane = new internal.Lane(transport, attempt, refused);

    function refused(error) {
      internal.run(entry.failed, {step: 'connect', message: error.message});
    }

    function attempt() {
      lane.request('connect', {application: options.application}, 30, function (answer, error) {
        if (answer.token) {
          answer.application = options.application;
          open(answer, transport, refused, function (opened) { start([entry], opened); });
        } else if (!error.code || error.retry > 0 || PASSING.test(error.code)) {
          lane.retry(error.retry);
        } else {
          refused(error);
        }
      });
    }

    attempt();
  };

  function chooseTransport(server) {
    var link = document.createElement('a');
    // It is resolved now, since pushState may change the page's address.
    link.href = server;
    return internal.chooseTransport((link.href || server).replace(/\/*$/, '/thywill/'));
  }

  function open(identity, transport, refused, connected) {
    var opened = new internal.Client(identity, transport, function (error) {
      if (error) { refused(error); } else { connected(opened); }
    });
    opened.dispatcher.start();
    return opened;
  }

  function start(list, opened) {
    for (var i = 0; i < list.length; i += 1) {
      try {
        list[i].ready(opened);
      } catch (exception) {
        internal.report(exception);
        internal.run(list[i].failed, {step: 'application', message: exception.message});
      }
    }
    opened.start();
  }

  function fail(step, message) {
    if (failure) { return; }
    failure = {step: step, message: message};
    if (client) { client.leave(); }
    if (!entries.length) { show(failure); }
    for (var i = 0; i < entries.length; i += 1) { internal.run(entries[i].failed, failure); }
  }

  function show(failed) {
    var note = document.createElement('p');
    note.setAttribute('role', 'alert');
    note.appendChild(document.createTextNode(failed.message));
    document.body.appendChild(note);
  }

  function finish() {
    remaining -= 1;
    if (remaining || failure) { return; }
    if (!entries.length) { return fail('application', 'No script called thywill.ready.'); }
    start(entries, client);
  }

  function boot() {
    var identity;
    try {
      identity = internal.json.parse(element.text);
      client = open(identity, chooseTransport(identity.base), function (error) {
        fail('connect', error.message);
      }, finish);
    } catch (exception) {
      return fail('bootstrap', 'The bootstrap of this page is broken.');
    }
    internal.loadScripts(identity.resources.scripts, function (missing) {
      if (missing) { return fail('resources', missing + ' was not loaded.'); }
      finish();
    });
  }

  if (element) {
    boot();
  } else {
    failure = {step: 'bootstrap', message: 'This page has no bootstrap.'};
  }
}(thywill.internal));
