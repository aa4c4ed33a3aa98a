'use strict';
// The delivery promise: over a network that loses, cuts, delays and repeats, each message arrives exactly once and in
// order, in both directions. The server is a model of the wire's contract; every run is repeatable by its seed.
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page, generator} = require('./harness');
const {Server} = require('./model');

// Every request meets one of the faults, or none.
function connect(page, server, random, faults) {
  page.network = (exchange) => {
    const delay = (longest) => random() * longest * 1000;
    const fault = random() < 0.4 ? faults[Math.floor(random() * faults.length)] : 'none';
    const reach = () => server[exchange.operation](exchange.body, (body, status = 200) => {
      const text = JSON.stringify(body);
      const back = {
        lostAnswer: () => exchange.respond(0, ''),
        silence: () => {},
        cut: () => exchange.respond(200, text.slice(0, Math.floor(random() * text.length))),
        html: () => exchange.respond(502, '<html>Bad gateway</html>'),
        late: () => page.clock.set(() => exchange.respond(status, text), delay(60))
      }[fault] || (() => exchange.respond(status, text));
      page.clock.set(back, delay(0.3));
    });
    if (fault === 'lostRequest') { return page.clock.set(() => exchange.respond(0, ''), delay(1)); }
    page.clock.set(reach, delay(0.3));
    if (fault === 'twice') { page.clock.set(() => server[exchange.operation](exchange.body, () => {}), delay(5)); }
  };
}

function disturb(page, random) {
  const event = ['online', 'visibilitychange', 'cache'][Math.floor(random() * 3)];
  if (event !== 'cache') { return page.fire(event); }
  page.fire('pagehide', {persisted: true});
  page.clock.advance(random() * 100);
  page.fire('pageshow', {persisted: true});
}

function run(seed, faults, disturbed) {
  const random = generator(seed);
  const page = new Page({random});
  const server = new Server(page.clock, random);
  const down = [], up = [], replies = [], accepted = [];
  page.start();
  connect(page, server, random, faults);
  page.deliver([]);
  for (let i = 0; i < 60; i += 1) {
    const text = `${seed}.${i}`;
    if (random() < 0.6) { down.push(text); server.publish(text); }
    if (random() < 0.4) { up.push(text); page.client.send(text, (error) => accepted.push(error || text)); }
    if (random() < 0.3) {
      up.push([text]);
      page.client.call('echo', [text], (error, result) => replies.push(error || result[0]));
    }
    if (disturbed && random() < 0.1) { disturb(page, random); }
    page.clock.advance(random() * 8);
  }
  page.clock.advance(3000);
  page.fire('online'); // the last chance for what is in a pause or in silence
  page.clock.advance(3000);
  assert.equal(page.client.state === 'gone', false);
  assert.deepEqual(page.messages, down, `messages to the browser, seed ${seed}`);
  assert.deepEqual(server.inbox, up, `messages to the server, seed ${seed}`);
  assert.deepEqual(accepted, up.filter((item) => typeof item === 'string'), `callbacks, seed ${seed}`);
  assert.deepEqual(replies, up.filter(Array.isArray).map((item) => item[0]), `replies, seed ${seed}`);
  assert.deepEqual(page.clock.errors, []);
}

const FAULTS = ['lostRequest', 'lostAnswer', 'silence', 'cut', 'html', 'late', 'twice'];

for (const fault of FAULTS) {
  test(`exactly once and in order: ${fault}`, () => {
    for (let seed = 1; seed <= 15; seed += 1) { run(seed, [fault], false); }
  });
}

test('exactly once and in order: all faults, a page that goes to sleep, into the cache and offline', () => {
  for (let seed = 100; seed < 140; seed += 1) { run(seed, FAULTS, true); }
});
