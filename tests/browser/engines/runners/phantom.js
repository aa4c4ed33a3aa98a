/* Carries out commands for PhantomJS: lines of percent-encoded words, as the bodies of HTTP requests and answers.
   Its standard input can't be read without stopping everything else. */
(function () {
  var PORTS = {first: 20000, count: 12000},
    system = require('system'),
    server = require('webserver').create(),
    page = null,
    errors = [],
    verbs = {};

  function write(verb, words) {
    var parts = [verb], i;
    for (i = 0; i < words.length; i += 1) { parts.push(encodeURIComponent(words[i])); }
    return parts.join(' ');
  }

  function answer(response, verb, words) {
    response.statusCode = 200;
    response.write(write(verb, words));
    response.close();
  }

  verbs.open = function (response, address, before) {
    errors = [];
    phantom.clearCookies();
    page = require('webpage').create();
    page.viewportSize = {width: 1000, height: 700};
    page.onError = function (message) { errors.push(message); };
    page.onInitialized = function () { page.evaluateJavaScript('function () {' + before + '\n}'); };
    answerLoad(response, address);
  };

  // 1.9 does not call a page loaded that has a request of another origin under way.
  function answerLoad(response, address) {
    var timer = setInterval(function () {
      if (page.evaluate(isLoaded)) { end('value', []); }
    }, 50);
    function end(verb, words) {
      if (timer) { answer(response, verb, words); }
      clearInterval(timer);
      timer = null;
    }
    page.open(address, function (status) {
      if (status === 'success') { end('value', []); } else { end('failed', [address + ' was not loaded']); }
    });
  }

  function isLoaded() {
    return document.readyState === 'complete' && location.href !== 'about:blank';
  }

  verbs.evaluate = function (response, script) {
    var value = page.evaluateJavaScript('function () { return ' + script + '\n}');
    if (typeof value === 'string') { answer(response, 'value', [value]); } else {
      answer(response, 'failed', ['the script could not be read']);
    }
  };

  verbs.errors = function (response) {
    answer(response, 'value', errors);
  };

  verbs.screenshot = function (response, path) {
    answer(response, page.render(path) ? 'value' : 'failed', []);
  };

  verbs.leave = function (response) {
    page.open('about:blank', function () {
      page.close();
      page = null;
      answer(response, 'value', []);
    });
  };

  verbs.quit = function (response) {
    answer(response, 'value', []);
    setTimeout(function () { phantom.exit(0); }, 0);
  };

  function carryOut(request, response) {
    var words = request.post.split(' ').map(decodeURIComponent), verb = words.shift();
    try {
      verbs[verb].apply(null, [response].concat(words));
    } catch (exception) {
      answer(response, 'failed', [String(exception)]);
    }
  }

  function listen() {
    var port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    return server.listen('127.0.0.1:' + port, carryOut) ? port : listen();
  }

  require('fs').write(system.args[1], '{"port": ' + listen() + '}', 'w');
}());
