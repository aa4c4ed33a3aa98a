// What all transports share. A transport is made for a server's address, and has
//   request(operation, fields, seconds, done)   calls done(answer) once, and not before it returns;
//                                               returns a function that drops the request in silence
//   leave(fields, unloading)                    tells the server and waits for nothing
//   size(text), room(fields)                    what a text costs in a request, and how much fits into one
// An answer is an object: the server's, or one that thywill.failure made.
(function (window, thywill) {
  // The codes for which another page, such as a proxy's, may stand in place of the server's answer.
  var CODES = {404: 'not_found', 410: 'gone', 413: 'too_large'};

  thywill.transports = []; // in the order of the files; the first that is usable is taken

  thywill.chooseTransport = function (address) {
    for (var i = 0; i < thywill.transports.length; i += 1) {
      if (thywill.transports[i].usable(address)) { return new thywill.transports[i](address); }
    }
    return null;
  };

  // Gives start(settle) so many seconds to call settle(answer). What start returns is called at the end, with
  // whether the request is still open, and has to let go of all that the request holds.
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
      if (!callback) { return; }
      // IE can answer within send(): a loop of such requests would recurse.
      if (starting) { return thywill.later(function () { settle(answer, open); }); }
      end(open);
      callback(answer && typeof answer === 'object' ? answer : thywill.failure('unreachable', 'The answer is no object.'));
    }

    timer = thywill.clock.set(function () {
      settle(thywill.failure('timeout', 'There was no answer within ' + seconds + ' seconds.'), true);
    }, seconds * 1000);
    try {
      release = start(function (answer) { settle(answer, false); });
    } catch (exception) {
      settle(thywill.failure('unreachable', exception.message), true);
    }
    starting = false;
    return function () { end(true); };
  };

  // The body of a request. The messages in it are JSON already.
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
      return thywill.failure(CODES[status] || 'unreachable', 'The answer is not JSON (status ' + status + ').');
    }
  };

  // The bytes of a text in UTF-8; each half of a pair of surrogates counts for two of their four.
  thywill.bytes = function (text) {
    return text.length + text.replace(/[^\u0080-\uffff]+/g, '').length +
      text.replace(/[^\u0800-\ud7ff\ue000-\uffff]+/g, '').length;
  };

  function withoutDefaultPort(origin) {
    return origin.toLowerCase().replace(/^(http:.*):80$|^(https:.*):443$/, '$1$2');
  }

  thywill.isOtherOrigin = function (address) {
    var location = window.location, origin = /^(https?:)?(\/\/[^\/?#]+)/i.exec(address);
    return !!origin && withoutDefaultPort((origin[1] || location.protocol) + origin[2]) !==
      withoutDefaultPort(location.protocol + '//' + location.host);
  };
}(window, window.thywill));
