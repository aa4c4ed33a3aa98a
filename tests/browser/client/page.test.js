'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {test} = require('node:test');
const vm = require('node:vm');
const {FOLDER, Page} = require('./harness');

function startedPage(options) {
  const page = new Page(options);
  page.start();
  page.events.length = 0;
  return page;
}

test('until the page has loaded no poll is parked, so that no spinner keeps turning', () => {
  const page = new Page({loaded: false});
  page.start();
  assert.equal(page.client.state, 'connected');
  assert.equal(page.open('poll').length, 0);
  page.fire('load');
  assert.equal(page.open('poll').length, 0);
  page.clock.advance(0);
  assert.deepEqual(page.only('poll').body, {token: 'T', cursor: 0});
});

test('a picture that never comes holds messages back for five seconds only', () => {
  const page = new Page({loaded: false});
  page.start();
  page.clock.advance(5);
  const poll = page.only('poll');
  page.fire('load');
  page.clock.advance(0);
  assert.ok(poll.open);
});

test('sends do not wait for the load', () => {
  const page = new Page({loaded: false});
  page.start();
  page.client.send('a');
  assert.equal(page.open('send').length, 1);
});

test('a page that goes leaves by a beacon, and nothing more is asked', () => {
  const page = startedPage();
  const poll = page.only('poll');
  page.fire('pagehide', {persisted: false});
  assert.ok(poll.aborted);
  assert.deepEqual(page.beacons, [{url: 'http://here/thywill/leave', body: '{"token":"T"}'}]);
  assert.equal(page.client.state, 'gone');
  assert.equal(page.named('state')[0][1].code, 'left');
});

test('the leaving page says its last words: what the server has not accepted yet', () => {
  const page = startedPage();
  for (const text of ['a', 'b', 'c']) { page.client.send(text); }
  page.answer('send', {received: 1});
  page.fire('pagehide', {persisted: false});
  assert.deepEqual(page.beacons.map(({url, body}) => [url, JSON.parse(body)]),
    [['http://here/thywill/leave', {token: 'T', messages: [[2, 'b'], [3, 'c']]}]]);
  const left = startedPage();
  left.client.send('a');
  left.client.leave();
  assert.deepEqual(JSON.parse(left.beacons[0].body).messages, [[1, 'a']]);
});

test('what is sent while the page is being left goes with the last words', () => {
  const page = new Page();
  page.thywill.ready((client) => {
    page.context.addEventListener('beforeunload', () => client.send('before'));
    page.context.addEventListener('pagehide', () => client.send('hide'));
  });
  page.context.addEventListener('pagehide', () => page.thywill.internal.page.dispatchers[0].owner.send('early'));
  page.deliver([]);
  page.fire('beforeunload');
  page.fire('pagehide', {persisted: false});
  assert.equal(page.beacons.length, 1);
  assert.deepEqual(JSON.parse(page.beacons[0].body).messages, [[1, 'before'], [2, 'early'], [3, 'hide']]);
});

test('the last words are as long as a request may be, and each transport says them', () => {
  const page = startedPage({bootstrap: {limits: {message: 100, messages: 10}}});
  for (let i = 0; i < 9; i += 1) { page.client.send('x'.repeat(20)); }
  page.fire('pagehide', {persisted: false});
  assert.equal(JSON.parse(page.beacons[0].body).messages.length, 3);
  const jsonp = startedPage({beacon: false, address: 'http://here/chat/?transport=jsonp'});
  jsonp.client.send('a');
  jsonp.fire('pagehide', {persisted: false});
  assert.equal(new URL(jsonp.images[0]).searchParams.get('messages'), '[[1,"a"]]');
  const blocking = startedPage({beacon: false});
  blocking.client.send('a');
  blocking.fire('pagehide', {persisted: false});
  assert.deepEqual(blocking.only('leave').body, {token: 'T', messages: [[1, 'a']]});
});

test('without a beacon, or where it is refused, it leaves by a request that the browser waits for', () => {
  for (const refuse of [false, true]) {
    const page = startedPage({beacon: false});
    if (refuse) { page.context.navigator.sendBeacon = () => false; }
    page.fire('pagehide', {persisted: false});
    assert.equal(page.only('leave').request.asynchronous, false);
    assert.deepEqual(page.only('leave').body, {token: 'T'});
  }
});

test('unload is listened to only where there is no pagehide', () => {
  assert.deepEqual(Object.keys(startedPage().listeners).filter((name) => name === 'unload'), []);
  const page = startedPage({oldEvents: true, beacon: false});
  assert.equal(page.listeners.pagehide, undefined);
  page.fire('unload');
  assert.equal(page.open('leave').length, 1);
});

