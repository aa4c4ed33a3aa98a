'use strict';
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page, plain} = require('./harness');

const SCRIPTS = {resources: {scripts: ['../static/1/chat/a.js', '../static/1/chat/b.js'], styles: []}};

function watch(page) {
  page.told = [];
  page.thywill.ready((client) => page.told.push(client), (failure) => page.told.push(plain(failure)));
  return page;
}

test('the application starts when the client is connected', () => {
  const page = watch(new Page());
  assert.deepEqual(page.told, []);
  page.deliver([]);
  const [client] = page.told;
  assert.equal(client.id, 'c1');
  assert.equal(client.application, 'chat');
  assert.deepEqual(plain(client.parameters), {title: 'Chat'});
  assert.equal(client.state, 'connected');
});

test('the client connects while the scripts are loaded, one after another', () => {
  const page = new Page({bootstrap: SCRIPTS});
  assert.equal(page.open('poll').length, 1);
  assert.deepEqual(page.scripts.map((script) => script.src), ['http://here/static/1/chat/a.js']);
  page.scripts[0].end(true);
  assert.deepEqual(page.scripts.map((script) => script.src), ['http://here/static/1/chat/a.js', 'http://here/static/1/chat/b.js']);
  watch(page);
  page.deliver([]);
  assert.deepEqual(page.told, []);
  page.scripts[1].end(true);
  assert.equal(page.told[0].id, 'c1');
  // The connection bar.
  page.scripts[2].end(true);
  assert.equal(page.head.children.length, 0);
});

test('the scripts may be there before the connection', () => {
  const page = watch(new Page({bootstrap: SCRIPTS}));
  page.scripts[0].end(true);
  page.scripts[1].end(true);
  assert.deepEqual(page.told, []);
  page.deliver([]);
  assert.equal(page.told[0].id, 'c1');
});

test('what happens before the start is told after it', () => {
  const page = new Page({bootstrap: SCRIPTS});
  page.deliver([[1, 'a'], [2, 'b']], 2, {lost: 3});
  page.deliver([[3, 'c']]);
  page.scripts[0].end(true);
  page.thywill.ready((client) => page.record(client));
  page.scripts[1].end(true);
  assert.deepEqual(page.messages, ['a', 'b', 'c']);
  assert.deepEqual(page.states, ['lost', 'connected']);
  page.deliver([[4, 'd']]);
  assert.deepEqual(page.messages, ['a', 'b', 'c', 'd']);
});

test('thywill.ready after the start calls back as well', () => {
  const page = watch(new Page());
  page.deliver([]);
  watch(page);
  assert.deepEqual(page.told, []);
  page.clock.advance(0);
  assert.equal(page.told[0].id, 'c1');
});

test('bootstrap fails: not JSON', () => {
  const page = watch(new Page({bootstrap: '<html>'}));
  assert.equal(page.told[0].step, 'bootstrap');
  assert.equal(page.notes.length, 1);
  assert.equal(page.exchanges.length, 0);
});

test('bootstrap fails: a page without one, which is nothing to complain of until someone waits for it', () => {
  const page = new Page({bootstrap: false});
  assert.equal(page.notes.length, 0);
  watch(page);
  assert.equal(page.told[0].step, 'bootstrap');
});

test('resources fail: the client leaves, the failure names the script', () => {
  const page = new Page({bootstrap: SCRIPTS});
  page.scripts[0].end(true);
  watch(page);
  page.deliver([]);
  page.scripts[1].end(false);
  assert.equal(page.told[0].step, 'resources');
  assert.match(page.told[0].message, /b\.js/);
  assert.equal(page.beacons.length, 1);
  assert.equal(page.open('poll').length, 0);
  assert.deepEqual(page.notes, []);
  assert.equal(page.told.length, 1);
});

test('a failure that no application can show is shown in the page', () => {
  const page = new Page({bootstrap: SCRIPTS});
  page.scripts[0].end(false);
  assert.match(page.notes[0], /a\.js/);
  assert.equal(page.scripts.length, 1);
});

test('a failure without a function for it is shown in the page', () => {
  const page = new Page();
  page.thywill.ready(() => {});
  page.answer('poll', {error: {code: 'gone', message: 'Too late.'}}, 410);
  assert.deepEqual(page.notes, ['Too late.']);
});

test('connect fails: the client is gone before it was there', () => {
  const page = watch(new Page());
  page.answer('poll', {error: {code: 'bad_token', message: 'The token is forged.'}}, 401);
  assert.deepEqual(page.told, [{step: 'connect', message: 'The token is forged.'}]);
});

