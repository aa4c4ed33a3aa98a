'use strict';
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page, plain} = require('./harness');

function startedPage(options) {
  const page = new Page(options);
  page.start();
  page.events.length = 0;
  return page;
}

test('the first poll asks to be answered at once, the later ones do not', () => {
  const page = new Page();
  assert.deepEqual(page.only('poll').body, {token: 'T', cursor: 0, hold: 0});
  page.start();
  assert.deepEqual(page.only('poll').body, {token: 'T', cursor: 0});
  assert.equal(page.only('poll').url, 'http://here/thywill/poll');
  assert.equal(page.only('poll').request.headers['Content-Type'], 'text/plain;charset=UTF-8');
});

test('messages are handed on in order, and acknowledged by the next poll', () => {
  const page = startedPage();
  page.deliver([[3, 'a'], [5, {b: 1}]]);
  assert.deepEqual(page.messages, ['a', {b: 1}]);
  assert.equal(page.only('poll').body.cursor, 5);
});

test('a repeated message is ignored', () => {
  const page = startedPage();
  page.deliver([[1, 'a'], [2, 'b']]);
  page.deliver([[1, 'a'], [2, 'b'], [3, 'c']]);
  page.deliver([[3, 'c']], 3);
  assert.deepEqual(page.messages, ['a', 'b', 'c']);
});

test('the cursor never goes back', () => {
  const page = startedPage();
  page.deliver([[7, 'a']]);
  page.deliver([], 2);
  assert.equal(page.only('poll').body.cursor, 7);
});

test('the cursor passes over ids without messages', () => {
  const page = startedPage();
  page.deliver([], 9);
  assert.equal(page.only('poll').body.cursor, 9);
});

test('a lost answer is asked for again from the same cursor', () => {
  const page = startedPage();
  page.deliver([[1, 'a']]);
  page.fail('poll');
  assert.deepEqual(page.named('state'), [['waiting', {retry: 0.5}]]);
  page.clock.advance(0.5);
  assert.deepEqual(page.only('poll').body, {token: 'T', cursor: 1, hold: 0});
  page.deliver([[1, 'a'], [2, 'b']]);
  assert.deepEqual(page.messages, ['a', 'b']);
  assert.deepEqual(page.states, ['waiting', 'connected']);
});

test('an answer that was cut, or is a proxy\'s page, is a failure', () => {
  for (const [status, text] of [[200, '{"messages":[[1,"a"'], [502, '<html>Bad gateway</html>'], [200, ''],
    [200, '{}'], [200, 'null'], [200, '7'], [200, '{"messages":5,"cursor":1}'], [500, '{"error":"no"}'],
    [500, '{"error":{"code":"internal","message":"x"}}'], [1223, ''], [12029, ''], [404, 'no'], [401, '<html>']]) {
    const page = startedPage();
    page.answer('poll', text, status);
    assert.deepEqual(page.states, ['waiting'], text);
    page.clock.advance(1);
    page.deliver([[1, 'a']]);
    assert.deepEqual(page.messages, ['a']);
  }
});

test('the back-off grows to 30 seconds and is reset by success', () => {
  const page = startedPage();
  const waits = [];
  for (let i = 0; i < 9; i += 1) {
    page.fail('poll');
    waits.push(page.events.pop()[2].retry);
    page.clock.advance(waits[i]);
  }
  assert.deepEqual(waits, [0.5, 1, 2, 4, 8, 16, 30, 30, 30]);
  page.deliver([[1, 'a']]);
  page.fail('poll');
  assert.equal(page.events.pop()[2].retry, 0.5);
});

test('where only the answers at once come through, the back-off goes on growing', () => {
  const page = startedPage();
  for (let i = 0; i < 5; i += 1) {
    page.fail('poll');
    page.clock.advance(page.events.pop()[2].retry);
    page.deliver([]);
  }
  page.fail('poll');
  assert.equal(page.events.pop()[2].retry, 16);
});

