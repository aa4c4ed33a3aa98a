'use strict';
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page} = require('./harness');
const {frame, messages, greet} = require('./streams');

const PUSH = {push: ['sockjs', 'longpoll']};
// The server's answer to what is sent to a session that has ended.
const NO_SESSION = {error: {code: 'not_found', message: 'there is no such session'}};

// A page whose stream has been greeted.
function streaming(options) {
  const page = new Page({bootstrap: PUSH, ...options});
  page.start();
  page.stream = greet(page, 'xhr_streaming');
  page.events.length = 0;
  return page;
}

// What is said to the session; echo.test.js has what is asked.
function told(page) {
  const {echo, ...fields} = JSON.parse(page.only('xhr_send').body[0]);
  return fields;
}

test('a stream takes the place of the parked poll, after a poll that is answered at once', () => {
  const page = new Page({bootstrap: PUSH});
  assert.equal(page.only('poll').body.hold, 0);
  page.start();
  assert.equal(page.only('poll').body.hold, undefined);
  const stream = page.only('xhr_streaming');
  assert.match(stream.url, /^http:\/\/here\/thywill\/sockjs\/\d{3}\/\w{8,}\/xhr_streaming$/);
  assert.equal(page.client.transport, null);
  stream.frame('h'.repeat(2048));
  assert.equal(page.open('poll').length, 1);
  stream.frame('o');
  assert.equal(page.open('poll').length, 0);
  assert.deepEqual(told(page), {token: 'T', cursor: 0});
  assert.match(page.only('xhr_send').url, new RegExp(`${stream.session}/xhr_send$`));
  page.answer('xhr_send', '', 204);
  stream.frame(messages([], 0));
  assert.equal(page.client.transport, 'xhr-streaming');
  assert.deepEqual(page.transports, ['xhr-streaming']);
  stream.frame(messages([[1, 'a'], [2, 'b\u2028']], 0));
  assert.deepEqual(page.messages, ['a', 'b\u2028']);
});

test('where the server has no SockJS there is no stream', () => {
  const page = new Page();
  page.start();
  assert.equal(page.open('poll').length, 1);
  assert.equal(page.client.transport, 'longpoll');
});

test('streams begin after the page has loaded, so that no spinner keeps turning', () => {
  const page = new Page({bootstrap: PUSH, loaded: false});
  page.start();
  assert.equal(page.open('xhr_streaming').length, 0);
  page.fire('load');
  page.clock.advance(0);
  assert.equal(page.open('xhr_streaming').length, 1);
});

test('sends go their own way, and do not wait for the stream', () => {
  const page = streaming();
  page.client.send('up');
  assert.deepEqual(page.only('send').body.messages, [[1, 'up']]);
  page.stream.frame(messages([[1, {result: 5}, 1]], 0));
  page.client.call('x', [], () => {});
  page.answer('send', {received: 1});
  assert.deepEqual(page.only('send').body.messages, [[2, [], 'x']]);
});

test('acknowledgements are sent once a second, or after twenty messages', () => {
  const page = streaming();
  for (let i = 1; i < 20; i += 1) { page.stream.frame(messages([[i, i]], i - 1)); }
  assert.equal(page.open('xhr_send').length, 0);
  page.clock.advance(1);
  assert.deepEqual(told(page), {cursor: 19});
  page.answer('xhr_send', '', 204);
  for (let i = 20; i < 60; i += 1) { page.stream.frame(messages([[i, i]], i - 1)); }
  assert.deepEqual(told(page), {cursor: 39});
  page.answer('xhr_send', '', 204);
  assert.deepEqual(told(page), {cursor: 59});
  page.answer('xhr_send', '', 204);
  page.clock.advance(20);
  assert.equal(page.open('xhr_send').length, 0);
});

test('ids that the page has had are ignored', () => {
  const page = streaming();
  page.stream.frame(messages([[1, 'a'], [2, 'b']], 0));
  page.stream.frame(messages([[1, 'a'], [2, 'b'], [3, 'c']], 0));
  assert.deepEqual(page.messages, ['a', 'b', 'c']);
});