test('connect goes on for ever while the network is down', () => {
  const page = watch(new Page());
  for (let i = 0; i < 20; i += 1) {
    page.fail('poll');
    page.clock.advance(30 - (i < 6 ? 30 - 0.5 * 2 ** i : 0));
  }
  assert.deepEqual(page.told, []);
  page.deliver([]);
  assert.equal(page.told[0].id, 'c1');
});

test('application fails: its start throws', () => {
  const page = new Page();
  const told = [];
  page.thywill.ready(() => { throw new Error('mine'); }, (failure) => told.push(plain(failure)));
  watch(page);
  page.deliver([]);
  page.clock.advance(0);
  assert.deepEqual(told, [{step: 'application', message: 'mine'}]);
  assert.deepEqual(page.clock.errors.map((error) => error.message), ['mine']);
  assert.equal(page.told[0].id, 'c1');
});

test('application fails: no script has called thywill.ready (as IE8 has it for a script that is missing)', () => {
  const page = new Page({bootstrap: SCRIPTS, oldEvents: true});
  page.deliver([]);
  page.scripts[0].end(false);
  page.scripts[1].end(false);
  assert.match(page.notes[0], /thywill\.ready/);
  assert.equal(page.open('poll').length, 0);
});

test('a script with a syntax error is named, with its line', () => {
  const page = new Page({bootstrap: SCRIPTS});
  page.deliver([]);
  page.fire('error', {message: 'elsewhere', filename: 'http://here/other.js', lineno: 1});
  page.fire('error', {message: 'SyntaxError: Unexpected token', filename: 'http://here/static/1/chat/a.js', lineno: 12});
  page.scripts[0].end(true);
  page.scripts[1].end(true);
  assert.deepEqual(page.notes, ['SyntaxError: Unexpected token (http://here/static/1/chat/a.js, line 12)']);
});

test('the addresses of scripts are resolved before the first may change the page\'s own', () => {
  const page = new Page({bootstrap: SCRIPTS});
  page.context.location.href = 'http://here/far/away/from/chat';
  page.scripts[0].end(true);
  assert.deepEqual(page.scripts.map((script) => script.src),
    ['http://here/static/1/chat/a.js', 'http://here/static/1/chat/b.js']);
});

test('addresses are resolved at once: the application may change the page\'s own', () => {
  const page = new Page({address: 'http://here/prefix/chat/'});
  assert.equal(page.only('poll').url, 'http://here/prefix/thywill/poll');
});

test('connect: a page of another origin gets a client', () => {
  const page = new Page({bootstrap: false, address: 'http://elsewhere/'});
  page.thywill.connect({server: 'http://here:8000', application: 'chat'}, (client) => {
    page.client = client;
    page.record(client);
  });
  const connect = page.only('connect');
  assert.equal(connect.url, 'http://here:8000/thywill/connect');
  assert.deepEqual(connect.body, {application: 'chat'});
  assert.equal(connect.request.withCredentials, true);
  const limits = {message: 100, messages: 5};
  page.answer('connect', {client: 'c2', token: 'U', cursor: 0, hold: 25, grace: 60, limits});
  assert.equal(page.client, undefined);
  page.deliver([]);
  assert.equal(page.client.id, 'c2');
  assert.equal(page.client.application, 'chat');
  page.deliver([[1, 'a']]);
  assert.deepEqual(page.messages, ['a']);
});

test('connect: what passes is tried again, a refusal is final', () => {
  const page = new Page({bootstrap: false, address: 'http://elsewhere/'});
  const told = [];
  page.thywill.connect({server: 'http://here/', application: 'chat'}, null, (failure) => told.push(plain(failure)));
  page.fail('connect');
  page.clock.advance(0.5);
  page.answer('connect', '<html>', 502);
  page.clock.advance(1);
  page.answer('connect', {error: {code: 'draining', message: 'later', retry: 3}}, 503);
  page.clock.advance(3);
  page.answer('connect', {error: {code: 'unavailable', message: 'no database', retry: 1}}, 503);
  page.clock.advance(1);
  page.answer('connect', '{}');
  page.clock.advance(2);
  page.answer('connect', {error: {code: 'not_found', message: 'There is no application chat.'}}, 404);
  assert.deepEqual(told, [{step: 'connect', message: 'There is no application chat.'}]);
  page.clock.advance(100);
  assert.equal(page.open('connect').length, 0);
});

test('connect: a wrong address is told', () => {
  const page = new Page({bootstrap: false});
  const told = [];
  const failed = (failure) => told.push(failure.step);
  page.thywill.connect({server: 'http://here/nothing/', application: 'chat'}, null, failed);
  page.answer('connect', '<h1>404</h1>', 404);
  assert.deepEqual(told, ['connect']);
});

test('an engine that does not resolve links has the address as it is', () => {
  const page = new Page({links: false});
  assert.equal(page.only('poll').url, '../thywill/poll');
});
