'use strict';
// What an application hears and gets back: events by type, presence, promises, time-outs, and a restart of the server.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {test} = require('node:test');
const {Page, FOLDER, plain} = require('./harness');

const UNKNOWN = {error: {code: 'gone', message: 'this server does not know this client', reconnect: true}};
const NEW = {client: 'c2', token: 'T2', cursor: 7, hold: 25, limits: {message: 1000, messages: 10}, push: ['longpoll']};

function started(options) {
  const page = new Page(options);
  page.start();
  page.events.length = 0;
  return page;
}

function withPromises() {
  const page = started();
  page.context.Promise = Promise;
  return page;
}

async function rejected(promise) {
  try {
    await promise;
  } catch (error) {
    return plain(error);
  }
  return null;
}

test('a message with a type is heard by its type, and as a message', () => {
  const page = started();
  const heard = [];
  page.client.on('message:stroke', (data) => heard.push(['stroke', data.x]));
  page.client.on('message:', (data) => heard.push(['empty', data.x]));
  page.deliver([[1, {type: 'stroke', x: 1}], [2, {type: 'other'}], [3, 'stroke'], [4, null], [5, {type: '', x: 5}]]);
  assert.deepEqual(heard, [['stroke', 1], ['empty', 5]]);
  assert.equal(page.messages.length, 5);
});

test('typed messages that come early wait for the application', () => {
  const page = new Page({bootstrap: {resources: {scripts: ['a.js'], styles: []}}});
  page.deliver([[1, {type: 'hello'}]]);
  const heard = [];
  page.thywill.ready((client) => client.on('message:hello', (data) => heard.push(data.type)));
  page.scripts[0].end(true);
  assert.deepEqual(heard, ['hello']);
});

test('presence has the channel, and who has come and gone', () => {
  const page = started();
  const heard = [];
  page.client.on('presence', (...all) => heard.push(plain(all)));
  page.deliver([[1, {channel: 'board', joined: [{id: 'p1'}], left: []}, 'presence'], [2, {some: 'thing'}, 'of a later version']]);
  assert.deepEqual(heard, [['board', [{id: 'p1'}], []]]);
  assert.deepEqual(page.messages, []);
});

test('a message that the server refuses after it was accepted is an error with the reason', () => {
  const page = started();
  page.client.send({type: 'stroke', points: 3});
  page.answer('send', {received: 1});
  page.deliver([[1, {error: {code: 'malformed', message: 'stroke.points: a list is expected'}}, 1]]);
  assert.deepEqual(page.named('error'), [[{code: 'malformed', message: 'stroke.points: a list is expected'}]]);
});

test('without a callback send and call return promises', async () => {
  const page = withPromises();
  const sent = page.client.send('a');
  page.answer('send', {received: 1});
  assert.equal(await sent, undefined);
  const called = page.client.call('add', [1, 2]);
  page.answer('send', {received: 2});
  page.deliver([[1, {result: 3}, 2]]);
  assert.equal(await called, 3);
  const refused = page.client.call('no');
  assert.equal(page.only('send').body.messages[0][1].length, 0);
  page.answer('send', {received: 3});
  page.deliver([[2, {error: {code: 'denied', message: 'not you'}}, 3]]);
  assert.deepEqual(await rejected(refused), {code: 'denied', message: 'not you'});
});

test('a promise that nobody looks at makes no noise when the client ends', async () => {
  const page = withPromises();
  let noise = 0;
  const count = () => { noise += 1; };
  process.on('unhandledRejection', count);
  page.client.send('a');
  page.client.leave();
  await new Promise((resolve) => { setImmediate(resolve); });
  process.off('unhandledRejection', count);
  assert.equal(noise, 0);
});

test('with a callback, or in an old browser, nothing is returned', () => {
  const page = started();
  assert.equal(page.client.send('a'), undefined);
  assert.equal(page.client.call('m', [], () => {}), undefined);
  page.context.Promise = Promise;
  assert.equal(page.client.send('a', () => {}), undefined);
  assert.equal(page.client.call('m', [], () => {}), undefined);
});