test('the watchdog gives up a poll 10 seconds after its hold', () => {
  const page = startedPage();
  const poll = page.only('poll');
  page.clock.advance(34.9);
  assert.ok(poll.open);
  page.clock.advance(0.1);
  assert.ok(poll.aborted);
  assert.deepEqual(page.states, ['waiting']);
  page.clock.advance(0.5);
  assert.equal(page.only('poll').body.hold, 0);
  poll.open = true;
  poll.respond(200, '{"messages":[[1,"late"]],"cursor":1}');
  page.deliver([[1, 'a']]);
  assert.deepEqual(page.messages, ['a']);
});

test('superseded: polls again after the back-off', () => {
  const page = startedPage();
  page.deliver([], 0, {superseded: true});
  assert.deepEqual(page.named('state'), [['waiting', {retry: 0.5}]]);
  assert.equal(page.open('poll').length, 0);
  page.clock.advance(0.5);
  page.deliver([], 0, {superseded: true});
  assert.equal(page.events.pop()[2].retry, 1);
});

test('the cursor of a superseded poll is not taken over', () => {
  const page = startedPage();
  page.deliver([], 50, {superseded: true});
  page.clock.advance(0.5);
  assert.equal(page.only('poll').body.cursor, 0);
});

test('retry: waits as long as the server asks, having taken the messages', () => {
  const page = startedPage();
  page.deliver([[1, 'a']], 1, {retry: 7});
  assert.deepEqual(page.messages, ['a']);
  assert.deepEqual(page.named('state'), [['waiting', {retry: 7}]]);
  page.clock.advance(6.9);
  assert.equal(page.open('poll').length, 0);
  page.clock.advance(0.1);
  assert.deepEqual(page.only('poll').body, {token: 'T', cursor: 1, hold: 0});
});

test('retry: a senseless number makes no busy loop', () => {
  for (const [retry, waited] of [[1e-9, 0.1], [1e12, 3600]]) {
    const page = startedPage();
    page.deliver([], 0, {retry});
    assert.deepEqual(page.named('state'), [['waiting', {retry: waited}]]);
  }
  for (const retry of [-1, 0, 'x', null, {}]) {
    const page = startedPage();
    page.answer('poll', {error: {code: 'draining', message: 'later', retry}}, 503);
    assert.deepEqual(page.named('state'), [['waiting', {retry: 0.5}]]);
  }
});

test('503 and 429 with retry: waits as long as the server asks', () => {
  for (const code of ['draining', 'too_many']) {
    const page = startedPage();
    page.answer('poll', {error: {code, message: 'later', retry: 12}}, 503);
    assert.deepEqual(page.named('state'), [['waiting', {retry: 12}]]);
  }
});

test('lost: tells the count, and then that it is connected', () => {
  const page = startedPage();
  page.deliver([[9, 'z']], 9, {lost: 4});
  assert.deepEqual(page.events, [['state', 'lost', {count: 4}], ['state', 'connected'], ['message', 'z']]);
  assert.equal(page.client.state, 'connected');
});

test('gone: final, for 410 and 401, with or without a body for 410', () => {
  for (const [status, text, code] of [
    [410, '{"error":{"code":"gone","message":"late"}}', 'gone'],
    [401, '{"error":{"code":"bad_token","message":"forged"}}', 'bad_token'],
    [410, '<html>', 'gone']]) {
    const page = startedPage();
    page.answer('poll', text, status);
    assert.equal(page.client.state, 'gone');
    assert.equal(page.named('state')[0][1].code, code);
    page.fire('online');
    page.fire('pageshow', {persisted: true});
    page.fire('visibilitychange');
    page.fire('pagehide', {});
    page.clock.advance(3600);
    assert.equal(page.exchanges.filter((exchange) => exchange.open).length, 0);
    assert.equal(page.beacons.length, 0);
    assert.deepEqual(page.states, ['gone']);
  }
});

test('answers at once without anything new are slowed down', () => {
  const page = startedPage();
  page.network = (exchange) => {
    page.clock.set(() => exchange.respond(200, '{"messages":[],"cursor":0}'), 1);
  };
  page.deliver([]);
  const before = page.exchanges.length;
  page.clock.advance(60);
  assert.ok(page.exchanges.length - before < 15, `${page.exchanges.length - before} polls in a minute`);
  assert.deepEqual(page.states, []);
});

