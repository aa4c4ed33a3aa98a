'use strict';
// Streams that fall silent, and do not tell why.
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page} = require('./harness');
const {greet} = require('./streams');

const PUSH = {push: ['sockjs', 'longpoll']};

function started(options) {
  const page = new Page({bootstrap: PUSH, eventSource: true, ...options});
  page.start();
  return page;
}

function waitForPoll(page) {
  while (!page.open('poll').length) { page.clock.advance(0.1); }
  page.deliver([]);
}

// A stream that is greeted, and brings so many heartbeats and nothing more.
function fallSilent(page, heartbeats) {
  const stream = greet(page, 'xhr_streaming');
  for (let i = 0; i < heartbeats; i += 1) {
    page.clock.advance(25);
    stream.frame('h');
  }
  page.clock.advance(35);
  assert.ok(stream.aborted);
  waitForPoll(page);
}

test('streams that bring an answer and then nothing, not even a heartbeat, are given up', () => {
  const silent = started();
  for (let i = 0; i < 3; i += 1) { fallSilent(silent, 0); }
  silent.only('eventsource');
  const cut = started();
  for (let i = 0; i < 5; i += 1) { fallSilent(cut, 1); }
  cut.only('xhr_streaming');
});

test('a stream that tells nothing of a failure does not pass for connected while its next answer does not come', () => {
  const page = started({address: 'http://here/chat/?transport=eventsource'});
  greet(page, 'eventsource', [[1, 'a']]);
  page.clock.advance(1);
  page.answer('xhr_send', '', 204);
  page.only('eventsource').finish();
  assert.equal(page.client.state, 'connected');
  page.clock.advance(2);
  page.only('eventsource').finish();
  assert.equal(page.client.state, 'waiting');
  page.clock.advance(0.5);
  page.deliver([[2, 'b']]);
  assert.equal(page.client.state, 'connected');
  greet(page, 'eventsource', [[3, 'c']]);
  assert.deepEqual(page.messages, ['a', 'b', 'c']);
});
