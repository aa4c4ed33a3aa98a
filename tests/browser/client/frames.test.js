'use strict';
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page, plain} = require('./harness');
const {ANSWER, ORIGIN, SERVER, connect, framed, outside, serveBridge} = require('./frames');
const {frame, messages, greet} = require('./streams');

// The element of a page that has asked to connect.
function asked(options) {
  const page = outside(options);
  connect(page);
  serveBridge(page);
  return page.frames[0];
}

function openKinds(page) { return page.exchanges.filter((exchange) => exchange.open).map((exchange) => exchange.operation); }

test('where there is no CORS, the bridge is loaded, and the frame after it', () => {
  const page = outside();
  connect(page);
  assert.deepEqual(page.frames, []);
  assert.equal(serveBridge(page), `${SERVER}/static/0/bridge.js`);
  const [element] = page.frames;
  assert.equal(element.src, `${SERVER}/static/0/frame.html`);
  assert.equal(element.style.display, 'none');
  element.fill();
  const exchange = page.only('connect');
  assert.equal(exchange.kind, 'xhr');
  assert.deepEqual(exchange.body, {application: 'chat'});
  assert.equal(exchange.request.withCredentials, false);
});

test('the frame has the version that the server told with the bridge', () => {
  const page = outside();
  connect(page);
  page.thywill.internal.frameVersion = 'abc';
  serveBridge(page);
  assert.equal(page.frames[0].src, `${SERVER}/static/abc/frame.html`);
});

test('a bridge that is not loaded is asked for again', () => {
  const page = outside();
  connect(page);
  serveBridge(page, false);
  assert.deepEqual(page.frames, []);
  page.clock.advance(0.5);
  serveBridge(page);
  assert.equal(page.frames.length, 1);
});

test('a page that has no body yet has its frame a little later', () => {
  const page = outside();
  const {body} = page.context.document;
  page.context.document.body = null;
  connect(page);
  serveBridge(page);
  page.context.document.body = body;
  page.clock.advance(1);
  assert.equal(page.frames.length, 1);
});

test('receives, sends and calls by streams of the frame', () => {
  const page = framed();
  assert.deepEqual(openKinds(page).sort(), ['poll', 'xhr_streaming']);
  const stream = greet(page, 'xhr_streaming', [[1, 'a\u2028ä']]);
  stream.frame(messages([[2, 'b']], 1));
  assert.deepEqual(page.messages, ['a\u2028ä', 'b']);
  assert.equal(page.client.transport, 'xhr-streaming');
  page.client.send('up');
  assert.deepEqual(page.only('send').body.messages, [[1, 'up']]);
  page.answer('send', {received: 1});
  stream.finish();
  page.only('xhr_streaming').frame(messages([[3, 'c']], 2));
  assert.deepEqual(page.messages, ['a\u2028ä', 'b', 'c']);
});

test('what the frame can not do is not tried: polls remain', () => {
  const page = framed({inside: {cors: false, eventSource: false}});
  assert.deepEqual(openKinds(page), ['poll']);
  assert.equal(page.client.transport, 'iframe');
  page.deliver([[1, 'a']]);
  assert.deepEqual(page.messages, ['a']);
});

test('an application may set the order, of the streams in the frame too', () => {
  const way = (transports, options) => openKinds(framed({globals: {thywill: {transports}}, ...options})).sort();
  assert.deepEqual(way(['eventsource']), ['eventsource', 'poll']);
  assert.deepEqual(way(['htmlfile']), ['htmlfile', 'poll']);
  assert.deepEqual(way(['nonsense', 'constructor', 'iframe']), ['poll']);
  assert.deepEqual(way(['iframe', 'xhr-streaming'], {cors: true}), ['poll', 'xhr_streaming']);
});

test('a page may ask for the frame, not on a page of the server\'s own', () => {
  const page = framed({globals: {thywill: {transports: ['iframe']}}, cors: true});
  assert.deepEqual(openKinds(page), ['poll']);
  assert.equal(page.client.transport, 'iframe');
  const own = new Page({address: 'http://here/chat/?transport=iframe', globals: {postMessage() {}}});
  assert.equal(own.only('poll').kind, 'xhr');
});

