'use strict';
// The delivery promise over streams: cut anywhere, held back, silent, ended at a limit, and changed for polls and back
// in the middle of the messages.
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page, generator} = require('./harness');
const {Server, Session} = require('./model');

const STREAMS = /^(xhr_streaming|eventsource|htmlfile)$/;

// What happens to one stream, after so many of its frames.
function faultOf(random, faults) {
  const kind = random() < 0.6 ? faults[Math.floor(random() * faults.length)] : 'none';
  return {kind, after: Math.floor(random() * 6)};
}

function carry(page, server, random, faults, exchange) {
  const session = server.sessions[exchange.session] || new Session(server);
  const fault = faultOf(random, faults);
  const later = (action) => page.clock.set(action, random() * 50);
  let count = 0, time = page.clock.now(), held = false;
  server.sessions[exchange.session] = session;

  // What is written arrives in order.
  function inOrder(action) {
    time = Math.max(time, page.clock.now()) + random() * 20;
    page.clock.set(action, time - page.clock.now());
  }

  function breakOff(text) {
    held = true;
    inOrder(() => {
      if (exchange.write) { exchange.write(text.slice(0, Math.floor(random() * text.length))); }
      exchange.finish();
    });
    later(() => session.interrupt());
  }

  function write(text) {
    count += 1;
    if (held || exchange.aborted) { return; }
    if (count > fault.after && fault.kind === 'cut') { return breakOff(text); }
    if (count > fault.after && fault.kind === 'silence') { held = true; return; }
    if (fault.kind === 'twice') { inOrder(() => exchange.frame(text)); }
    inOrder(() => exchange.frame(text));
  }

  if (fault.kind === 'buffered') { held = true; }
  if (fault.kind === 'refused') { return later(() => exchange.finish()); }
  const ended = setAborted(page, exchange, () => later(() => session.interrupt()));
  return later(() => {
    if (!ended()) { session.attach(write, () => { if (!held) { inOrder(() => exchange.finish()); } }, 1 + random() * 20); }
  });
}

// Sees when the page has dropped the request, as a server does.
function setAborted(page, exchange, action) {
  let aborted = false;
  Object.defineProperty(exchange, 'aborted', {
    get: () => aborted,
    set: (value) => { if (value && !aborted) { aborted = true; action(); } }
  });
  return () => aborted;
}

function hear(page, server, random, exchange) {
  const {session, body} = exchange;
  const known = server.sessions[session];
  if (random() < 0.05) { return exchange.respond(0, ''); }
  if (!known || known.closed) { return exchange.respond(404, ''); }
  body.forEach((text) => known.hear(text));
  return exchange.respond(204, '');
}

function connect(page, server, random, faults) {
  page.network = (exchange) => {
    if (STREAMS.test(exchange.operation)) { return carry(page, server, random, faults, exchange); }
    return page.clock.set(() => {
      if (exchange.aborted) { return; }
      if (exchange.operation === 'xhr_send') { hear(page, server, random, exchange); return; }
      if (random() < 0.05) { exchange.respond(0, ''); return; }
      server[exchange.operation](exchange.body, (body, status = 200) => {
        page.clock.set(() => exchange.respond(status, JSON.stringify(body)), random() * 50);
      });
    }, random() * 50);
  };
}

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

const FAULTS = ['cut', 'silence', 'buffered', 'refused', 'twice'];

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