test('a call may have a time-out, and what comes after it is ignored', async () => {
  const page = withPromises();
  const heard = [];
  page.client.call('slow', [], (error, result) => heard.push([error && error.code, result]), {timeout: 5});
  const promise = page.client.call('slow', [], {timeout: 6});
  const other = page.client.call('slow', [], null, {timeout: 7});
  const quick = page.client.call('quick', [], {timeout: 60});
  page.answer('send', {received: 1});
  page.answer('send', {received: 4});
  page.clock.advance(4.9);
  assert.deepEqual(heard, []);
  page.clock.advance(2.2);
  assert.deepEqual(heard, [['timeout', undefined]]);
  assert.deepEqual(await rejected(promise), {code: 'timeout', message: 'No answer in 6 s.'});
  assert.deepEqual(await rejected(other), {code: 'timeout', message: 'No answer in 7 s.'});
  page.deliver([[1, {result: 'late'}, 1], [2, {result: 'in time'}, 4]]);
  assert.equal(await quick, 'in time');
  assert.equal(heard.length, 1);
  assert.deepEqual(Object.keys(page.client.calls), ['2', '3']);
});

test('a time-out ends with the client', () => {
  const page = started();
  const heard = [];
  page.client.call('slow', [], (error) => heard.push(error.code), {timeout: 5});
  page.client.leave();
  page.clock.advance(10);
  assert.deepEqual(heard, ['left']);
  assert.deepEqual(page.clock.timers, []);
});

// A page that wants to begin anew, whose server has forgotten it.
function forgotten() {
  const page = started();
  page.restarts = [];
  page.client.on('restart', (unsent) => page.restarts.push(plain(unsent)));
  page.client.send({text: 'unsent'}, (error) => page.events.push(['callback', error.code]));
  page.client.call('m', [], (error) => page.events.push(['callback', error.code]));
  page.answer('poll', UNKNOWN, 410);
  return page;
}

test('where the application hears restart, a client that the server does not know begins anew', () => {
  const page = forgotten();
  assert.equal(page.client.state, 'connecting');
  assert.deepEqual(page.named('callback'), [['gone'], ['gone']]);
  page.client.send('meanwhile');
  page.clock.advance(1);
  assert.deepEqual(page.only('connect').body, {application: 'chat'});
  page.answer('connect', NEW);
  assert.deepEqual([page.client.id, page.only('poll').body.token, page.only('poll').body.cursor], ['c2', 'T2', 7]);
  page.deliver([[8, 'new']], 8);
  assert.deepEqual(page.states, ['connecting', 'connected']);
  assert.deepEqual(page.restarts, [[{text: 'unsent'}, 'meanwhile']]);
  assert.deepEqual(page.messages, ['new']);
  page.client.send('after');
  assert.deepEqual(page.only('send').body.messages, [[1, 'after']]);
  assert.deepEqual(plain(page.client.unsent), []);
});

test('it tries until the server is there, and less often while the server forgets it at once', () => {
  const page = forgotten();
  const times = [];
  for (let i = 0; i < 5; i += 1) {
    const begun = page.clock.time;
    while (!page.open('connect').length) { page.clock.advance(0.1); }
    times.push((page.clock.time - begun) / 1000);
    page.answer('connect', NEW);
    page.answer('poll', UNKNOWN, 410);
  }
  assert.ok(times[4] > 5 * times[0], String(times));
  while (!page.open('connect').length) { page.clock.advance(0.1); }
  page.fail('connect');
  while (!page.open('connect').length) { page.clock.advance(0.1); }
  page.answer('connect', NEW);
  page.deliver([], 7);
  assert.equal(page.restarts.length, 1);
  assert.equal(page.client.state, 'connected');
});

test('it ends where the server refuses a new client, or when it leaves meanwhile', () => {
  const refused = forgotten();
  refused.clock.advance(1);
  refused.answer('connect', {error: {code: 'not_found', message: 'there is no application'}}, 404);
  assert.deepEqual(refused.named('state').pop(), ['gone', {code: 'not_found', message: 'there is no application'}]);
  const left = forgotten();
  left.client.leave();
  left.clock.advance(60);
  assert.equal(left.client.state, 'gone');
  assert.deepEqual(left.open('connect'), []);
});

