// What the transports share. A transport is made for a server's address and has
//   request(operation, fields, seconds, done)  calls done(answer) later, once; returns a function that drops it
//   leave(fields, unloading)                   tells the server, waits for nothing
//   size(text), room(fields)                   what a text takes of a request, and what there is
(function (window, thywill) {
  var CODES = {404: 'not_found', 410: 'gone', 413: 'too_large'}; // of a proxy's pages

  thywill.transports = []; // the first that is usable is taken

  thywill.chooseTransport = function (address) {
    var all = thywill.transports, i = 0;
    while (!all[i].usable(address)) { i += 1; }
    return new all[i](address);
  };

  // An answer where there is none.
  thywill.failure = function (code, message) {
    return {error: {code: code, message: message}};
  };

  // Gives start(settle) so many seconds to call settle(answer). What start returns is called at the end, with
  // whether the request is still open.
  thywill.exchange = function (start, seconds, done) {
    var starting = true, timer, release;

    function end(open) {
      var releasing = release;
      done = release = null;
      thywill.clock.clear(timer);
      if (releasing) { releasing(open); }
    }

    function settle(answer, open) {
      var callback = done;
      // IE may answer within send(): requests would recurse.
      if (starting) { return thywill.later(function () { settle(answer, open); }); }
      if (!callback) { return; }
      end(open);
      callback(answer && typeof answer === 'object' ? answer : {});
    }

    function fail(code, message) {
      settle(thywill.failure(code, message), true);
    }

    timer = thywill.clock.set(function () {
      fail('timeout', 'There was no answer in ' + seconds + ' seconds.');
    }, seconds * 1000);
    try {
      release = start(function (answer) { settle(answer, false); });
    } catch (exception) {
      fail('unreachable', exception.message);
    }
    starting = false;
    return function () { end(true); };
  };

  // The messages are JSON already.
  thywill.encode = function (fields) {
    var parts = [], name;
    for (name in fields) {
      if (fields.hasOwnProperty(name)) {
        parts.push('"' + name + '":' + (name === 'messages' ? fields[name] : thywill.json.stringify(fields[name])));
      }
    }
    return '{' + parts.join(',') + '}';
  };

  thywill.decode = function (text, status) {
    try {
      return thywill.json.parse(text);
    } catch (exception) {
      return thywill.failure(CODES[status] || 'unreachable', 'The answer has status ' + status + ' and no JSON.');
    }
  };

  // In UTF-8, each half of a pair of surrogates counts for two bytes.
  thywill.bytes = function (text) {
    return text.length + text.replace(/[^\u0080-\uffff]+/g, '').length +
      text.replace(/[^\u0800-\ud7ff\ue000-\uffff]+/g, '').length;
  };

  thywill.isOtherOrigin = function (address) {
    var own = window.location.protocol + '//' + window.location.host + '/';
    return /^(https?:)?\/\//i.test(address) && address.toLowerCase().indexOf(own.toLowerCase()) !== 0;
  };
}(window, window.thywill));
