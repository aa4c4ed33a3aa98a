'use strict';
// The delivery promise: over a network that loses, cuts, delays and repeats, each message arrives exactly once and in
// order, in both directions. The server is a model of the wire's contract; every run is repeatable by its seed.
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page, generator} = require('./harness');

const HOLD = 25;

class Server {
  constructor(clock, random) {
    Object.assign(this, {clock, random, queue: [], id: 0, cursor: 0, received: 0, inbox: [], parked: null});
  }

  publish(data) {
    this.append([0, data]);
  }

  append(item) {
    this.id += 1 + Math.floor(this.random() * 3); // ids grow, with gaps
    item[0] = this.id;
    this.queue.push(item);
    if (this.parked) { this.parked(this.batch()); }
  }

  batch() {
    const messages = this.queue.slice(0, 5);
    this.parked = null;
    return {messages, cursor: messages.length ? messages[messages.length - 1][0] : this.cursor};
  }

  poll(body, answer) {
    if (this.parked) { this.parked({messages: [], cursor: this.cursor, superseded: true}); }
    this.parked = null;
    if (body.cursor < this.cursor) { return answer({messages: [], cursor: this.cursor, superseded: true}); }
    assert.ok(body.cursor <= this.id, 'a cursor that was never given out');
    this.cursor = body.cursor;
    this.queue = this.queue.filter((item) => item[0] > this.cursor);
    if (this.queue.length || body.hold === 0) { return answer(this.batch()); }
    this.parked = answer;
    this.clock.set(() => { if (this.parked === answer) { answer(this.batch()); } }, HOLD * 1000);
  }

  send(body, answer) {
    if (this.random() < 0.1) { return answer({error: {code: 'too_many', message: 'wait', retry: 1}}, 429); }
    if (body.messages[0][0] > this.received + 1) {
      return answer({error: {code: 'gap', message: 'gap', received: this.received}}, 409);
    }
    const fresh = body.messages.filter((item) => item[0] > this.received);
    const taken = fresh.slice(0, Math.ceil(fresh.length * (this.random() < 0.2 ? 0.5 : 1)));
    for (const item of taken) { this.take(item); }
    return answer({received: this.received});
  }

  take(item) {
    this.received = item[0];
    this.inbox.push(item[1]);
    if (item.length > 2) { this.append([0, {result: item[1]}, item[0]]); }
  }
}

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
  for (let seed = 100; seed < 180; seed += 1) { run(seed, FAULTS, true); }
});
