'use strict';
// A stream is judged by how soon an echo of the server comes, and acknowledges much at once.
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page} = require('./harness');
const {messages, greet} = require('./streams');

const PUSH = {push: ['sockjs', 'longpoll']};

function streaming(options) {
  const page = new Page({bootstrap: PUSH, ...options});
  page.start();
  page.stream = greet(page, 'xhr_streaming');
  page.events.length = 0;
  return page;
}

function asked(page) { return JSON.parse(page.only('xhr_send').body[0]); }

// Answers the question under way; whether the echo comes is the test's.
function accept(page) { page.answer('xhr_send', '', 204); }

test('an idle stream asks for an echo after 4, 8 and 16 s without a frame, and then no more', () => {
  const page = streaming();
  const times = [];
  for (let second = 1; second <= 300; second += 1) {
    page.clock.advance(1);
    if (page.open('xhr_send').length) {
      assert.deepEqual(asked(page), {cursor: 0, echo: true});
      accept(page);
      page.stream.frame(messages([], 0));
      times.push(second);
    } else if (second % 25 === 0) {
      page.stream.frame('h');
    }
  }
  assert.deepEqual(times.slice(0, 2), [4, 12]);
  assert.equal(times.length, 3);
  assert.ok(page.stream.open);
  assert.deepEqual(page.states, []);
});

test('a stream whose echo does not come within 3 s is left for polls, whatever its greeting was', () => {
  const page = streaming({storage: new Map()});
  page.stream.frame(messages([[1, 'a']], 0));
  page.clock.advance(1);
  assert.deepEqual(asked(page), {cursor: 1, echo: true});
  accept(page);
  page.clock.advance(2.9);
  assert.ok(page.stream.open);
  page.clock.advance(0.1);
  assert.ok(page.stream.aborted);
  assert.equal(page.only('poll').body.hold, 0);
  page.deliver([[2, 'b']]);
  assert.equal(page.open('xhr_streaming').length, 0);
  assert.equal(page.client.transport, 'longpoll');
  assert.deepEqual(page.messages, ['a', 'b']);
  assert.match(page.options.storage.get('thywill.transports'), /failed xhr-streaming/);
});

test('heartbeats do not pass for an echo: they may be what still fits into a block', () => {
  const page = streaming();
  page.clock.advance(4);
  accept(page);
  page.clock.advance(1);
  page.stream.frame('h');
  page.clock.advance(2);
  assert.ok(page.stream.aborted);
});

test('an echo may come before its question is answered, and a part of a frame is as good', () => {
  const early = streaming();
  early.clock.advance(4);
  early.stream.frame(messages([], 0));
  accept(early);
  early.clock.advance(7);
  assert.ok(early.stream.open);
  const slow = streaming();
  slow.clock.advance(4);
  accept(slow);
  for (let i = 0; i < 10; i += 1) {
    slow.clock.advance(2);
    slow.stream.write('a["{');
    if (slow.open('xhr_send').length) { accept(slow); }
  }
  assert.ok(slow.stream.open);
});

test('if it was the network, the stream is tried again', () => {
  const page = streaming();
  page.clock.advance(4);
  accept(page);
  page.clock.advance(3);
  page.fail('poll');
  page.clock.advance(0.5);
  page.deliver([]);
  assert.equal(page.open('xhr_streaming').length, 1);
});

test('on a slow network the echo has twice the time of the last round trip', () => {
  const page = new Page({bootstrap: PUSH});
  page.clock.advance(4);
  page.start();
  page.clock.advance(3.5);
  page.stream = greet(page, 'xhr_streaming');
  page.clock.advance(4);
  accept(page);
  page.clock.advance(7.9);
  assert.ok(page.stream.open);
  if (page.open('xhr_send').length) { page.fail('xhr_send'); }
  page.clock.advance(0.1);
  assert.ok(page.stream.aborted);
});

test('a request that has brought much is trusted', () => {
  const page = streaming();
  page.stream.frame(messages([[1, 'x'.repeat(70000)]], 0));
  assert.deepEqual(asked(page), {cursor: 1});
  accept(page);
  page.clock.advance(24);
  assert.equal(page.open('xhr_send').length, 0);
  assert.ok(page.stream.open);
});

test('much is acknowledged at once: fifteen messages of 60 KB take no pause', () => {
  const page = streaming();
  for (let i = 1; i <= 15; i += 1) {
    page.stream.frame(messages([[i, 'x'.repeat(60000)]], i - 1));
    assert.equal(JSON.parse(page.only('xhr_send').body[0]).cursor, i);
    accept(page);
  }
  assert.equal(page.messages.length, 15);
});

test('little is acknowledged after a second, however often it comes', () => {
  const page = streaming();
  for (let i = 1; i <= 10; i += 1) { page.stream.frame(messages([[i, 'x'.repeat(3000)]], i - 1)); }
  assert.equal(page.open('xhr_send').length, 0);
  page.stream.frame(messages([[11, 'x'.repeat(3000)]], 10));
  assert.equal(asked(page).cursor, 11);
});
