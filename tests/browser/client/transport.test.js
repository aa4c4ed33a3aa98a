'use strict';
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page, plain} = require('./harness');
const {messages, greet} = require('./streams');

const SERVER = 'http://here/';
const ANSWER = {client: 'c', token: 'a.b-c', cursor: 0, hold: 25, grace: 60, limits: {message: 60000, messages: 100}};

// A page of another origin whose browser has no CORS.
function otherOrigin(options = {}) {
  const page = new Page({bootstrap: false, address: 'http://elsewhere/', cors: false, ...options});
  page.results = [];
  page.thywill.connect({server: SERVER, application: 'chat'}, (client) => {
    page.client = client;
    page.record(client);
  });
  return page;
}

function connected(options) {
  const page = otherOrigin(options);
  page.answer('connect', {...ANSWER, ...(options || {}).answer});
  page.deliver([]);
  return page;
}

function send(page, data) {
  page.client.send(data, (error) => page.results.push(error ? error.code : data));
}

test('the transport follows from what the browser can do', () => {
  const kind = (options) => new Page(options).only('poll').kind;
  const elsewhere = (options) => otherOrigin(options).only('connect').kind;
  assert.equal(kind({}), 'xhr');
  assert.equal(kind({xhr: false, activeX: true, json: false, oldEvents: true, beacon: false}), 'xhr');
  assert.equal(kind({xhr: false}), 'jsonp');
  assert.equal(kind({cors: false, xdr: true}), 'xhr');
  assert.equal(elsewhere({cors: true}), 'xhr');
  assert.equal(elsewhere({cors: true, xdr: true}), 'xhr');
  assert.equal(elsewhere({xdr: true}), 'xdr');
  assert.equal(elsewhere({}), 'jsonp');
  assert.equal(elsewhere({xhr: false, activeX: true}), 'jsonp');
});

test('what is another origin', () => {
  const {thywill} = new Page({bootstrap: false, address: 'http://here:8080/chat/'});
  for (const address of ['../', '/', 'http://here:8080/', 'http://here:8080/prefix/']) {
    assert.equal(thywill.internal.isOtherOrigin(address), false, address);
  }
  for (const address of ['http://here/', 'https://here:8080/', 'http://here:80801/', '//there/',
    'http://here:8080.evil.org/']) {
    assert.equal(thywill.internal.isOtherOrigin(address), true, address);
  }
});

test('IE6: connects, receives and sends with nothing but ActiveX', () => {
  const page = new Page({xhr: false, activeX: true, json: false, oldEvents: true, beacon: false});
  page.start();
  page.deliver([[1, 'a\u2028ä']]);
  page.client.send({text: 'b\u2028ä'});
  assert.deepEqual(page.messages, ['a\u2028ä']);
  assert.deepEqual(page.only('send').body.messages, [[1, {text: 'b\u2028ä'}]]);
});

test('an XMLHttpRequest that is finished keeps no handler of ours', () => {
  const page = new Page();
  const first = page.only('poll');
  const handler = first.request.onreadystatechange;
  page.start();
  assert.notEqual(first.request.onreadystatechange, handler);
  assert.equal(typeof first.request.onreadystatechange, 'function');
});

test('jsonp: the fields are in the address, the callback has a name of its own', () => {
  const page = connected();
  const poll = page.only('poll');
  assert.deepEqual([poll.body.token, poll.body.cursor, poll.body.hold], ['a.b-c', '0', undefined]);
  const names = page.exchanges.map((exchange) => exchange.name);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) { assert.match(name, /^thywill\.internal\.callbacks\.c[0-9a-z]+_[0-9a-z]+$/); }
  const later = otherOrigin();
  later.clock.time += 1;
  assert.equal(page.exchanges[0].url.split('&callback')[0], later.exchanges[0].url.split('&callback')[0]);
});

test('jsonp: pages that load after one another use different names', () => {
  const names = [0, 60000].map((time) => {
    const page = new Page({bootstrap: false, address: 'http://elsewhere/', cors: false});
    page.clock.time += time;
    page.thywill.connect({server: SERVER, application: 'chat'});
    return page.only('connect').name;
  });
  assert.notEqual(names[0], names[1]);
});