test('without a listener for restart, or where the server has ended it on purpose, the client is gone', () => {
  const deaf = started();
  deaf.answer('poll', UNKNOWN, 410);
  const evicted = started();
  evicted.client.on('restart', () => {});
  evicted.answer('poll', {error: {code: 'gone', message: 'enough'}}, 410);
  for (const page of [deaf, evicted]) {
    page.clock.advance(60);
    assert.deepEqual([page.client.state, page.open('connect').length], ['gone', 0]);
  }
});

test('what is not sent when the client ends is kept, within bounds', () => {
  const page = started();
  for (let i = 0; i < 1500; i += 1) { page.client.send(i); }
  page.answer('poll', UNKNOWN, 410);
  page.client.send('later');
  page.clock.advance(1);
  assert.deepEqual([page.client.unsent.length, page.client.unsent[999]], [1000, 999]);
});

test('thywill.d.ts names what a client has', () => {
  const text = fs.readFileSync(path.join(FOLDER, 'thywill.d.ts'), 'utf8');
  const [body] = /interface Client<[^]*?\n  }/.exec(text);
  const names = [...body.matchAll(/^    (?:readonly )?(\w+)[:<(]/gm)].map((match) => match[1]);
  const {client} = started();
  assert.ok(names.length > 12, String(names));
  for (const name of names) { assert.ok(name in client, name); }
});

function withTicket() {
  const page = new Page({bootstrap: false});
  page.asked = 0;
  page.thywill.connect({server: 'http://here/', application: 'chat', ticket: 'A.1'}, (client) => {
    page.client = client;
    page.record(client);
    client.on('ticket', () => { page.asked += 1; });
    client.on('restart', () => {});
  });
  assert.deepEqual(page.only('connect').body, {application: 'chat', ticket: 'A.1'});
  page.answer('connect', {...NEW, user: {id: 'u7', name: 'Ada'}, ticket: 100});
  page.deliver([], 7);
  return page;
}

// Lets time pass in which polls bring nothing.
function pass(page, seconds) {
  for (let i = 0; i < seconds; i += 1) {
    page.clock.advance(1);
    if (i % 20 === 19 && page.open('poll').length) { page.deliver([], 7); }
  }
}

test('a ticket is renewed before it ends', async () => {
  const page = withTicket();
  page.context.Promise = Promise;
  assert.deepEqual(plain(page.client.user), {id: 'u7', name: 'Ada'});
  pass(page, 79);
  assert.equal(page.asked, 0);
  pass(page, 2);
  assert.equal(page.asked, 1);
  const renewed = page.client.renew('B.2');
  page.fail('ticket');
  page.clock.advance(1);
  assert.deepEqual(page.only('ticket').body, {token: 'T2', ticket: 'B.2'});
  page.answer('ticket', {ticket: 50});
  assert.equal(await renewed, undefined);
  pass(page, 41);
  assert.equal(page.asked, 2);
  const refused = page.client.renew('C.3');
  page.answer('ticket', {error: {code: 'bad_ticket', message: 'it has expired'}}, 401);
  assert.deepEqual(await rejected(refused), {code: 'bad_ticket', message: 'it has expired'});
  assert.equal(page.client.state, 'connected');
});

test('a client that begins anew shows its newest ticket', () => {
  const page = withTicket();
  page.client.renew('B.2', () => {});
  page.answer('ticket', {ticket: 60});
  page.answer('poll', UNKNOWN, 410);
  page.clock.advance(1);
  assert.deepEqual(page.only('connect').body, {application: 'chat', ticket: 'B.2'});
  page.client.leave();
  page.clock.advance(10);
  assert.deepEqual(page.clock.timers, []);
});

test('one whose ticket stood in the address of the page does not become somebody else', () => {
  const page = new Page({bootstrap: {ticket: 100}});
  page.start().on('restart', () => {});
  page.answer('poll', UNKNOWN, 410);
  assert.equal(page.client.state, 'gone');
});

test('connect fails with a ticket that is not valid', () => {
  const page = new Page({bootstrap: false});
  const told = [];
  page.thywill.connect({server: 'http://here/', application: 'chat', ticket: 'x'}, () => {}, (failure) => told.push(plain(failure)));
  page.answer('connect', {error: {code: 'bad_ticket', message: 'the ticket has expired'}}, 401);
  assert.deepEqual(told, [{step: 'connect', message: 'the ticket has expired'}]);
});