test('a proxy that repeats one old answer is slowed down', () => {
  const page = startedPage({random: Math.random});
  page.network = (exchange) => {
    page.clock.set(() => exchange.respond(200, '{"messages":[[1,"a"]],"cursor":1}'), 1);
  };
  page.deliver([]);
  const before = page.exchanges.length;
  page.clock.advance(600);
  assert.ok(page.exchanges.length - before < 100, `${page.exchanges.length - before} polls in ten minutes`);
  assert.deepEqual(page.messages, ['a']);
});

test('polls that are held, and messages one by one, are not slowed down', () => {
  const page = startedPage();
  for (let i = 0; i < 20; i += 1) {
    page.clock.advance(25);
    page.deliver([]);
  }
  for (let i = 1; i < 200; i += 1) { page.deliver([[i, i]]); }
  assert.equal(page.messages.length, 199);
  assert.equal(page.open('poll').length, 1);
});

test('a server with a short hold is not slowed down', () => {
  const page = startedPage({bootstrap: {hold: 0.2}});
  for (let i = 0; i < 20; i += 1) {
    page.clock.advance(0.2);
    page.deliver([]);
  }
  assert.equal(page.open('poll').length, 1);
});

test('answers within send() neither recurse nor stop the loop', () => {
  const page = startedPage();
  let id = 0;
  page.network = (exchange) => {
    if (id < 5000) {
      id += 1;
      exchange.respond(200, JSON.stringify({messages: [[id, id]], cursor: id}));
    }
  };
  page.deliver([]);
  page.clock.advance(1);
  assert.equal(page.messages.length, 5000);
  assert.equal(page.open('poll').length, 1);
});

test('a request that can not even be sent is a failure', () => {
  const page = startedPage();
  page.network = () => { throw new Error('offline'); };
  page.deliver([]);
  page.clock.advance(0.1);
  assert.deepEqual(page.states, ['waiting']);
});

test('a listener that throws stops neither the others nor the loop, and shows in the console', () => {
  const page = startedPage();
  page.client.on('message', () => { throw new Error('mine'); });
  page.client.on('message', () => { page.events.push(['after']); });
  page.deliver([[1, 'a'], [2, 'b']]);
  assert.deepEqual(page.messages, ['a', 'b']);
  assert.equal(page.events.filter((event) => event[0] === 'after').length, 2);
  assert.equal(page.open('poll').length, 1);
  page.clock.advance(0);
  assert.deepEqual(page.clock.errors.map((error) => error.message), ['mine', 'mine']);
});

test('a client that leaves while messages are handed on gets no more of them', () => {
  const page = startedPage();
  page.client.on('message', () => page.client.leave());
  page.deliver([[1, 'a'], [2, 'b']]);
  assert.deepEqual(page.messages, ['a']);
  assert.equal(page.open('poll').length, 0);
});

test('a day of polls leaves nothing behind', () => {
  const page = startedPage();
  page.network = (exchange) => page.clock.set(() => exchange.respond(200, '{"messages":[],"cursor":0}'), 25000);
  page.deliver([]);
  for (let i = 0; i < 3456; i += 1) {
    page.clock.advance(25);
    page.exchanges.length = 0;
  }
  assert.ok(page.clock.timers.length <= 3, `${page.clock.timers.length} timers`);
  assert.equal(page.head.children.length, 0);
  assert.deepEqual(plain(page.thywill.internal.callbacks), {});
});

test('lost: an answer that is repeated tells it no second time', () => {
  const page = new Page();
  page.start();
  page.deliver([[5, 'e']], 5, {lost: 4});
  page.deliver([[5, 'e']], 5, {lost: 4});
  page.deliver([], 9, {lost: 2});
  page.deliver([], 9, {lost: 2});
  assert.deepEqual(page.named('state').filter((event) => event[0] === 'lost'), [['lost', {count: 4}], ['lost', {count: 2}]]);
  assert.deepEqual(page.messages, ['e']);
});
