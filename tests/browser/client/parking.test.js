'use strict';
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page} = require('./harness');
const {greet} = require('./streams');

const PUSH = {push: ['sockjs', 'longpoll']};
const ANSWER = {client: 'c', token: 'T', cursor: 0, hold: 25, grace: 60, limits: {message: 1000, messages: 10}, ...PUSH};

// Pages of one browser.
function tabs(count, options) {
  const storage = new Map();
  return Array.from({length: count}, () => tab(storage, options));
}

function tab(storage, options) {
  const page = new Page({storage, random: Math.random, ...options});
  page.start();
  page.storage = storage;
  return page;
}

function isParked(page) {
  return page.exchanges.some((exchange) => exchange.open && (exchange.operation === 'xhr_streaming' ||
    exchange.operation === 'poll' && exchange.body.hold === undefined));
}

function parked(pages) { return pages.filter(isParked).length; }

test('four pages of a browser keep a request open, the others ask now and then', () => {
  const pages = tabs(7);
  assert.equal(parked(pages), 4);
  const other = pages[6];
  const before = other.exchanges.length;
  assert.equal(other.open('poll').length, 0);
  for (let i = 0; i < 60; i += 1) {
    other.clock.advance(1);
    if (other.open('poll').length) {
      assert.equal(other.only('poll').body.hold, 0);
      other.deliver([]);
    }
  }
  const polls = other.exchanges.length - before;
  assert.ok(polls >= 12 && polls <= 20, `${polls} polls in a minute`);
  assert.equal(other.client.transport, 'longpoll');
  assert.deepEqual(other.states.filter((state) => state !== 'connected'), []);
});

test('short polls bring messages, and sends do not wait for them', () => {
  const page = tabs(5)[4];
  page.client.send('up');
  page.answer('send', {received: 1});
  page.clock.advance(5);
  page.deliver([[1, 'a']]);
  page.clock.advance(5);
  assert.equal(page.only('poll').body.cursor, 1);
  assert.deepEqual(page.messages, ['a']);
});

test('a page that leaves, or goes into the cache, gives its place to another', () => {
  for (const persisted of [false, true]) {
    const pages = tabs(5);
    pages[0].fire('pagehide', {persisted});
    pages[4].clock.advance(5);
    pages[4].deliver([]);
    assert.ok(isParked(pages[4]));
  }
});

test('a page that crashed loses its place, a page that lives keeps it', () => {
  const pages = tabs(5, {bootstrap: PUSH});
  const [crashed, ...others] = pages;
  const streams = others.slice(0, 3).map((page) => greet(page, 'xhr_streaming'));
  assert.ok(isParked(crashed));
  for (let i = 0; i < 8; i += 1) {
    for (const page of others) { page.clock.advance(12.5); }
    for (const stream of streams) { stream.frame('h'); }
    if (others[3].open('poll').length) { others[3].deliver([]); }
  }
  assert.equal(parked(others), 4);
});

test('a page in the background leaves one place to the page in front', () => {
  const pages = tabs(4, {bootstrap: PUSH});
  const streams = pages.map((page) => greet(page, 'xhr_streaming'));
  const hidden = pages[0];
  hidden.context.document.hidden = true;
  hidden.clock.advance(25);
  streams[0].frame('h');
  assert.ok(!isParked(hidden));
  hidden.deliver([]);
  const front = tab(hidden.storage);
  assert.ok(isParked(front));
  hidden.clock.advance(5);
  assert.equal(hidden.only('poll').body.hold, 0);
  assert.deepEqual(hidden.states.filter((state) => state !== 'connected'), []);
});

test('a page without a place asks when another renews its own, though its timers do not run', () => {
  const page = tabs(5)[4];
  page.fire('storage', {key: 'mine'});
  page.fire('storage', {key: null});
  assert.equal(page.open('poll').length, 0);
  page.fire('storage', {key: 'thywill.parked http://here/thywill/'});
  page.deliver([[1, 'a']]);
  assert.deepEqual(page.messages, ['a']);
  assert.equal(page.open('poll').length, 0);
});