test('jsonp: receives, sends and calls', () => {
  const page = connected();
  page.deliver([[1, 'a'], [2, '\u2028']]);
  assert.deepEqual(page.messages, ['a', '\u2028']);
  send(page, {text: 'ä&=?#\u2028'});
  assert.deepEqual(JSON.parse(page.only('send').body.messages), [[1, {text: 'ä&=?#\u2028'}]]);
  page.answer('send', {received: 1});
  assert.equal(page.results.length, 1);
});

test('jsonp: scripts and callbacks are cleaned up', () => {
  const page = connected();
  for (let i = 1; i < 50; i += 1) { page.deliver([[i, i]]); }
  assert.equal(page.head.children.length, 1);
  assert.equal(Object.keys(page.thywill.internal.callbacks).length, 1);
});

test('jsonp: an answer that comes after its request was given up is ignored, and cleaned up', () => {
  const page = connected();
  const late = page.only('poll');
  page.clock.advance(35);
  late.open = false;
  page.clock.advance(0.5);
  assert.equal(Object.keys(page.thywill.internal.callbacks).length, 2);
  late.respond(200, '{"messages":[[1,"late"]],"cursor":1}');
  assert.equal(Object.keys(page.thywill.internal.callbacks).length, 1);
  assert.deepEqual(page.messages, []);
  assert.equal(page.only('poll').body.cursor, '0');
});

test('jsonp: a callback whose script never comes is forgotten after a minute', () => {
  const page = connected();
  page.client.leave();
  assert.equal(Object.keys(page.thywill.internal.callbacks).length, 1);
  page.clock.advance(60);
  assert.deepEqual(plain(page.thywill.internal.callbacks), {});
  assert.equal(page.head.children.length, 0);
});

test('jsonp: a script that fails, or does not call, is a failure', () => {
  for (const options of [{}, {oldEvents: true}]) {
    const page = connected(options);
    const poll = page.only('poll');
    poll.respond(500, '');
    page.clock.advance(0);
    assert.equal(page.client.state, 'waiting');
    page.clock.advance(0.5);
    page.deliver([[1, 'a']]);
    assert.deepEqual(page.messages, ['a']);
  }
});

test('jsonp: errors are told, though the status is always 200', () => {
  const page = connected();
  page.answer('poll', {error: {code: 'gone', message: 'late'}});
  assert.equal(page.client.state, 'gone');
});

test('jsonp: sends are split so that no address has more than 1900 characters', () => {
  const page = connected();
  const sent = [];
  for (let i = 0; i < 40; i += 1) { send(page, {text: `message ${i} €${'x'.repeat(i * 5)}`}); }
  while (page.open('send').length) {
    const exchange = page.only('send');
    assert.ok(exchange.url.length <= 1900, `${exchange.url.length} characters`);
    sent.push(...JSON.parse(exchange.body.messages));
    page.answer('send', {received: sent.length});
  }
  assert.deepEqual(sent.map((item) => item[0]), Array.from({length: 40}, (none, i) => i + 1));
  assert.ok(page.exchanges.filter((exchange) => exchange.operation === 'send').length < 20);
});

test('jsonp: a message that fits into no address is refused, and takes no number', () => {
  const page = connected();
  send(page, 'x'.repeat(1900));
  send(page, 'ä'.repeat(400));
  send(page, 'small');
  assert.deepEqual(JSON.parse(page.only('send').body.messages), [[1, 'small']]);
  page.clock.advance(0);
  assert.deepEqual(page.results, ['too_large', 'too_large']);
});

test('jsonp: leaves by a beacon, or else by an image, which outlives the page', () => {
  const page = connected({beacon: false});
  page.fire('pagehide', {persisted: false});
  assert.equal(page.images.length, 1);
  assert.match(page.images[0], /^http:\/\/here\/thywill\/leave\?token=a\.b-c&callback=/);
  const modern = connected();
  modern.fire('pagehide', {persisted: false});
  assert.deepEqual(modern.beacons, [{url: 'http://here/thywill/leave', body: '{"token":"a.b-c"}'}]);
  assert.equal(modern.images.length, 0);
});

