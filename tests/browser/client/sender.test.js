'use strict';
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page, plain} = require('./harness');

function startedPage(options) {
  const page = new Page(options);
  page.start();
  page.results = [];
  page.send = (data) => page.client.send(data, (error) => page.results.push(error ? error.code : data));
  return page;
}

function items(page) { return page.only('send').body.messages; }

function accept(page, received) { page.answer('send', {received}); }

test('the first message goes at once, what gathers meanwhile goes together', () => {
  const page = startedPage();
  for (const data of ['a', 'b', 'c']) { page.send(data); }
  assert.deepEqual(page.only('send').body, {token: 'T', messages: [[1, 'a']]});
  accept(page, 1);
  assert.deepEqual(items(page), [[2, 'b'], [3, 'c']]);
  accept(page, 3);
  assert.equal(page.open('send').length, 0);
  assert.deepEqual(page.results, ['a', 'b', 'c']);
});

test('a callback is called when its message is accepted, and not before', () => {
  const page = startedPage();
  page.send('a');
  assert.deepEqual(page.results, []);
  accept(page, 1);
  assert.deepEqual(page.results, ['a']);
});

test('a message is what it was when it was sent', () => {
  const page = startedPage();
  const data = {text: 'before'};
  page.send('first');
  page.send(data);
  data.text = 'after';
  accept(page, 1);
  assert.deepEqual(items(page), [[2, {text: 'before'}]]);
});

test('what JSON can not say is sent as null', () => {
  const page = startedPage();
  page.send(undefined);
  assert.deepEqual(items(page), [[1, null]]);
});

test('after a failure the same numbers go again, and later ones with them', () => {
  const page = startedPage();
  page.send('a');
  page.fail('send');
  page.send('b');
  assert.equal(page.open('send').length, 0);
  page.clock.advance(0.5);
  assert.deepEqual(items(page), [[1, 'a'], [2, 'b']]);
  page.answer('send', '<html>', 502);
  page.clock.advance(1);
  assert.deepEqual(items(page), [[1, 'a'], [2, 'b']]);
  accept(page, 2);
  assert.deepEqual(page.results, ['a', 'b']);
});

test('a send without an answer is given up after 30 seconds and repeated', () => {
  const page = startedPage();
  page.network = (exchange) => {
    if (exchange.operation !== 'poll') { return; }
    page.clock.set(() => exchange.respond(200, '{"messages":[],"cursor":0}'), 25000);
  };
  page.send('a');
  const send = page.only('send');
  page.clock.advance(30);
  assert.ok(send.aborted);
  page.clock.advance(0.5);
  assert.deepEqual(items(page), [[1, 'a']]);
});

test('limits: so many messages in a batch', () => {
  const page = startedPage();
  for (let i = 0; i < 25; i += 1) { page.send(i); }
  accept(page, 1);
  assert.equal(items(page).length, 10);
  accept(page, 11);
  assert.equal(items(page).length, 10);
  accept(page, 21);
  assert.equal(items(page).length, 4);
});

test('limits: so many bytes in a batch, counted in UTF-8', () => {
  for (const character of ['x', 'é', '€', '😀']) {
    const page = startedPage();
    const text = character.repeat(Math.floor(280 / Buffer.byteLength(character)));
    page.send('first');
    for (let i = 0; i < 6; i += 1) { page.send(text); }
    accept(page, 1);
    const sent = items(page);
    const size = Buffer.byteLength(JSON.stringify(sent));
    assert.ok(size <= 1000 && size > 700, `${size} bytes for ${character}`);
    assert.equal(sent.length, 3);
  }
});

test('one message alone may have as many bytes as the limit allows, and not one more', () => {
  const page = startedPage();
  page.send('x'.repeat(998));
  assert.equal(items(page)[0][1].length, 998);
  accept(page, 1);
  page.send('x'.repeat(999));
  page.send('next');
  assert.deepEqual(items(page), [[2, 'next']]);
  page.clock.advance(0);
  assert.equal(page.results.pop(), 'too_large');
});

test('a message that is too large takes no number, and its callback comes later', () => {
  const page = startedPage();
  page.send('€'.repeat(333));
  assert.deepEqual(page.results, []);
  page.send('a');
  assert.deepEqual(items(page), [[1, 'a']]);
  page.clock.advance(0);
  assert.deepEqual(page.results, ['too_large']);
});