test('a place is the server\'s, and nonsense in the storage takes none', () => {
  const storage = new Map();
  const key = 'thywill.parked http://here/thywill/';
  for (const text of ['x', '7', 'null', '[1,2,3,4,5,6]', '{"a":"x","b":null,"c":1e99,"d":-1,"e":{}}']) {
    storage.set(key, text);
    assert.ok(isParked(tab(storage)), text);
  }
});

test('HTTP/2 has room for all pages', () => {
  for (const [protocol, count] of [['h2', 7], ['h3', 7], ['http/1.1', 4], ['', 4]]) {
    const performance = {getEntriesByType: () => [{nextHopProtocol: protocol}]};
    assert.equal(parked(tabs(7, {globals: {performance}})), count, protocol);
  }
});

function with7(localStorage) {
  return Array.from({length: 7}, () => {
    const page = new Page({bootstrap: {push: ['sockjs', 'longpoll']}, globals: {localStorage}});
    page.start();
    return page;
  });
}

test('an engine without storage opens two connections for a page, which is on its own', () => {
  assert.equal(parked(with7(undefined)), 7);
});

const USELESS = {
  full: {getItem: () => null, setItem() { throw new Error('full'); }},
  forbidden: {getItem() { throw new Error('forbidden'); }, setItem() { throw new Error('forbidden'); }},
  'switched off': null,
  forgetful: {getItem: () => null, setItem() {}}
};
for (const [name, localStorage] of Object.entries(USELESS)) {
  test(`where the storage is ${name}, pages poll for a second at a time, and open no stream`, () => {
    for (const page of with7(localStorage)) {
      for (let i = 1; i < 9; i += 1) {
        assert.equal(page.open('xhr_streaming').length, 0);
        if (page.open('poll').length) {
          assert.equal(page.only('poll').body.hold, 1);
          page.deliver([[i, i]]);
        }
        assert.equal(page.open('poll').length, 0);
        page.clock.advance(2);
      }
      assert.equal(page.messages.length, 7);
    }
  });
}

test('a page that is not allowed to ask for its storage at all polls briefly, too', () => {
  const page = new Page({bootstrap: false, address: 'http://elsewhere/'});
  Object.defineProperty(page.context, 'localStorage', {get() { throw new Error('SecurityError'); }});
  page.thywill.connect({server: 'http://here/', application: 'chat'}, () => {});
  page.answer('connect', ANSWER);
  page.deliver([]);
  assert.equal(page.open('xhr_streaming').length, 0);
});

test('pages of other origins, which have a storage of their own, take two places each', () => {
  const pages = (options) => {
    const storage = new Map();
    return Array.from({length: 4}, () => {
      const page = new Page({bootstrap: false, storage, random: Math.random, ...options});
      page.thywill.connect({server: 'http://here/', application: 'chat'}, () => {});
      page.answer('connect', ANSWER);
      page.deliver([]);
      return page;
    });
  };
  assert.equal(parked(pages({address: 'http://a.elsewhere/'})), 2);
  const storage = new Map();
  const own = Array.from({length: 4}, () => {
    const page = new Page({bootstrap: {shared: true}, storage, random: Math.random});
    page.start();
    return page;
  });
  assert.equal(parked(own), 2);
});

test('a page without a place asks at once for the reply to what it has sent', () => {
  const page = tabs(5)[4];
  page.client.call('x', [], () => {});
  assert.equal(page.open('poll').length, 0);
  page.answer('send', {received: 1});
  page.deliver([[1, {result: 7}, 1]]);
});

test('a client that leaves while messages are handed on keeps no place', () => {
  const page = tabs(1)[0];
  page.client.on('message', () => page.client.leave());
  page.deliver([[1, 'a'], [2, 'b']]);
  assert.deepEqual(page.messages, ['a']);
  assert.deepEqual(JSON.parse(page.storage.get('thywill.parked http://here/thywill/')), {});
});