test('an application may leave while the page stays', () => {
  const page = startedPage({beacon: false});
  page.client.leave();
  page.client.leave();
  assert.equal(page.only('leave').request.asynchronous, true);
  assert.deepEqual(page.states, ['gone']);
});

test('a failing leave breaks nothing', () => {
  const page = startedPage({beacon: false});
  page.network = () => { throw new Error('not while unloading'); };
  assert.doesNotThrow(() => page.fire('pagehide', {persisted: false}));
});

test('a page that goes into the page cache does not leave, but says its last words', () => {
  const page = startedPage();
  page.client.send('a');
  page.fire('pagehide', {persisted: true});
  assert.deepEqual(page.beacons.map(({url, body}) => [url, JSON.parse(body)]),
    [['http://here/thywill/send', {token: 'T', messages: [[1, 'a']]}]]);
  assert.equal(page.exchanges.filter((exchange) => exchange.open).length, 0);
  assert.equal(page.client.state, 'connected');
  page.clock.advance(3600);
  assert.equal(page.exchanges.filter((exchange) => exchange.open).length, 0);
});

test('a page that comes back from the page cache polls and sends again at once', () => {
  const page = startedPage();
  page.deliver([[4, 'x']]);
  page.client.send('a');
  page.fire('pagehide', {persisted: true});
  page.fire('pageshow', {persisted: true});
  assert.deepEqual(page.only('poll').body, {token: 'T', cursor: 4, hold: 0});
  assert.deepEqual(page.only('send').body.messages, [[1, 'a']]);
  page.deliver([[5, 'y']]);
  assert.deepEqual(page.messages, ['x', 'y']);
  assert.deepEqual(page.states, []);
});

test('the first pageshow of a page changes nothing', () => {
  const page = startedPage();
  const poll = page.only('poll');
  page.fire('pageshow', {persisted: false});
  assert.ok(poll.open);
});

test('a page that comes back too late is told that it is gone', () => {
  const page = startedPage();
  page.fire('pagehide', {persisted: true});
  page.fire('pageshow', {persisted: true});
  page.answer('poll', {error: {code: 'gone', message: 'late'}}, 410);
  assert.deepEqual(page.states, ['gone']);
});

test('online and a page that becomes visible end a pause at once', () => {
  for (const name of ['online', 'visibilitychange']) {
    const page = startedPage();
    page.client.send('a');
    page.fail('poll');
    page.fail('send');
    page.fire(name);
    assert.equal(page.open('poll').length, 1);
    assert.equal(page.open('send').length, 1);
    page.clock.advance(1);
    assert.equal(page.open('poll').length, 1);
  }
});

test('a page that becomes hidden ends no pause', () => {
  const page = startedPage();
  page.fail('poll');
  page.context.document.hidden = true;
  page.fire('visibilitychange');
  assert.equal(page.open('poll').length, 0);
});

test('a poll under way when the page becomes visible goes on, when it comes online it is repeated', () => {
  const page = startedPage();
  const poll = page.only('poll');
  page.fire('visibilitychange');
  assert.ok(poll.open);
  page.fire('online');
  assert.ok(poll.aborted);
  assert.equal(page.only('poll').body.hold, 0);
});

test('clients that are gone are forgotten by the page', () => {
  const page = new Page({bootstrap: false});
  for (let i = 0; i < 3; i += 1) {
    page.thywill.connect({server: 'http://here/', application: 'chat'}, (client) => client.leave());
    page.answer('connect', {client: `c${i}`, token: 'T', cursor: 0, hold: 25, limits: {message: 100, messages: 5}});
    page.deliver([]);
  }
  assert.equal(page.beacons.length, 3);
  page.fire('pagehide', {persisted: false});
  assert.equal(page.beacons.length, 3);
});

test('the clock clears no timer that is none: NetSurf throws there', () => {
  const cleared = [];
  const context = vm.createContext({clearTimeout: (timer) => cleared.push(timer)});
  vm.runInContext('var window = this;', context);
  vm.runInContext(fs.readFileSync(path.join(FOLDER, 'thywill.js'), 'utf8'), context);
  for (const timer of [null, undefined, 7]) { context.thywill.clock.clear(timer); }
  assert.deepEqual(cleared, [7]);
});

test('before the load neither another page nor the front parks a poll', () => {
  const page = new Page({loaded: false});
  page.start();
  assert.equal(page.open('poll').length, 0);
  page.fire('storage', {key: 'thywill.parked http://here/thywill/'});
  page.fire('visibilitychange');
  assert.deepEqual(page.open('poll').filter((poll) => poll.body.hold === undefined), []);
});
