'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {test} = require('node:test');
const vm = require('node:vm');
const {Page, FILES, FOLDER} = require('./harness');

function startedPage(options) {
  const page = new Page(options);
  page.start();
  page.events.length = 0;
  return page;
}

test('the harness loads every file of the client', () => {
  const files = fs.readdirSync(FOLDER).filter((name) => name.endsWith('.js'));
  assert.deepEqual([...FILES, 'bar.js', 'bridge.js', 'cut.js', 'dom.js', 'frame.js', 'front.js'].sort(), files.sort());
});

test('there is one global', () => {
  const before = Object.keys(new Page({bootstrap: false}).globals());
  const {context} = new Page({bootstrap: false});
  const added = Object.keys(context).filter((name) => !before.includes(name));
  assert.deepEqual(added, ['thywill']);
});

test('the context of these tests has nothing newer than ES3', () => {
  const {context} = new Page({bootstrap: false});
  for (const name of ['[].indexOf', '[].forEach', '[].map', 'Array.isArray', 'Object.keys', 'Object.create',
    '"".trim', '(function () {}).bind', 'Date.now', 'this.Promise', 'this.fetch', 'this.WebSocket']) {
    assert.equal(vm.runInContext(name, context), undefined, name);
  }
});

test('no file asks for the browser\'s name, evaluates text or uses what the project does without', () => {
  for (const name of FILES) {
    const text = fs.readFileSync(path.join(FOLDER, name), 'utf8');
    assert.doesNotMatch(text, /userAgent|appVersion|\beval\b|new Function|\bfetch\b|WebSocket/, name);
  }
});

test('the states, from the first poll to the end', () => {
  const page = new Page();
  page.start();
  assert.deepEqual(page.events, [['state', 'connected']]);
  page.fail('poll');
  assert.equal(page.client.state, 'waiting');
  page.clock.advance(0.5);
  assert.equal(page.client.state, 'waiting');
  page.deliver([]);
  assert.equal(page.client.state, 'connected');
  page.client.leave();
  assert.deepEqual(page.states, ['connected', 'waiting', 'connected', 'gone']);
});

test('a listener is called until it is taken off', () => {
  const page = startedPage();
  const heard = [];
  const listener = (data) => heard.push(data);
  page.client.on('message', listener);
  page.deliver([[1, 'a']]);
  page.client.off('message', listener);
  page.deliver([[2, 'b']]);
  assert.deepEqual(heard, ['a']);
  assert.deepEqual(page.messages, ['a', 'b']);
});

test('listeners may come and go during an event', () => {
  const page = startedPage();
  const heard = [];
  const once = (data) => {
    heard.push(`once ${data}`);
    page.client.off('message', once);
    page.client.on('message', (later) => heard.push(`later ${later}`));
  };
  page.client.on('message', once);
  page.client.on('message', (data) => heard.push(`always ${data}`));
  page.deliver([[1, 'a'], [2, 'b']]);
  assert.deepEqual(heard, ['once a', 'always a', 'always b', 'later b']);
});

test('a misspelt event throws at once', () => {
  const page = startedPage();
  assert.throws(() => page.client.on('mesage', () => {}), /no event "mesage"/);
  assert.throws(() => page.client.off('toString', () => {}), /no event "toString"/);
});

test('the state is told before the callbacks of what is lost with it', () => {
  const page = startedPage();
  page.client.send('a', () => page.events.push(['callback', page.client.state]));
  page.answer('poll', {error: {code: 'gone', message: 'late'}}, 410);
  assert.deepEqual(page.events.map((event) => event.slice(0, 2)), [['state', 'gone'], ['callback', 'gone']]);
});

test('a client that has left keeps no timer, whatever it was doing', () => {
  for (const before of [
    () => {},
    (page) => page.fail('poll'),
    (page) => { page.client.send('a'); page.fail('send'); },
    (page) => { page.client.send('a'); page.answer('send', {received: 1}); },
    (page) => {
      page.client.on('message', () => page.client.leave());
      page.deliver([[1, 'a']], 1, {retry: 5});
    }
  ]) {
    const page = startedPage();
    page.clock.advance(5);
    before(page);
    page.client.leave();
    assert.deepEqual(page.clock.timers, []);
  }
});

test('two clients of one page do not know of one another', () => {
  const page = new Page({bootstrap: false});
  const clients = [];
  for (const id of ['one', 'two']) {
    page.thywill.connect({server: 'http://here/', application: 'chat'}, (client) => clients.push(client));
    page.answer('connect', {client: id, token: id, cursor: 0, hold: 25, limits: {message: 100, messages: 5}});
    page.open('poll').find((poll) => poll.body.token === id).respond(200, '{"messages":[],"cursor":0}');
  }
  clients[0].leave();
  assert.deepEqual(clients.map((client) => client.state), ['gone', 'connected']);
  assert.equal(page.only('poll').body.token, 'two');
});

test('a client that leaves in a callback calls back those that were accepted with it', () => {
  const page = new Page();
  page.start();
  const told = [];
  page.client.send('first');
  page.client.send('a', (error) => { told.push(['send', error]); page.client.leave(); });
  page.client.call('m', [], (error) => told.push(['call', error && error.code]));
  page.client.send('b', (error) => told.push(['send', error]));
  page.answer('send', {received: 1});
  page.answer('send', {received: 4});
  assert.deepEqual(told, [['send', null], ['call', 'left'], ['send', null]]);
  assert.deepEqual(Object.keys(page.client.calls), []);
});

test('an error of the connection itself is an error event, and no message', () => {
  const page = startedPage();
  const errors = [];
  page.client.on('error', (error) => errors.push(error.code));
  page.deliver([[1, {error: {code: 'failed', message: 'no'}}, 0]]);
  assert.deepEqual(errors, ['failed']);
  assert.deepEqual(page.messages, []);
});

test('people who join and leave are told, and all of them after a restart of the server', () => {
  const page = startedPage();
  const heard = [];
  const ids = (people) => Array.from(people, (person) => person.id).join();
  const tell = (id, event) => page.deliver([[id, event, 'presence']]);
  page.client.on('presence', (channel, joined, left) => heard.push([channel, ids(joined), left && ids(left)]));
  tell(1, {channel: 'lobby', joined: [{id: 'ada'}, {id: 'bob'}], left: []});
  tell(2, {channel: 'lobby', joined: [], left: [{id: 'bob'}]});
  tell(3, {channel: 'lobby', joined: [{id: 'cem'}], left: [], reset: true});
  assert.deepEqual(heard, [['lobby', 'ada,bob', ''], ['lobby', '', 'bob'], ['lobby', 'cem', null]]);
});

test('a pack is delivered message by message', () => {
  const page = startedPage();
  const heard = [];
  page.client.on('message', (data) => heard.push(data));
  page.deliver([[1, ['one', 'two'], 'pack']]);
  page.deliver([[2, 'three']]);
  assert.deepEqual(heard.map(String), ['one', 'two', 'three']);
});
