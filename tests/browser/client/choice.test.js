'use strict';
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page} = require('./harness');
const {frame, messages, greet} = require('./streams');

const PUSH = {push: ['sockjs', 'longpoll']};
const MINUTES = 60;

function started(options) {
  const page = new Page({bootstrap: PUSH, eventSource: true, ...options});
  page.start();
  page.events.length = 0;
  return page;
}

function waitForPoll(page) {
  while (!page.open('poll').length) { page.clock.advance(0.1); }
  page.deliver([]);
}

// Which transport the page tries now.
function tried(page) {
  const open = page.exchanges.filter((exchange) => exchange.open && !/send/.test(exchange.operation));
  const stream = open.find((exchange) => exchange.operation !== 'poll');
  if (stream) { return stream.operation; }
  return open.map((exchange) => (exchange.body && exchange.body.hold === 0 ? 'short poll' : exchange.operation)).join();
}

function refuse(page) {
  page.clock.advance(3);
  page.deliver([]);
}

test('what delivers nothing within three seconds is given up for the next, down to long polls', () => {
  const page = started();
  const stream = page.only('xhr_streaming');
  page.clock.advance(2.9);
  assert.ok(stream.open);
  page.clock.advance(0.1);
  assert.ok(stream.aborted);
  assert.equal(tried(page), 'short poll');
  page.deliver([[1, 'meanwhile']]);
  assert.equal(tried(page), 'eventsource');
  refuse(page);
  assert.equal(tried(page), 'poll');
  page.deliver([[2, 'b']]);
  assert.deepEqual(page.messages, ['meanwhile', 'b']);
  assert.equal(page.client.transport, 'longpoll');
  assert.deepEqual(page.states, []);
});

test('while a stream is tried, the poll brings the messages', () => {
  const page = started();
  page.deliver([[1, 'a']]);
  page.deliver([[2, 'b']]);
  assert.deepEqual(page.messages, ['a', 'b']);
  assert.equal(page.open('poll').length, 1);
  const stream = greet(page, 'xhr_streaming', [[3, 'c']]);
  assert.deepEqual(page.messages, ['a', 'b', 'c']);
  assert.ok(stream.open);
  assert.equal(page.open('poll').length, 0);
  assert.deepEqual(page.transports, ['xhr-streaming']);
});

test('a page that ends while a stream is tried drops both', () => {
  for (const end of [(page) => page.client.leave(), (page) => page.fire('pagehide', {persisted: true}),
    (page) => page.answer('poll', {error: {code: 'gone', message: 'late'}})]) {
    const page = started();
    end(page);
    page.clock.advance(100);
    assert.deepEqual(page.exchanges.filter((exchange) => exchange.open && exchange.operation !== 'leave'), []);
  }
});

test('a proxy that lets the beginning through, and nothing more, is found out as well', () => {
  const page = started();
  page.only('xhr_streaming').frame('h'.repeat(2048));
  page.only('xhr_streaming').frame('o');
  page.answer('xhr_send', '', 204);
  refuse(page);
  assert.equal(tried(page), 'eventsource');
});

test('an error, a refusal, a close before the open and a throw move on at once', () => {
  const ends = {
    error: (stream) => stream.respond(502, '<html>\n</html>\n'),
    nothing: (stream) => stream.respond(0, ''),
    close: (stream) => stream.frame('c[3000,"Go away!"]'),
    end: (stream) => stream.finish()
  };
  for (const [name, end] of Object.entries(ends)) {
    const page = started();
    end(page.only('xhr_streaming'));
    page.deliver([]);
    assert.equal(tried(page), 'eventsource', name);
    assert.deepEqual(page.states, []);
  }
  const unsent = started();
  unsent.only('xhr_streaming').frame('o');
  unsent.fail('xhr_send');
  unsent.deliver([]);
  assert.equal(tried(unsent), 'eventsource');
  const thrown = started({globals: {XMLHttpRequest: undefined, EventSource: function () { throw new Error('a lie'); }},
    bootstrap: {...PUSH, parameters: {transports: ['eventsource']}}, activeX: true});
  thrown.clock.advance(0);
  thrown.deliver([]);
  assert.equal(tried(thrown), 'poll');
});

test('a failure of the network is not the fault of the transport', () => {
  const page = started();
  page.only('xhr_streaming').respond(0, '');
  page.fail('poll');
  page.clock.advance(0.5);
  page.deliver([]);
  assert.equal(tried(page), 'xhr_streaming');
});

test('streams that keep being cut are given up, one that lasted is not', () => {
  const page = started();
  for (let i = 0; i < 3; i += 1) {
    greet(page, 'xhr_streaming').write('x');
    page.only('xhr_streaming').finish();
    waitForPoll(page);
  }
  assert.equal(tried(page), 'eventsource');
  const lasting = started();
  for (let i = 0; i < 10; i += 1) {
    greet(lasting, 'xhr_streaming').write('x');
    lasting.clock.advance(11);
    lasting.only('xhr_streaming').finish();
    waitForPoll(lasting);
  }
  assert.equal(tried(lasting), 'xhr_streaming');
});

