'use strict';
// Answers that can't get better end the client, and patience with a slow network grows.
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page, plain} = require('./harness');

function startedPage(options) {
  const page = new Page(options);
  page.start();
  page.events.length = 0;
  return page;
}

// Goes on until the back-off lets the next request out.
function pause(page, operation) {
  for (let i = 0; i < 60 && !page.open(operation).length; i += 1) { page.clock.advance(0.5); }
}

const OURS = {400: 'malformed', 401: 'bad_token', 403: 'origin', 404: 'not_found', 405: 'method', 410: 'gone', 415: 'encoding'};
for (const [status, code] of Object.entries(OURS)) {
  test(`the server's answer ${status} ${code} to a poll is final, and its reason is told`, () => {
    const page = startedPage();
    page.answer('poll', {error: {code, message: 'the reason'}}, Number(status));
    assert.deepEqual(page.named('state'), [['gone', {code, message: 'the reason'}]]);
    page.clock.advance(3600);
    assert.deepEqual(page.exchanges.filter((exchange) => exchange.open), []);
  });
}

for (const [status, code] of [[408, 'timeout'], [409, 'gap'], [429, 'too_many'], [500, 'internal'], [503, 'unavailable'],
  [503, 'draining']]) {
  test(`the server's answer ${status} ${code} to a poll may get better`, () => {
    const page = startedPage();
    for (let i = 0; i < 10; i += 1) {
      page.answer('poll', {error: {code, message: 'later'}}, status);
      pause(page, 'poll');
    }
    page.deliver([[1, 'a']]);
    assert.deepEqual(page.messages, ['a']);
  });
}

test('a page of a proxy with a 4xx in place of the answer is believed when it has come four times', () => {
  for (const status of [400, 401, 402, 403, 404, 405, 414, 431, 451, 499]) {
    const page = startedPage();
    for (let i = 0; i < 3; i += 1) {
      page.answer('poll', '<html>', status);
      assert.equal(page.client.state, 'waiting');
      pause(page, 'poll');
    }
    page.answer('poll', '<html>', status);
    assert.equal(page.client.state, 'gone');
    assert.match(plain(page.named('state').pop()[1]).message, new RegExp(`status ${status}`));
  }
});

test('a page of a proxy with another status is never believed, nor one that is followed by an answer', () => {
  for (const status of [302, 408, 409, 425, 429, 500, 502, 503, 504]) {
    const page = startedPage();
    for (let i = 0; i < 10; i += 1) {
      page.answer('poll', '<html>', status);
      pause(page, 'poll');
    }
    assert.notEqual(page.client.state, 'gone', `${status}`);
  }
  const page = startedPage();
  for (let i = 0; i < 20; i += 1) {
    if (i % 3 < 2) { page.answer('poll', '<html>', 404); } else { page.deliver([]); }
    pause(page, 'poll');
  }
  assert.notEqual(page.client.state, 'gone');
});

test('a send that is refused for good ends the client, one whose message is refused does not', () => {
  const page = startedPage();
  const told = [];
  page.client.send('a', (error) => told.push(error.code));
  page.answer('send', {error: {code: 'malformed', message: 'no'}}, 400);
  assert.deepEqual(told, ['malformed']);
  assert.equal(page.client.state, 'connected');
  page.client.send('b', (error) => told.push(error.code));
  page.answer('send', {error: {code: 'encoding', message: 'no'}}, 415);
  assert.deepEqual(told, ['malformed', 'encoding']);
  assert.equal(page.client.state, 'gone');
});

// A network on which every answer takes so many seconds.
function slow(page, seconds) {
  page.network = (exchange) => page.clock.set(() => {
    if (exchange.aborted) { return; }
    if (exchange.operation === 'send') { exchange.respond(200, JSON.stringify({received: exchange.body.messages.pop()[0]})); return; }
    exchange.respond(200, '{"messages":[],"cursor":0}');
  }, (exchange.body.hold === undefined && exchange.operation === 'poll' ? 25 + seconds : seconds) * 1000);
  for (const exchange of page.exchanges) { page.network(exchange); }
}

test('patience grows: a round trip of 11 s, or of 40 s, connects and sends', () => {
  for (const seconds of [11, 40]) {
    const page = new Page();
    page.start({connect: false});
    slow(page, seconds);
    page.clock.advance(4 * seconds + 60);
    assert.equal(page.client.state, 'connected', `${seconds}`);
    const told = [];
    page.client.send('a', (error) => told.push(error));
    page.clock.advance(4 * seconds + 60);
    assert.equal(told.length, 1);
    assert.equal(told[0], null);
  }
});

test('patience is no longer than two minutes, and falls again when the network is fast', () => {
  const page = startedPage();
  for (let i = 0; i < 8; i += 1) {
    page.clock.advance(160);
    pause(page, 'poll');
  }
  const last = page.only('poll');
  page.clock.advance(121);
  assert.ok(last.aborted);
  page.fire('online');
  page.deliver([]);
  const poll = page.only('poll');
  page.clock.advance(35);
  assert.ok(poll.aborted);
});
