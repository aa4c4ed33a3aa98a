'use strict';
// The delivery promise over streams: cut anywhere, held back, silent, ended at a limit, and changed for polls and back
// in the middle of the messages.
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page, generator} = require('./harness');
const {Server} = require('./model');
const {connect, FAULTS} = require('./faulty');

function run(seed, faults, name) {
  const random = generator(seed);
  const address = `http://here/chat/${name ? `?transport=${name}` : ''}`;
  const page = new Page({random, address, eventSource: true, bootstrap: {push: ['sockjs', 'longpoll']}});
  const server = new Server(page.clock, random);
  const down = [], up = [];
  page.start({connect: false});
  connect(page, server, random, faults);
  page.deliver([]);
  for (let i = 0; i < 100; i += 1) {
    const text = `${seed}.${i}`;
    down.push(text);
    server.publish(text);
    if (random() < 0.3) { up.push(text); page.client.send(text); }
    if (random() < 0.05) { page.fire('online'); }
    page.clock.advance(random() * (random() < 0.1 ? 60 : 1));
  }
  page.clock.advance(1500);
  assert.deepEqual(page.messages, down, `messages to the browser, seed ${seed}`);
  assert.deepEqual(server.inbox, up, `messages to the server, seed ${seed}`);
  assert.deepEqual(page.clock.errors, []);
  assert.ok(server.queue.length < 20, 'what has arrived is acknowledged');
  return page;
}

for (const name of ['xhr-streaming', 'eventsource', 'htmlfile']) {
  test(`exactly once and in order: ${name}, ended at limits only`, () => {
    for (let seed = 1; seed <= 10; seed += 1) { assert.equal(run(seed, ['none'], name).client.transport, name); }
  });
}

for (const fault of FAULTS) {
  test(`exactly once and in order over streams: ${fault}`, () => {
    for (let seed = 1; seed <= 10; seed += 1) { run(seed, [fault]); }
  });
}

test('exactly once and in order: all faults of streams, and the transports change', () => {
  const seen = new Set();
  for (let seed = 100; seed < 140; seed += 1) {
    for (const name of run(seed, FAULTS).transports) { seen.add(name); }
  }
  assert.deepEqual([...seen].sort(), ['eventsource', 'longpoll', 'xhr-streaming']);
});