test('whole answers that bring nothing at once make no busy loop', () => {
  const page = started({random: Math.random});
  page.network = (exchange) => {
    if (exchange.operation === 'poll') {
      page.clock.set(() => exchange.respond(200, '{"messages":[],"cursor":0}'), exchange.body.hold === 0 ? 1 : 25000);
    } else if (exchange.operation === 'xhr_streaming') {
      page.clock.set(() => { exchange.frame('h'); exchange.finish(); }, 1);
    }
  };
  greet(page, 'xhr_streaming').finish();
  page.clock.advance(600);
  assert.ok(page.exchanges.length < 120, `${page.exchanges.length} requests in ten minutes`);
});

test('what failed is tried again after ten minutes, when the page is quiet', () => {
  const page = started({eventSource: false});
  refuse(page);
  for (let i = 0; i < 9 * MINUTES; i += 25) {
    page.clock.advance(25);
    page.deliver([]);
  }
  assert.equal(tried(page), 'poll');
  for (let i = 1; i < 9; i += 1) {
    page.clock.advance(10);
    page.deliver([[i, i]]);
    assert.equal(tried(page), 'poll', 'not while it is busy');
  }
  page.clock.advance(25);
  page.deliver([]);
  greet(page, 'xhr_streaming', [[9, 9]]);
  assert.deepEqual(page.messages, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(page.transports, ['longpoll', 'xhr-streaming']);
});

test('the next page begins with what worked, and leaves alone what did not', () => {
  const storage = new Map();
  const first = started({storage});
  refuse(first);
  greet(first, 'eventsource');
  const next = started({storage});
  assert.equal(tried(next), 'eventsource');
  const later = started({storage});
  later.clock.time += 7200000;
  later.fire('online');
  later.deliver([]);
  assert.equal(tried(later), 'eventsource', 'a page keeps what it has while it works');
});

test('after an hour a page begins with the best again', () => {
  const storage = new Map();
  const first = started({storage});
  refuse(first);
  greet(first, 'eventsource');
  const [[key, text]] = [...storage].filter(([name]) => /transports/.test(name));
  storage.set(key, text.replace(/\d{7,}/g, (time) => time - 3700000));
  assert.equal(tried(started({storage})), 'xhr_streaming');
});

test('storage that is missing or full of nonsense is no obstacle', () => {
  const page = started({globals: {localStorage: undefined}});
  greet(page, 'xhr_streaming');
  assert.equal(page.client.transport, 'xhr-streaming');
  for (const text of ['', 'x', '7', 'null', '"x"', '[]', '{"worked":7,"since":"x","failed xhr-streaming":"x"}',
    '{"worked":"nonsense","since":1000000}', '{"worked":"__proto__","since":1000000}']) {
    assert.equal(tried(started({storage: new Map([['thywill.transports', text]])})), 'xhr_streaming', text);
  }
});

test('the page\'s address forces a transport, with nothing to fall back on but polls', () => {
  const forced = (name, more) => started({address: `http://here/chat/?a=b&transport=${name}`, ...more});
  assert.equal(tried(forced('eventsource')), 'eventsource');
  assert.equal(tried(forced('htmlfile')), 'htmlfile');
  assert.equal(tried(forced('longpoll')), 'poll');
  assert.equal(tried(forced('train')), 'poll');
  assert.equal(tried(forced('constructor')), 'poll');
  assert.equal(forced('jsonp').only('poll').kind, 'jsonp');
  assert.equal(forced('jsonp').client.transport, 'jsonp');
  const storage = new Map();
  const page = forced('eventsource', {storage});
  refuse(page);
  assert.equal(tried(page), 'poll');
  assert.equal(page.client.transport, 'longpoll');
  assert.deepEqual([...storage.keys()].filter((key) => /transports/.test(key)), []);
});

test('the page\'s address forces nothing unless the server\'s settings allow it', () => {
  for (const name of ['train', 'longpoll', 'jsonp', 'iframe', 'eventsource']) {
    const bootstrap = {...PUSH, transport_in_address: false};
    assert.equal(tried(started({address: `http://here/chat/?transport=${name}`, bootstrap})), 'xhr_streaming', name);
    const elsewhere = new Page({bootstrap: false, address: `http://elsewhere/?transport=${name}`});
    elsewhere.thywill.connect({server: 'http://here/', application: 'chat'}, () => {});
    assert.equal(elsewhere.only('connect').kind, 'xhr');
  }
});

test('a page may ask for JSONP by its list', () => {
  const page = new Page({globals: {thywill: {transports: ['jsonp']}}});
  assert.equal(page.only('poll').kind, 'jsonp');
});

test('an application may set the order', () => {
  const order = (transports) => tried(started({bootstrap: {...PUSH, parameters: {transports}}}));
  assert.equal(order(['eventsource', 'xhr-streaming']), 'eventsource');
  assert.equal(order(['nonsense', 'htmlfile']), 'htmlfile');
  assert.equal(order(['longpoll', 'xhr-streaming']), 'poll');
  assert.equal(order([]), 'poll');
  assert.equal(tried(started({globals: {thywill: {transports: ['eventsource']}}})), 'eventsource');
});

test('what an engine can not do is not tried', () => {
  assert.equal(tried(started({cors: false})), 'eventsource');
  assert.equal(tried(started({cors: false, eventSource: false})), 'poll');
  assert.equal(tried(started({xhr: false, eventSource: true})), 'poll', 'JSONP acknowledges nothing');
  const ie6 = {xhr: false, activeX: true, json: false, oldEvents: true, beacon: false, eventSource: false};
  assert.equal(tried(started(ie6)), 'poll', 'without htmlfile, a frame would show a busy sign');
});

test('eventsource and htmlfile carry the same messages', () => {
  for (const name of ['eventsource', 'htmlfile']) {
    const page = started({address: `http://here/chat/?transport=${name}`});
    const stream = greet(page, name, [[1, 'a']]);
    stream.frame(messages([[2, '</script>']], 1));
    assert.equal(page.client.transport, name);
    stream.finish();
    page.clock.advance(0);
    const next = page.only(name);
    assert.equal(next.session, stream.session);
    next.frame(messages([[3, 'c']], 2));
    assert.deepEqual(page.messages, ['a', '</script>', 'c']);
    next.frame(frame({error: {code: 'gone', message: 'late'}}));
    page.clock.advance(0);
    assert.ok(next.aborted);
    assert.deepEqual(Object.keys(page.thywill.internal.frames), []);
    assert.equal(page.client.state, 'gone');
    assert.deepEqual(page.clock.errors, []);
  }
});

test('Internet Explorer has the frame in a document of its own', () => {
  const written = [], parentWindow = {};
  let page = null;
  class ActiveXObject {
    constructor(name) { assert.equal(name, 'htmlfile'); }

    get body() { return page.context.document.body; }

    createElement(tag) { return page.element(tag); }

    write(html) { written.push(html); }
  }
  Object.assign(ActiveXObject.prototype, {parentWindow, open() {}, close() {}});
  page = new Page({bootstrap: PUSH, cors: false, globals: {ActiveXObject}});
  page.start();
  greet(page, 'htmlfile', [[1, 'a']]);
  assert.deepEqual(page.messages, ['a']);
  assert.equal(parentWindow.thywill, page.thywill);
  assert.match(written[0], /<base href="http:\/\/here\/chat\/">/);
});

test('a page of another origin streams by CORS, with cookies', () => {
  const page = new Page({bootstrap: false, address: 'http://elsewhere/', eventSource: true});
  page.thywill.connect({server: 'http://here/', application: 'chat'}, (client) => { page.client = client; });
  page.answer('connect', {client: 'c', token: 'T', cursor: 0, hold: 25, grace: 60, limits: {message: 1000, messages: 9},
    ...PUSH});
  page.deliver([]);
  assert.equal(page.only('xhr_streaming').request.withCredentials, true);
  refuse(page);
  assert.equal(page.only('eventsource').options.withCredentials, true);
  greet(page, 'eventsource');
  assert.equal(page.client.transport, 'eventsource');
});

test('a server that answers a new stream with an end does not make the transport fail', () => {
  const draining = {error: {code: 'draining', message: 'the server is about to stop', retry: 2}};
  const superseded = {messages: [], cursor: 0, superseded: true};
  for (const answer of [draining, superseded]) {
    const storage = new Map();
    const page = started({storage});
    const stream = page.only('xhr_streaming');
    stream.frame('o');
    page.answer('xhr_send', '', 204);
    stream.frame(frame(answer));
    waitForPoll(page);
    assert.equal(tried(page), 'xhr_streaming', JSON.stringify(answer));
    assert.doesNotMatch(storage.get('thywill.transports') || '', /failed/);
    assert.equal(page.open('poll').length, 1);
  }
});

test('a server that answers a new stream with an end says how long the pause is', () => {
  const page = started();
  page.only('xhr_streaming').frame('o');
  page.answer('xhr_send', '', 204);
  page.only('xhr_streaming').frame(frame({error: {code: 'draining', message: 'wait', retry: 2}}));
  assert.deepEqual(page.named('state'), [['waiting', {retry: 2}]]);
  page.clock.advance(1.9);
  assert.equal(page.open('poll').length, 0);
  page.clock.advance(0.1);
  page.deliver([]);
  assert.equal(tried(page), 'xhr_streaming');
});

test('an end that comes before the session is open leaves the poll alone', () => {
  const page = started();
  page.only('xhr_streaming').frame(frame({error: {code: 'draining', message: 'wait', retry: 2}}));
  assert.equal(page.only('poll').body.hold, 0);
  page.deliver([]);
  assert.equal(tried(page), 'eventsource');
});
