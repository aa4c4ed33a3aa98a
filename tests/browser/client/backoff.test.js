'use strict';
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page} = require('./harness');

function backoff(random) {
  const {Backoff} = new Page({bootstrap: false, random: Math.random}).thywill.internal;
  return new Backoff(random);
}

test('the ceiling doubles from half a second to thirty', () => {
  const policy = backoff(() => 1);
  const waits = Array.from({length: 10}, () => policy.next());
  assert.deepEqual(waits, [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]);
});

test('full jitter: every wait lies between nothing and its ceiling', () => {
  const policy = backoff();
  for (let round = 0; round < 300; round += 1) {
    policy.reset();
    for (let i = 0; i < 12; i += 1) {
      const wait = policy.next();
      assert.ok(wait >= 0 && wait <= Math.min(30, 0.5 * 2 ** i));
    }
  }
});

test('full jitter: the waits of many browsers spread over the whole span', () => {
  const tenths = new Set(), policy = backoff();
  for (let i = 0; i < 400; i += 1) {
    policy.reset();
    tenths.add(Math.floor(policy.next() / 0.05));
  }
  assert.equal(tenths.size, 10);
});

test('success starts anew', () => {
  const policy = backoff(() => 1);
  for (let i = 0; i < 5; i += 1) { policy.next(); }
  policy.reset();
  assert.equal(policy.next(), 0.5);
});

test('thousands of failures overflow nothing', () => {
  const policy = backoff(() => 1);
  for (let i = 0; i < 5000; i += 1) { policy.next(); }
  assert.equal(policy.next(), 30);
});
