// What the transports share. Each is made for the address of a server, and has
//   request(operation, fields, seconds, done): done(answer) is called once, later; returns a function that drops it
//   leave(fields, unloading): tells the server and waits for nothing
//   size(text), room(fields): what a text costs in a request, and what fits into one
(function (window, thywill) {
  // What it means if a proxy's page stands in place of the answer.
  var CODES = {404: 'not_found', 410: 'gone', 413: 'too_large'};

  thywill.transports = []; // in order: the first that is usable is taken

  thywill.chooseTransport = function (address) {
    var all = thywill.transports, i = 0;
    while (!all[i].usable(address)) { i += 1; }
    return new all[i](address);
  };

  // An answer of our own where there is none of the server's.
  thywill.failure = function (code, message) {
    return {error: {code: code, message: message}};
  };

  // Gives start(settle) so many seconds to call settle(answer). What start returns is called at the end, with
  // whether the request is still open, and lets go of it.
  thywill.exchange = function (start, seconds, done) {
    var timer, release, starting = true;

    function end(open) {
      var releasing = release;
      done = release = null;
      thywill.clock.clear(timer);
      if (releasing) { releasing(open); }
    }

    function settle(answer, open) {
      var callback = done;
      // IE can answer within send(): a loop of requests would recurse.
      if (starting) { return thywill.later(function () { settle(answer, open); }); }
      if (!callback) { return; }
      end(open);
      callback(answer && typeof answer === 'object' ? answer : thywill.failure('unreachable', 'No object came.'));
    }

    function fail(code, message) {
      settle(thywill.failure(code, message), true);
    }

    timer = thywill.clock.set(function () {
      fail('timeout', 'No answer came within ' + seconds + ' seconds.');
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
      return thywill.failure(CODES[status] || 'unreachable', 'No JSON came, but status ' + status + '.');
    }
  };

  // Bytes in UTF-8; each half of a pair of surrogates stands for two.
  thywill.bytes = function (text) {
    return text.length + text.replace(/[^\u0080-\uffff]+/g, '').length +
      text.replace(/[^\u0800-\ud7ff\ue000-\uffff]+/g, '').length;
  };

  thywill.isOtherOrigin = function (address) {
    var own = window.location.protocol + '//' + window.location.host + '/';
    return /^(https?:)?\/\//i.test(address) && address.toLowerCase().indexOf(own.toLowerCase()) !== 0;
  };
}(window, window.thywill));
