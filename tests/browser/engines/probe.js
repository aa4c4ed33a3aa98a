/* What the site's page does, in the JavaScript of the oldest engines. */
var begin = {};

function makeRequest(method, address, asynchronous) {
  var request = window.XMLHttpRequest ? new window.XMLHttpRequest() : new window.ActiveXObject('Microsoft.XMLHTTP');
  request.open(method, address, asynchronous);
  return request;
}

function add(tag, address) {
  var element = document.createElement(tag);
  element.src = address;
  document.body.appendChild(element);
}

function arrived(transport) {
  add('script', 'arrived?transport=' + transport); // every engine can do this
}

begin.longpoll = function () {
  makeRequest('GET', 'stream?transport=longpoll', true).send(null);
  arrived('longpoll');
};

begin['xhr-streaming'] = function () {
  var request = makeRequest('GET', 'stream?transport=xhr-streaming', true), told = false;
  request.onreadystatechange = function () {
    if (request.readyState === 3 && !told && /first/.test(request.responseText)) {
      told = true;
      arrived('xhr-streaming');
    }
  };
  request.send(null);
};

begin.eventsource = function () {
  var source = new window.EventSource('stream?transport=eventsource');
  source.onmessage = function () { arrived('eventsource'); };
  source.onerror = function () { source.close(); };
};

begin.htmlfile = function () {
  add('iframe', 'stream?transport=htmlfile');
};

begin.jsonp = function () {
  add('script', 'stream?transport=jsonp');
};

function leave() {
  // Chromium lets no page wait for a request while it goes.
  if (navigator.sendBeacon) { return navigator.sendBeacon('left', ''); }
  makeRequest('POST', 'left', false).send('');
}

if (window.addEventListener) { window.addEventListener('unload', leave, false); } else { window.attachEvent('onunload', leave); }