test('prefix acceptance: the rest goes again at once', () => {
  const page = startedPage();
  for (const data of ['a', 'b', 'c', 'd']) { page.send(data); }
  accept(page, 1);
  accept(page, 2);
  assert.deepEqual(page.results, ['a', 'b']);
  assert.deepEqual(items(page), [[3, 'c'], [4, 'd']]);
});

test('an answer that accepts nothing new is retried with back-off', () => {
  for (const answer of [{received: 0}, {}, {received: 'x'}, {received: null}, {received: -5}]) {
    const page = startedPage();
    page.send('a');
    page.answer('send', answer);
    assert.equal(page.open('send').length, 0);
    page.clock.advance(0.5);
    assert.deepEqual(items(page), [[1, 'a']]);
  }
});

test('no more is taken as accepted than was sent', () => {
  const page = startedPage();
  page.send('a');
  page.send('b');
  accept(page, 99);
  assert.deepEqual(page.results, ['a']);
  assert.deepEqual(items(page), [[2, 'b']]);
});

test('gap: what the server has is accepted, the rest goes again', () => {
  const page = startedPage();
  page.send('x');
  for (const data of ['a', 'b', 'c']) { page.send(data); }
  accept(page, 1);
  page.answer('send', {error: {code: 'gap', message: 'gap', received: 2}}, 409);
  assert.deepEqual(items(page), [[3, 'b'], [4, 'c']]);
  page.answer('send', {error: {code: 'gap', message: 'gap', received: 2}}, 409);
  assert.equal(page.open('send').length, 0);
  page.clock.advance(0.5);
  accept(page, 4);
  assert.deepEqual(page.results, ['x', 'a', 'b', 'c']);
});

test('gap: a server that has lost what it accepted is told to the application, not hidden', () => {
  const page = startedPage();
  page.send('a');
  accept(page, 1);
  page.send('b');
  page.answer('send', {error: {code: 'gap', message: 'gap', received: 0}}, 409);
  assert.equal(page.client.state, 'gone');
  assert.deepEqual(page.results, ['a', 'gap']);
});

test('429 and 503: waits as long as the server asks', () => {
  for (const [code, status] of [['too_many', 429], ['draining', 503]]) {
    const page = startedPage();
    page.send('a');
    page.answer('send', {error: {code, message: 'later', retry: 3}}, status);
    page.clock.advance(2.9);
    assert.equal(page.open('send').length, 0);
    page.clock.advance(0.1);
    assert.deepEqual(items(page), [[1, 'a']]);
  }
});

test('413 for one message: its callback gets the error, its number goes to the next', () => {
  for (const [status, body] of [[413, '{"error":{"code":"too_large","message":"big"}}'], [413, '<html>nginx</html>'],
    [400, '{"error":{"code":"malformed","message":"deep"}}']]) {
    const page = startedPage();
    page.send('a');
    page.send('b');
    page.answer('send', body, status);
    assert.equal(page.results.length, 1);
    assert.deepEqual(items(page), [[1, 'b']]);
    accept(page, 1);
    assert.equal(page.results[1], 'b');
  }
});

