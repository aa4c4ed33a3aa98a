// Each page has this script while run.py --dev serves it. It reloads the page after a change of code, script or
// style, shows the tracebacks of failed hooks, and writes the warnings of the log into the console.
(function () {
  'use strict';

  var POLL = 1000,
      version = null,
      after = '',
      panel = null;

  function close() {
    document.body.removeChild(panel);
    panel = null;
  }

  function makePanel() {
    var button = document.createElement('button');
    panel = document.createElement('pre');
    panel.style.cssText = 'position:fixed;left:0;right:0;bottom:0;max-height:60%;overflow:auto;margin:0;padding:12px;' +
      'background:#2b1210;color:#ffd9d4;font:13px/1.4 monospace;text-align:left;white-space:pre-wrap;z-index:2147483647';
    button.style.cssText = 'float:right';
    button.appendChild(document.createTextNode('Close'));
    button.onclick = close;
    panel.appendChild(button);
    document.body.appendChild(panel);
  }

  function show(notice) {
    if (notice.level === 'WARNING') {
      if (window.console && window.console.warn) { window.console.warn('thywill: ' + notice.text); }
      return;
    }
    if (!panel) { makePanel(); }
    panel.appendChild(document.createTextNode(notice.text + '\n\n'));
    if (window.console && window.console.error) { window.console.error('thywill: ' + notice.text); }
  }

  function take(answer) {
    var i;
    if (version !== null && version !== answer.version) {
      window.location.reload();
      return;
    }
    version = answer.version;
    after = answer.after;
    for (i = 0; i < answer.notices.length; i += 1) { show(answer.notices[i]); }
  }

  function ask() {
    var request = new window.XMLHttpRequest();
    request.open('GET', '/thywill/dev?after=' + after, true);
    request.onreadystatechange = function () {
      if (request.readyState !== 4) { return; }
      window.setTimeout(ask, POLL);
      if (request.status === 200) { take(window.JSON.parse(request.responseText)); }
    };
    request.send(null);
  }

  if (window.XMLHttpRequest && window.JSON) { ask(); }
}());