test('IE8 has the events of its own, and streams by ActiveX in the frame', () => {
  const page = framed({oldEvents: true, beacon: false, inside: {oldEvents: true, cors: false, eventSource: false},
    globals: {thywill: {transports: ['htmlfile']}}});
  assert.equal(page.frames[0].addEventListener, undefined);
  greet(page, 'htmlfile', [[1, 'a']]);
  assert.deepEqual(page.messages, ['a']);
  assert.equal(page.client.transport, 'htmlfile');
});

test('clients that connect at the same time share one frame', () => {
  const page = outside();
  connect(page);
  connect(page);
  serveBridge(page);
  serveBridge(page);
  assert.equal(page.frames.length, 1);
  page.frames[0].fill();
  assert.equal(page.open('connect').length, 2);
});

test('all clients of a page share one frame', () => {
  const page = framed();
  connect(page);
  assert.equal(page.scripts.length, 0, 'the bridge is there');
  assert.equal(page.frames.length, 1);
  assert.equal(page.open('connect').length, 1);
});

test('the page tells the server\'s origin alone, and hears nobody else', () => {
  const page = framed();
  const [element] = page.frames;
  assert.deepEqual([...new Set(element.posted.map(([target]) => target))], [SERVER]);
  assert.deepEqual([...element.targets], [ORIGIN]);
  const numbers = element.posted.map(([, message]) => message[0]);
  const before = page.events.length;
  for (const n of numbers) {
    for (const origin of [ORIGIN, 'http://here:8080', 'https://here', 'null']) {
      element.say([n, {messages: [[1, 'forged']], cursor: 1}], origin);
    }
  }
  for (const text of ['', 'x', '[', 'null', '7', '[]', '{}', '["constructor"]']) {
    element.say(text);
  }
  assert.equal(page.events.length, before);
  assert.equal(page.open('poll').length, 1);
});

test('the frame hears the page around it, if its origin is allowed, and no one else', () => {
  const refused = (options, message) => {
    const page = outside(options);
    connect(page);
    serveBridge(page);
    page.frames[0].fill(options.inside);
    assert.equal(page.frames[0].targets, undefined, message);
    assert.deepEqual(page.exchanges, [], message);
  };
  refused({origin: 'http://elsewhere:81'}, 'another port');
  refused({origin: 'https://elsewhere'}, 'another scheme');
  refused({origin: 'http://elsewhere.evil.org'}, 'another host');
  refused({origin: 'null', inside: {origins: ['null', ORIGIN]}}, 'a page that has none');
  const element = asked();
  element.fill();
  const count = element.outer.exchanges.length;
  element.inner.fire('message', {data: '["1","connect","{}",30]', origin: ORIGIN, source: {postMessage: assert.fail}});
  assert.equal(element.outer.exchanges.length, count, 'not its parent');
});

test('where the settings allow every page, the frame answers exactly the one that asks', () => {
  const named = asked();
  named.fill({origins: ['*']});
  assert.deepEqual([...named.targets], [ORIGIN]);
  const nameless = asked({origin: 'null'});
  nameless.fill({origins: ['*']});
  assert.deepEqual([...nameless.targets], ['*']);
  assert.match(nameless.outer.only('connect').url, /\?page=null$/);
});

test('the frame tells the server who wants to connect, and asks for nothing but the wire', () => {
  const element = asked();
  element.fill();
  assert.equal(element.outer.only('connect').url, `../../thywill/connect?page=${encodeURIComponent(ORIGIN)}`);
  const count = element.outer.exchanges.length;
  for (const operation of ['health', '../admin', 'poll/../../admin', 'connect?page=http://here', 'sockjs/1/2/xhr_send/..', '',
    'sockjs/1/../xhr_send', 'sockjs/1/2/xhr', null, 7, {}, ['x']]) {
    element.hear(JSON.stringify(['9', operation, '{}', 30]));
  }
  for (const address of ['', '../', 'sockjs/1/2', 'sockjs/1/2/../', 'sockjs/../2/', 'http://here/sockjs/1/2/']) {
    element.hear(JSON.stringify(['9', 'xhr-streaming', address]));
  }
  for (const text of ['', 'x', '[', 'null', '7', '[]', '{}', '["9"]', '["constructor"]']) {
    element.hear(text);
  }
  element.hear('["9","nonsense","sockjs/1/2/"]');
  assert.equal(element.outer.exchanges.length, count);
});