test('413 for a batch: smaller ones find out which message it is', () => {
  const page = startedPage();
  const numbers = [];
  const received = [];
  page.send('first');
  for (let i = 0; i < 10; i += 1) { page.send(i); }
  accept(page, 1);
  while (page.open('send').length) {
    const batch = items(page);
    if (batch.some((item) => item[1] === 6)) {
      page.answer('send', '<html>', 413);
    } else {
      for (const [n, data] of batch) { numbers.push(n); received.push(data); }
      accept(page, numbers[numbers.length - 1]);
    }
  }
  assert.deepEqual(numbers, [2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual(received, [0, 1, 2, 3, 4, 5, 7, 8, 9]);
  assert.deepEqual(page.results, ['first', 0, 1, 2, 3, 4, 5, 'too_large', 7, 8, 9]);
});

test('the back-off of sends grows, and a restored connection cuts it short', () => {
  const page = startedPage();
  page.send('a');
  for (let i = 0; i < 6; i += 1) {
    page.fail('send');
    page.clock.advance(0.5 * 2 ** i);
    if (page.open('poll').length === 0) { page.clock.advance(1); }
  }
  page.fail('send');
  page.fail('poll');
  page.clock.advance(1);
  page.deliver([]);
  assert.deepEqual(items(page), [[1, 'a']]);
});

test('gone: every callback gets the error once, also those of later messages', () => {
  const page = startedPage();
  for (const data of ['a', 'b', 'c']) { page.send(data); }
  page.client.call('count', [], (error) => page.results.push(error.code));
  page.answer('send', {error: {code: 'gone', message: 'late'}}, 410);
  assert.deepEqual(page.results, ['gone', 'gone', 'gone', 'gone']);
  page.send('d');
  assert.equal(page.results.length, 4);
  page.clock.advance(100);
  assert.deepEqual(page.results, ['gone', 'gone', 'gone', 'gone', 'gone']);
  assert.equal(page.open('send').length + page.open('poll').length, 0);
});

test('a callback that throws, sends or leaves breaks nothing', () => {
  const page = startedPage();
  page.client.send('a', () => { page.send('from a callback'); throw new Error('mine'); });
  page.send('b');
  accept(page, 1);
  assert.deepEqual(items(page), [[2, 'b'], [3, 'from a callback']]);
  accept(page, 3);
  page.clock.advance(0);
  assert.deepEqual(page.clock.errors.map((error) => error.message), ['mine']);
  page.client.send('c', () => page.client.leave());
  accept(page, 4);
  assert.equal(page.client.state, 'gone');
});

test('a call is a list of arguments and a method, its reply is matched by number', () => {
  const page = startedPage();
  const replies = [];
  page.client.call('recent', [20, 'x'], (error, result) => replies.push(plain([error, result])));
  page.client.call('fail', [], (error, result) => replies.push(plain([error, result === undefined])));
  assert.deepEqual(items(page), [[1, [20, 'x'], 'recent']]);
  accept(page, 1);
  accept(page, 2);
  page.deliver([[1, {error: {code: 'no', message: 'not that'}}, 2], [2, {result: [1, 2]}, 1]]);
  assert.deepEqual(replies, [[{code: 'no', message: 'not that'}, true], [null, [1, 2]]]);
  assert.deepEqual(page.messages, []);
});

test('a reply that comes before the answer to its send counts as the acceptance', () => {
  const page = startedPage();
  const replies = [];
  page.client.call('a', [], (error, result) => replies.push(result));
  page.send('b');
  page.deliver([[1, {result: 'A'}, 1]]);
  assert.deepEqual(replies, ['A']);
  page.fail('send');
  page.clock.advance(0.5);
  assert.deepEqual(items(page), [[2, 'b']]);
});

test('an answer that tells no more than a reply already has is not taken for a failure', () => {
  const page = startedPage();
  page.client.call('a', [], () => {});
  page.send('b');
  page.deliver([[1, {result: 'A'}, 1]]);
  accept(page, 1);
  assert.deepEqual(items(page), [[2, 'b']]);
});

test('a reply is given once, though it is repeated', () => {
  const page = startedPage();
  let count = 0;
  page.client.call('a', [], () => { count += 1; });
  accept(page, 1);
  page.deliver([[1, {result: 'A'}, 1]]);
  page.deliver([[1, {result: 'A'}, 1], [2, {result: 'A'}, 1]]);
  assert.equal(count, 1);
});

test('calls that wait for their reply get the error when the client is gone', () => {
  const page = startedPage();
  const errors = [];
  page.client.call('a', [], (error) => errors.push(error.code));
  accept(page, 1);
  page.answer('poll', {error: {code: 'gone', message: 'late'}}, 410);
  assert.deepEqual(errors, ['gone']);
});

test('a hook that failed on a message is told as an error event, or shown in the console', () => {
  const page = startedPage();
  page.send('a');
  accept(page, 1);
  page.deliver([[1, {error: {code: 'failed', message: 'the hook failed'}}, 1]]);
  assert.deepEqual(page.named('error'), [[{code: 'failed', message: 'the hook failed'}]]);
  const silent = new Page();
  silent.thywill.ready((client) => client.send('a'));
  silent.deliver([]);
  silent.deliver([[1, {error: {code: 'failed', message: 'the hook failed'}}, 1]]);
  silent.clock.advance(0);
  assert.deepEqual(silent.clock.errors.map((error) => error.message), ['the hook failed']);
});