test('jsonp: a script that runs while it is inserted neither recurses nor stops the loop', () => {
  const page = connected();
  let id = 0;
  page.network = (exchange) => {
    if (id < 2000) {
      id += 1;
      exchange.respond(200, JSON.stringify({messages: [[id, id]], cursor: id}));
    }
  };
  page.deliver([]);
  page.clock.advance(1);
  assert.equal(page.messages.length, 2000);
});

test('xdr: receives and sends', () => {
  const page = connected({xdr: true});
  page.deliver([[1, 'a']]);
  send(page, 'x'.repeat(5000));
  assert.equal(page.only('send').kind, 'xdr');
  page.answer('send', {received: 1});
  assert.deepEqual(page.messages, ['a']);
  assert.equal(page.results.length, 1);
});

test('xdr: it can not go between HTTP and HTTPS', () => {
  assert.equal(otherOrigin({xdr: true, address: 'https://elsewhere/'}).only('connect').kind, 'jsonp');
  const page = otherOrigin({xdr: true, address: 'https://elsewhere/', globals: {postMessage() {}}});
  assert.match(page.scripts[0].src, /bridge\.js$/);
});

test('xdr: streams, and acknowledges with answers that have no status and no text', () => {
  const page = connected({xdr: true, answer: {push: ['sockjs', 'longpoll']}});
  assert.equal(page.only('xhr_streaming').kind, 'xdr');
  page.only('xhr_streaming').frame('h'.repeat(2048));
  const stream = greet(page, 'xhr_streaming', [[1, 'a']]);
  stream.write(messages([[2, 'b']], 1).slice(0, 9));
  stream.frame(messages([[2, 'b']], 1).slice(9));
  assert.deepEqual(page.messages, ['a', 'b']);
  assert.equal(page.client.transport, 'xdr-streaming');
  page.clock.advance(1);
  page.answer('xhr_send', '', 204);
  stream.finish();
  const next = page.only('xhr_streaming');
  assert.equal(next.session, stream.session);
  next.frame(messages([[3, 'c']], 2));
  assert.deepEqual(page.messages, ['a', 'b', 'c']);
  assert.deepEqual(page.states, ['connected']);
});

test('xdr: a stream that fails makes room for polls; what belongs to it is not asked by JSONP', () => {
  const page = connected({xdr: true, answer: {push: ['sockjs', 'longpoll']}});
  page.only('xhr_streaming').frame('o');
  page.answer('xhr_send', '', 404);
  page.deliver([[1, 'a']]);
  assert.equal(page.client.transport, 'longpoll');
  const cut = connected({xdr: true, answer: {push: ['sockjs', 'longpoll']}});
  greet(cut, 'xhr_streaming', [[1, 'a']]);
  cut.only('xhr_streaming').respond(500, '');
  assert.equal(cut.client.state, 'waiting');
  cut.clock.advance(0.5);
  cut.deliver([[2, 'b']]);
  assert.deepEqual(cut.messages, ['a', 'b']);
  for (const each of [page, cut]) { assert.ok(each.exchanges.every((exchange) => exchange.kind === 'xdr')); }
});

test('xdr: what failed is asked again by JSONP, which can tell why', () => {
  const page = connected({xdr: true});
  page.answer('poll', '', 410);
  assert.equal(page.only('poll').kind, 'jsonp');
  assert.equal(page.client.state, 'connected');
  page.answer('poll', {error: {code: 'gone', message: 'late'}});
  assert.equal(page.client.state, 'gone');
});

test('xdr: where neither way works there is one failure, and the next try begins anew', () => {
  const page = connected({xdr: true});
  page.answer('poll', '', 500);
  page.only('poll').respond(500, '');
  page.clock.advance(0);
  assert.deepEqual(page.states.filter((state) => state === 'waiting'), ['waiting']);
  page.clock.advance(0.5);
  assert.equal(page.only('poll').kind, 'xdr');
});

test('xdr: a send that JSONP can not carry fails, and is repeated', () => {
  const page = connected({xdr: true});
  send(page, 'x'.repeat(5000));
  page.answer('send', '', 503);
  page.clock.advance(0.6);
  assert.equal(page.only('send').kind, 'xdr');
});

test('xdr: leaving drops whichever request is under way', () => {
  const page = connected({xdr: true, beacon: false});
  page.answer('poll', '', 500);
  page.client.leave();
  assert.equal(page.head.children.length, 0);
  assert.equal(page.images.length, 1);
});
