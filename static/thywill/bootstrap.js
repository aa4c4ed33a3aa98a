// The start of a page: thywill.ready, thywill.connect, and the scripts of the application.
(function (internal) {
  'use strict';

  var element = document.getElementById('thywill-bootstrap'),
      entries = [],
      // Two things have to end before the start: the connection, and the loading of the scripts.
      remaining = 2,
      client,
      failure,
      // The addresses of the application's scripts, and the syntax error in one of them.
      scripts = [],
      broken;

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
    var entry = {ready: ready, failed: failed || show}, transport = chooseTransport(options.server),
        fields = {application: options.application};

    function refused(error) {
      internal.run(entry.failed, {step: 'connect', message: error.message});
    }

    if (options.ticket) { fields.ticket = options.ticket; }
    internal.ask(transport, 'connect', fields, 'token', function (identity) {
      identity.application = options.application;
      identity.bar = options.bar;
      identity.fields = fields;
      open(identity, transport, refused, function (opened) { start([entry], opened); });
    }, refused).proceed();
  };

  // Returns the whole address. Called early, since a script of the page may change the page's address by pushState.
  function resolve(address) {
    var link = document.createElement('a');
    link.href = address;
    return link.href || address;
  }

  function chooseTransport(server) {
    return internal.chooseTransport(resolve(server).replace(/\/*$/, '/thywill/'));
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
    if (!entries.length) { return fail('application', broken || 'No script called thywill.ready.'); }
    start(entries, client);
  }

  function boot() {
    var identity, i;
    try {
      identity = internal.json.parse(element.text);
      internal.isForcible = identity.transport_in_address;
      if (identity.bar) { identity.bar = resolve(identity.bar); }
      for (i = 0; i < identity.resources.scripts.length; i += 1) { scripts.push(resolve(identity.resources.scripts[i])); }
      client = open(identity, chooseTransport(identity.base), function (error) {
        fail('connect', error.message);
      }, finish);
    } catch (exception) {
      return fail('bootstrap', 'The bootstrap of this page is broken.');
    }
    internal.loadScripts(scripts, function (missing) {
      if (missing) { return fail('resources', missing + ' was not loaded.'); }
      finish();
    });
  }

  // A script with a syntax error counts as loaded.
  function note(event) {
    if (remaining && internal.without(scripts, event.filename).length < scripts.length) {
      broken = broken || event.message + ' (' + event.filename + ', line ' + event.lineno + ')';
    }
  }

  if (element) {
    // Old engines report errors only to window.onerror, which belongs to the page.
    if (window.addEventListener) { internal.listen(window, 'error', note); }
    boot();
  } else {
    failure = {step: 'bootstrap', message: 'This page has no bootstrap.'};
  }
}(thywill.internal));
