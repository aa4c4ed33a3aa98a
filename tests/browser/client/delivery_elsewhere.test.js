'use strict';
// The delivery promise for pages of other origins in old browsers: by XDomainRequest and JSONP, by a frame.
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {generator} = require('./harness');
const {Server} = require('./model');
const {connect, FAULTS} = require('./faulty');
const frames = require('./frames');

// A page that is connected, over a network without faults so far.
function begin(options) {
  const page = frames.outside(options);
  // Names of callbacks have the time in them, which is whole where there is no test.
  page.clock.now = () => Math.floor(page.clock.time);
  frames.connect(page);
  if (!options.xdr) {
    frames.serveBridge(page);
    page.frames[0].fill();
    page.clock.advance(0);
  }
  page.answer('connect', frames.ANSWER);
  page.clock.advance(0);
  return page;
}

function happen(page, random, kinds) {
  const kind = kinds[Math.floor(random() * kinds.length)];
  const element = page.frames[page.frames.length - 1];
  if (kind === 'online') { page.fire('online'); }
  if (kind === 'reload' && element.inner) {
    element.inner.fire('pagehide');
    element.inner = null;
    page.clock.set(() => element.fill(), random() * 1000);
  }
}

function run(seed, faults, options, kinds = ['online']) {
  const random = generator(seed);
  const page = begin({random, later: true, ...options});
  const server = new Server(page.clock, random);
  const down = [], up = [];
  connect(page, server, random, faults);
  page.deliver([]);
  page.clock.advance(0);
  for (let i = 0; i < 100; i += 1) {
    const text = `${seed}.${i}\u2028`;
    down.push(text);
    server.publish(text);
    if (random() < 0.3) { up.push(text); page.client.send(text); }
    if (random() < 0.1) { happen(page, random, kinds); }
    page.clock.advance(random() * (random() < 0.1 ? 60 : 1));
  }
  page.clock.advance(1500);
  assert.deepEqual(page.messages, down, `messages to the browser, seed ${seed}`);
  assert.deepEqual(server.inbox, up, `messages to the server, seed ${seed}`);
  assert.deepEqual(page.clock.errors, []);
  assert.ok(server.queue.length < 20, 'what has arrived is acknowledged');
  return page;
}

function ways(faults, options, kinds) {
  const seen = new Set();
  for (let seed = 1; seed <= 20; seed += 1) {
    for (const name of run(seed, faults, options, kinds).transports) { seen.add(name); }
  }
  return [...seen].sort();
}

test('exactly once and in order: by XDomainRequest, ended at limits only', () => {
  assert.deepEqual(ways(['none'], {xdr: true}), ['longpoll', 'xdr-streaming']);
});

test('exactly once and in order: by XDomainRequest, polls of it and JSONP, with all faults', () => {
  assert.deepEqual(ways(FAULTS, {xdr: true}), ['longpoll', 'xdr-streaming']);
});

test('exactly once and in order: by the frame, ended at limits only', () => {
  assert.deepEqual(ways(['none'], {}), ['eventsource', 'iframe', 'xhr-streaming']);
});

test('exactly once and in order: by the frame, with all faults', () => {
  assert.deepEqual(ways(FAULTS, {}), ['eventsource', 'iframe', 'xhr-streaming']);
});

test('exactly once and in order: by a frame that is loaded anew now and then', () => {
  assert.deepEqual(ways(FAULTS, {}, ['online', 'reload']), ['eventsource', 'iframe', 'xhr-streaming']);
});
