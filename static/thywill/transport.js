// Code that all transports share: the choice between them, one request with its time-out, encoding and decoding. A
// transport has request(operation, fields, seconds, done), which returns a function that drops the request;
// leave(fields, unloading); and a limit for the size(text) of a request.
(function (internal) {
  'use strict';

  // The code of an answer that is a proxy's page, by its status.
  var CODES = {410: 'gone', 413: 'too_large'},
      // Matches statuses of errors that can't get better.
      FINAL = /^4(?!08|09|25|29)/;

  internal.transportKinds = [];

  internal.chooseTransport = function (address) {
    var all = internal.transportKinds, wanted = String(internal.forced() || thywill.transports), i = 0;
    if (/\biframe\b/.test(wanted)) { all = [internal.Iframe].concat(all); }
    while (!all[i].usable(address)) { i += 1; }
    if (/^jsonp\b/.test(wanted)) { i = all.length - 1; }
    return new all[i](address);
  };

  internal.failure = function (code, message) {
    return {error: {code: code, message: message}};
  };

  internal.late = function (seconds) {
    return internal.failure('timeout', 'No answer in ' + seconds + ' s.');
  };

  // Starts a request by start(settle), and calls done(answer) once. start returns a function, which is called at the end
  // with true if the request is still open. Returns a function that drops the request.
  internal.exchange = function (start, seconds, done) {
    var starting = true, timer, release;

    function end(open) {
      var releasing = release;
      done = release = null;
      thywill.clock.clear(timer);
      if (releasing) { releasing(open); }
    }

    function settle(answer, open) {
      var callback = done;
      // The answer came during send(): without a pause polls would recurse.
      if (starting) { return internal.later(function () { settle(answer, open); }); }
      if (!callback) { return; }
      end(open);
      callback(answer || {});
    }

    timer = thywill.clock.set(function () {
      settle(internal.late(seconds), true);
    }, seconds * 1000);
    try {
      release = start(function (answer) { settle(answer, false); });
    } catch (exception) {
      settle(internal.failure('unreachable', exception.message), true);
    }
    starting = false;
    return function () { end(true); };
  };

  // Returns the body of a request. A text is sent unchanged; the field messages is JSON already.
  internal.encode = function (fields) {
    var parts = [];
    if (typeof fields === 'string') { return fields; }
    internal.each(fields, function (name, value) {
      parts.push('"' + name + '":' + (name === 'messages' ? value : internal.json.stringify(value)));
    });
    return '{' + parts.join(',') + '}';
  };

  // Returns whether the browser will send the request, even after the page is closed.
  internal.beacon = function (address, fields) {
    try {
      return !!navigator.sendBeacon && navigator.sendBeacon(address, internal.encode(fields));
    } catch (exception) {
      // Some engines throw if the text is too long.
      return false;
    }
  };

  // IE has its own statuses (12002 to 12152, and 1223 for 204), without a body, and throws if the body is read.
  internal.decode = function (request) {
    var status;
    try {
      status = request.status;
      if (status === 204 || status === 1223) { return {}; }
      return internal.json.parse(request.responseText);
    } catch (exception) {
      return internal.failure(CODES[status] || (FINAL.test(status) ? 'refused' : 'unreachable'),
        'A proxy or the server answers with status ' + status + '.');
    }
  };

  // Returns the number of bytes of the text in UTF-8; each half of a surrogate pair counts as two.
  internal.bytes = function (text) {
    return text.length + text.replace(/[^\u0080-\uffff]+/g, '').length +
      text.replace(/[^\u0800-\ud7ff\ue000-\uffff]+/g, '').length;
  };

  internal.isOtherOrigin = function (address) {
    var own = location.protocol + '//' + location.host + '/';
    return /^(https?:)?\/\//.test(address) && address.indexOf(own) !== 0;
  };
}(thywill.internal));