test('a frame that is forbidden, or says nothing, makes room for JSONP, which tells why', () => {
  for (const loads of [true, false]) {
    const page = outside();
    connect(page);
    serveBridge(page);
    if (loads) { page.frames[0].load(); }
    page.clock.advance(loads ? 1.9 : 4.9);
    assert.deepEqual(page.exchanges, []);
    page.clock.advance(0.7);
    assert.equal(page.frames[0].removed, true);
    assert.equal(page.only('connect').kind, 'jsonp');
    page.answer('connect', {error: {code: 'origin', message: 'not allowed'}});
    assert.deepEqual(plain(page.failures), [{step: 'connect', message: 'not allowed'}]);
  }
});

test('a client that connected by JSONP in the end has its limits, and no streams', () => {
  const page = outside();
  connect(page);
  serveBridge(page);
  page.clock.advance(5.5);
  page.answer('connect', ANSWER);
  page.deliver([]);
  assert.equal(page.client.transport, 'jsonp');
  assert.deepEqual(openKinds(page), ['poll']);
  const results = [];
  page.client.send('x'.repeat(1900), (error) => results.push(error.code));
  page.clock.advance(0);
  assert.deepEqual(results, ['too_large']);
  connect(page);
  assert.equal(page.frames.length, 1);
  assert.equal(page.only('connect').kind, 'jsonp');
});

test('a frame that is loaded anew, or taken away, loses nothing', () => {
  const events = {
    reload: (element) => { element.inner.fire('pagehide'); element.inner = null; element.fill(); },
    removal: (element) => element.takeAway()
  };
  for (const [name, happen] of Object.entries(events)) {
    const page = framed();
    const stream = greet(page, 'xhr_streaming', [[1, 'a']]);
    happen(page.frames[0]);
    page.client.send('up');
    if (name === 'removal') { page.frames[1].fill(); }
    assert.ok(stream.aborted, name);
    page.clock.advance(0.5);
    page.deliver([[2, 'b']]);
    page.answer('send', {received: 1});
    assert.deepEqual(page.messages, ['a', 'b'], name);
    greet(page, 'xhr_streaming', [[3, 'c']]);
    assert.deepEqual(page.messages, ['a', 'b', 'c'], name);
    assert.deepEqual(page.clock.errors, []);
  }
});

test('a frame that has worked is tried again when it is lost', () => {
  const page = framed();
  page.frames[0].takeAway();
  page.client.send('up');
  page.frames[1].takeAway();
  page.clock.advance(15);
  assert.ok(page.frames.length > 2);
  page.frames[page.frames.length - 1].fill();
  page.clock.advance(1);
  assert.deepEqual(page.exchanges.filter((exchange) => exchange.kind === 'jsonp'), []);
  assert.deepEqual(page.open('send').map((exchange) => exchange.body.messages), [[[1, 'up']]]);
  assert.deepEqual(page.clock.errors, []);
});

test('requests that are dropped end in the frame too', () => {
  const page = framed();
  const stream = greet(page, 'xhr_streaming');
  page.client.leave();
  assert.ok(stream.aborted);
  assert.deepEqual(openKinds(page), ['leave']);
  assert.deepEqual(page.only('leave').body, {token: 'T'});
  page.answer('leave', {});
  page.clock.advance(100);
  assert.deepEqual(openKinds(page), []);
  assert.deepEqual(page.clock.timers, []);
});

test('a page that goes leaves by itself; one in the page cache ends what is under way', () => {
  const gone = framed({beacon: false});
  gone.fire('pagehide', {persisted: false});
  assert.match(gone.images[0], /^http:\/\/here\/thywill\/leave\?token=T&/);
  const cached = framed();
  const stream = greet(cached, 'xhr_streaming');
  cached.frames[0].inner.fire('pagehide', {persisted: true});
  assert.ok(stream.aborted);
  cached.fire('pagehide', {persisted: true});
  cached.clock.advance(1000);
  cached.fire('pageshow', {persisted: true});
  cached.deliver([[1, 'a']]);
  assert.deepEqual(cached.messages, ['a']);
});

test('a day of polls leaves nothing behind', () => {
  const page = framed({inside: {cors: false, eventSource: false}});
  for (let i = 1; i <= 3000; i += 1) {
    page.deliver([[i, i]]);
    page.exchanges = page.exchanges.filter((exchange) => exchange.open);
  }
  assert.equal(page.messages.length, 3000);
  assert.equal(page.exchanges.length, 1);
  assert.ok(page.clock.timers.length <= 4, `${page.clock.timers.length} timers`);
});