test('at its byte limit an answer ends, and the session goes on with the next', () => {
  const page = streaming();
  page.stream.frame(messages([[1, 'a']], 0));
  page.stream.finish();
  const next = page.only('xhr_streaming');
  assert.equal(next.session, page.stream.session);
  next.frame('h'.repeat(2048));
  next.frame(messages([[2, 'b']], 1));
  assert.deepEqual(page.messages, ['a', 'b']);
  assert.deepEqual(page.states, []);
  assert.equal(page.open('poll').length, 0);
});

test('an answer that grows too large is left for a new session', () => {
  const page = streaming();
  page.stream.frame(messages([[1, 'x'.repeat(1000100)]], 0));
  assert.ok(page.stream.aborted);
  assert.notEqual(page.only('xhr_streaming').session, page.stream.session);
  greet(page, 'xhr_streaming', [[2, 'b']]);
  assert.equal(page.messages.length, 2);
  assert.deepEqual(page.states, []);
});

test('a stream that is cut in the middle of a frame loses nothing', () => {
  const page = streaming();
  page.stream.frame(messages([[1, 'a']], 0));
  page.stream.write(messages([[2, 'b']], 1).slice(0, 20));
  page.stream.finish();
  assert.deepEqual(page.named('state'), [['waiting', {retry: 0.5}]]);
  page.clock.advance(0.5);
  assert.deepEqual(page.only('poll').body, {token: 'T', cursor: 1, hold: 0});
  page.deliver([[2, 'b']]);
  const next = greet(page, 'xhr_streaming');
  assert.notEqual(next.session, page.stream.session);
  assert.deepEqual(page.messages, ['a', 'b']);
  assert.deepEqual(page.states, ['waiting', 'connected']);
  assert.equal(page.client.transport, 'xhr-streaming');
});

test('frames arrive in pieces', () => {
  const page = streaming();
  const text = `${messages([[1, 'ä\n']], 0)}\nh\n${messages([[2, 'b']], 1)}\n`;
  for (const piece of text) { page.stream.write(piece); }
  assert.deepEqual(page.messages, ['ä\n', 'b']);
});

test('an answer that begins after the cursor shows that one was lost', () => {
  const page = streaming();
  page.stream.frame(messages([[5, 'e']], 4));
  assert.deepEqual(page.messages, []);
  assert.ok(page.stream.aborted);
  page.clock.advance(0.5);
  assert.equal(page.only('poll').body.cursor, 0);
});

test('heartbeats keep a stream, and without them it is begun anew', () => {
  const page = streaming();
  for (let i = 0; i < 5; i += 1) {
    page.clock.advance(25);
    page.stream.frame('h');
  }
  page.clock.advance(34.9);
  assert.ok(page.stream.open);
  page.clock.advance(0.1);
  assert.ok(page.stream.aborted);
  assert.deepEqual(page.states, ['waiting']);
  page.clock.advance(0.5);
  page.deliver([]);
  greet(page, 'xhr_streaming', [[1, 'a']]);
  assert.deepEqual(page.messages, ['a']);
});

test('a session that the server does not know any more is left', () => {
  const page = streaming();
  page.stream.frame(messages([[1, 'a']], 0));
  page.clock.advance(1);
  page.answer('xhr_send', NO_SESSION, 404);
  assert.ok(page.stream.aborted);
  assert.deepEqual(page.states, ['waiting']);
  page.clock.advance(0.5);
  assert.equal(page.only('poll').body.cursor, 1);
});

// A page that is given its messages by a frame, as many seconds after its first word.
function framed(seconds, hold = 25) {
  const page = new Page({bootstrap: {...PUSH, hold}, address: 'http://here/chat/?transport=htmlfile'});
  page.start();
  page.stream = greet(page, 'htmlfile');
  page.events.length = 0;
  page.clock.advance(seconds);
  return page;
}

