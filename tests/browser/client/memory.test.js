'use strict';
// A page that is open for a day must not grow by what has gone through it.
const assert = require('node:assert/strict');
const {test} = require('node:test');
const v8 = require('node:v8');
const vm = require('node:vm');
const {Page} = require('./harness');
const {messages, greet} = require('./streams');

const COUNT = 40000, WARM = 10000;
// Bytes for each message; one that is kept takes more than 100.
const BOUND = 5;

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');

function heap() {
  collect();
  return process.memoryUsage().heapUsed;
}

// How many bytes each message leaves behind, once the first ones have warmed up everything.
function growth(page, deliver) {
  let before = 0, count = 0;
  page.network = null;
  for (let i = 1; i <= COUNT; i += 1) {
    deliver(i);
    if (i % 50 === 0) {
      page.clock.advance(1);
      page.exchanges = page.exchanges.filter((exchange) => exchange.open);
    }
    if (i === WARM) { before = heap(); }
  }
  count = COUNT - WARM;
  return (heap() - before) / count;
}

// The harness notes nothing of these clients.
function begin(options) {
  const page = new Page({eventSource: true, bootstrap: {push: ['sockjs', 'longpoll']}, ...options});
  page.count = 0;
  page.thywill.ready((client) => {
    page.client = client;
    client.on('message', () => { page.count += 1; });
  });
  page.deliver([]);
  return page;
}

for (const [name, operation] of [['xhr-streaming', 'xhr_streaming'], ['eventsource', 'eventsource'], ['htmlfile', 'htmlfile']]) {
  test(`a day of messages leaves nothing behind: ${name}`, () => {
    const page = begin({address: `http://here/chat/?transport=${name}`});
    let stream = greet(page, operation);
    const grown = growth(page, (i) => {
      stream.frame(messages([[i, `message ${i} ${'x'.repeat(40)}`]], i - 1));
      if (page.open('xhr_send').length) { page.answer('xhr_send', '', 204); }
      if (i % 1000 === 0) {
        stream.finish();
        page.clock.advance(0);
        stream = page.only(operation);
      }
    });
    assert.equal(page.count, COUNT);
    assert.ok(grown < BOUND, `${grown} bytes for each message`);
  });
}

test('a day of messages leaves nothing behind: longpoll, with sends and calls', () => {
  const page = begin({bootstrap: {}});
  let sent = 0;
  const grown = growth(page, (i) => {
    page.deliver([[i, `message ${i}`]]);
    if (i % 10) { return; }
    page.client.send(`up ${i}`);
    page.answer('send', {received: sent += 1});
  });
  assert.equal(page.count, COUNT);
  assert.ok(grown < BOUND, `${grown} bytes for each message`);
});