test('a frame whose session is gone is noticed by asking the server, first after 4 s', () => {
  const page = framed(3.9);
  assert.equal(page.open('xhr_send').length, 0);
  page.clock.advance(0.1);
  page.answer('xhr_send', NO_SESSION, 404);
  assert.deepEqual(page.states, ['waiting']);
  page.clock.advance(0.5);
  page.deliver([]);
  greet(page, 'htmlfile', [[1, 'a']]);
  assert.deepEqual(page.messages, ['a']);
});

test('a frame has the server asked whenever a heartbeat is missing, for as long as it lasts', () => {
  const page = framed(4);
  for (const pause of [8, 16, 20, 20, 20]) {
    page.answer('xhr_send', '', 204);
    page.stream.frame(messages([], 0));
    page.clock.advance(pause - 0.1);
    assert.equal(page.open('xhr_send').length, 0, `${pause}`);
    page.clock.advance(0.1);
  }
  page.answer('xhr_send', NO_SESSION, 404);
  assert.deepEqual(page.states, ['waiting']);
});

test('a question that is under way is not asked twice, and one of a stream that has ended not at all', () => {
  const page = framed(4, 5);
  page.clock.advance(4);
  assert.equal(page.open('xhr_send').length, 1);
  page.client.leave();
  page.clock.advance(3600);
  assert.equal(page.open('xhr_send').length, 0);
});

test('an acknowledgement that got lost is no failure', () => {
  const page = streaming();
  page.stream.frame(messages([[1, 'a']], 0));
  page.clock.advance(1);
  page.fail('xhr_send');
  assert.ok(page.stream.open);
  page.stream.frame(messages([[2, 'b']], 1));
  page.clock.advance(1);
  assert.deepEqual(told(page), {cursor: 2});
});

test('an acknowledgement that got lost is said again, though nothing more comes', () => {
  const page = streaming();
  page.stream.frame(messages([[1, 'a']], 0));
  page.clock.advance(1);
  page.fail('xhr_send');
  page.clock.advance(1);
  assert.deepEqual(told(page), {cursor: 1});
  page.answer('xhr_send', '', 204);
  page.clock.advance(5);
  assert.equal(page.open('xhr_send').length, 0);
});

test('what was not acknowledged when an answer ended is acknowledged with the next', () => {
  const page = streaming();
  page.stream.frame(messages([[1, 'a']], 0));
  page.stream.finish();
  page.clock.advance(1);
  assert.deepEqual(told(page), {cursor: 1});
  // This one is under way when the next answer ends.
  page.only('xhr_streaming').frame(messages([[2, 'b']], 1));
  page.only('xhr_streaming').finish();
  page.clock.advance(1);
  assert.deepEqual(told(page), {cursor: 2});
  assert.equal(page.only('xhr_streaming').session, page.stream.session);
});

test('the end of the client comes by the stream as well', () => {
  for (const code of ['gone', 'bad_token']) {
    const page = streaming();
    page.stream.frame(frame({error: {code, message: 'late'}}));
    page.stream.frame('c[4010,"late"]');
    assert.equal(page.client.state, 'gone');
    assert.ok(page.stream.aborted);
    page.clock.advance(3600);
    assert.equal(page.exchanges.filter((exchange) => exchange.open).length, 0);
  }
});

test('a session that the server has forgotten is not gone on with', () => {
  const page = streaming();
  page.stream.frame(messages([[1, 'a']], 0));
  page.stream.finish();
  const next = page.only('xhr_streaming');
  assert.equal(next.session, page.stream.session);
  next.frame('o');
  assert.ok(next.aborted);
  assert.equal(page.client.state, 'waiting');
  page.clock.advance(0.5);
  page.deliver([]);
  assert.notEqual(page.only('xhr_streaming').session, next.session);
});

test('a session that has waited for the token in vain says nothing of the client', () => {
  const page = new Page({bootstrap: PUSH});
  page.start();
  const stream = page.only('xhr_streaming');
  stream.frame('o');
  stream.frame(frame({error: {code: 'bad_token', message: 'late'}}));
  stream.frame('c[4001,"late"]');
  assert.equal(page.client.state, 'connected');
  page.answer('poll', {error: {code: 'gone', message: 'really'}}, 410);
  assert.equal(page.client.state, 'gone');
});

test('a server that stops says for how long, and one with another receiver that it has one', () => {
  const stopped = streaming();
  stopped.stream.frame(messages([[1, 'a']], 0, {retry: 4}));
  assert.deepEqual(stopped.messages, ['a']);
  assert.deepEqual(stopped.named('state'), [['waiting', {retry: 4}]]);
  const superseded = streaming();
  superseded.stream.frame(messages([], 9, {superseded: true}));
  superseded.clock.advance(0.5);
  assert.equal(superseded.only('poll').body.cursor, 0);
});

test('lost: tells the count, and goes on', () => {
  const page = streaming();
  page.stream.frame(messages([[9, 'z']], 0, {lost: 4}));
  assert.deepEqual(page.named('state'), [['lost', {count: 4}], ['connected']]);
  assert.deepEqual(page.messages, ['z']);
});

test('nonsense in a frame ends the stream, in silence where it means nothing', () => {
  for (const bad of ['a[', 'a["{"]', 'a7', 'anull', 'a[null]', 'a["7"]', 'a["null"]', 'a["{}"]', 'c', 'c[3000,"x"]']) {
    const page = streaming();
    page.stream.frame(bad);
    assert.ok(page.stream.aborted || bad === 'a7', bad);
    assert.deepEqual(page.clock.errors, []);
  }
  const page = streaming();
  for (const idle of ['', 'h', 'hhh', 'x', '<html>']) { page.stream.frame(idle); }
  assert.ok(page.stream.open);
});

test('a page that leaves, sleeps in the cache or comes online again takes its stream along', () => {
  const left = streaming();
  left.fire('pagehide', {persisted: false});
  assert.ok(left.stream.aborted);
  assert.equal(left.beacons.length, 1);
  const cached = streaming();
  cached.fire('pagehide', {persisted: true});
  assert.equal(cached.exchanges.filter((exchange) => exchange.open).length, 0);
  cached.clock.advance(3600);
  cached.fire('pageshow', {persisted: true});
  cached.deliver([[1, 'a']]);
  greet(cached, 'xhr_streaming');
  assert.deepEqual(cached.messages, ['a']);
  const online = streaming();
  online.fire('online');
  assert.ok(online.stream.aborted);
  online.deliver([]);
  assert.notEqual(online.only('xhr_streaming').session, online.stream.session);
});

test('a client that leaves while a stream is read gets no more of it', () => {
  const page = streaming();
  page.client.on('message', () => page.client.leave());
  page.stream.frame(messages([[1, 'a'], [2, 'b']], 0));
  assert.deepEqual(page.messages, ['a']);
  assert.equal(page.exchanges.filter((exchange) => exchange.open && exchange.operation !== 'leave').length, 0);
});

test('a day of streaming leaves nothing behind', () => {
  const page = streaming();
  let {stream} = page;
  for (let i = 1; i <= 3000; i += 1) {
    page.clock.advance(25);
    stream.frame('h');
    stream.frame(messages([[i, i]], i - 1));
    if (page.open('xhr_send').length) { page.answer('xhr_send', '', 204); }
    if (i % 10 === 0) {
      stream.finish();
      page.exchanges = page.exchanges.filter((exchange) => exchange.open);
      stream = page.only('xhr_streaming');
    }
  }
  assert.equal(page.messages.length, 3000);
  assert.ok(page.clock.timers.length <= 4, `${page.clock.timers.length} timers`);
  assert.ok(page.exchanges.length <= 3);
});

test('lost: a frame that comes twice tells it no second time', () => {
  const page = streaming();
  for (let i = 0; i < 2; i += 1) { page.stream.frame(messages([[5, 'e']], 0, {lost: 4})); }
  assert.deepEqual(page.states, ['lost', 'connected']);
});
