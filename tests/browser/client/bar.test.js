'use strict';
// The connection bar, in a document of elements that hold no more than it needs.
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page, readScript} = require('./harness');

const BAR = readScript('bar.js');
const UNKNOWN = {error: {code: 'gone', message: 'this server does not know this client', reconnect: true}};

class Node {
  constructor(name) {
    Object.assign(this, {name, children: [], attributes: {}, listeners: {}, className: ''});
  }

  get firstChild() { return this.children[0] || null; }

  get text() { return this.name === '#text' ? this.data : this.children.map((child) => child.text).join(''); }

  setAttribute(key, value) { this.attributes[key] = value; }

  appendChild(child) { return this.insertBefore(child, null); }

  insertBefore(child, before) {
    const index = before ? this.children.indexOf(before) : this.children.length;
    this.children.splice(index, 0, child);
    child.parentNode = this;
    return child;
  }

  removeChild(child) { this.children.splice(this.children.indexOf(child), 1); }

  addEventListener(name, listener) { this.listeners[name] = listener; }
}

// A page whose application does not listen to the state, with the bar loaded unless the application has none.
function pageWithBar(prepare = () => {}) {
  const page = new Page();
  const {document} = page.context;
  page.body = new Node('body');
  page.body.appendChild(new Node('main'));
  page.styles = new Node('head');
  page.thywill.ready((client) => {
    page.client = client;
    prepare(page, client);
  });
  page.deliver([]);
  document.body = page.body;
  document.getElementsByTagName = () => [page.styles];
  document.createElement = (name) => new Node(name);
  document.createTextNode = (data) => Object.assign(new Node('#text'), {data});
  for (const script of page.scripts) {
    assert.equal(script.src, 'http://here/static/0/bar.js');
    BAR.runInContext(page.context);
    script.end(true);
  }
  return page;
}

// Lets polls fail for so many seconds.
function offline(page, seconds) {
  for (let i = 0; i < seconds * 10; i += 1) {
    if (page.open('poll').length) { page.fail('poll'); }
    page.clock.advance(0.1);
  }
}

function bar(page) {
  const [first] = page.body.children;
  return first.name === 'div' ? first : null;
}

test('while all is well there is nothing, and a hiccup shows nothing', () => {
  const page = pageWithBar();
  page.clock.advance(20);
  assert.equal(bar(page), null);
  page.fail('poll');
  offline(page, 1.5);
  assert.equal(bar(page).text, '');
  assert.equal(bar(page).className, '');
  while (!page.open('poll').length) { page.clock.advance(0.1); }
  page.deliver([]);
  assert.equal(bar(page), null);
});

test('a page that is offline says so, and when it tries again', () => {
  const page = pageWithBar();
  offline(page, 8);
  const shown = bar(page);
  assert.match(shown.text, /^Offline, trying again( in \d+ s)?$/);
  assert.equal(shown.className, 'thywill-bar thywill-waiting');
  assert.deepEqual(shown.attributes, {role: 'status', 'aria-live': 'polite'});
  // A screen reader does not count along.
  assert.equal(shown.children[1].attributes['aria-hidden'], 'true');
  while (!page.open('poll').length) {
    page.clock.advance(0.1);
    assert.match(shown.text, /^Offline, trying again( in [1-9]\d* s)?$/);
  }
  page.deliver([]);
  assert.equal(bar(page), null);
  assert.equal(page.styles.children.length, 1);
});

test('a client that the server does not know offers to load the page anew', () => {
  const page = pageWithBar();
  let reloads = 0;
  page.context.location = {reload: () => { reloads += 1; }};
  page.answer('poll', UNKNOWN, 410);
  page.clock.advance(1);
  assert.equal(bar(page).text, 'The server was restarted, or this page was away for too long.Reload');
  assert.equal(bar(page).className, 'thywill-bar thywill-gone');
  bar(page).children[2].listeners.click();
  assert.equal(reloads, 1);
  page.clock.advance(60);
  assert.equal(bar(page).children.length, 3);
  assert.deepEqual(page.clock.timers, []);
});

test('one that was disconnected says why', () => {
  const page = pageWithBar();
  page.answer('poll', {error: {code: 'gone', message: 'the game is over'}}, 410);
  page.clock.advance(1);
  assert.equal(bar(page).text, 'Disconnected: the game is over.Reload');
});

test('one that begins anew says that it is offline until then', () => {
  const page = pageWithBar((_, client) => client.on('restart', () => {}));
  page.answer('poll', UNKNOWN, 410);
  page.clock.advance(4);
  assert.equal(bar(page).text, 'Offline, trying again');
});

test('a page that has left shows nothing', () => {
  const page = pageWithBar();
  offline(page, 8);
  page.client.leave();
  assert.equal(bar(page), null);
  assert.deepEqual(page.clock.timers, []);
});

test('a page that shows the state itself, or wants no bar, has none', () => {
  for (const prepare of [
    (page, client) => client.on('state', () => {}),
    (page, client) => { client.bar = false; }
  ]) {
    const page = pageWithBar(prepare);
    assert.deepEqual(page.scripts, []);
  }
  const later = pageWithBar();
  later.client.on('state', () => {});
  offline(later, 8);
  assert.equal(bar(later), null);
});

test('it can be switched off before the client is there', () => {
  const page = new Page({globals: {thywill: {bar: false}}});
  page.thywill.ready(() => {});
  page.deliver([]);
  assert.deepEqual(page.scripts, []);
  const elsewhere = new Page({bootstrap: false});
  elsewhere.thywill.connect({server: 'http://here/', application: 'chat', bar: false}, () => {});
  elsewhere.answer('connect', {client: 'c', token: 'T', cursor: 0, hold: 25, limits: {message: 100, messages: 5}});
  elsewhere.deliver([]);
  assert.deepEqual(elsewhere.scripts, []);
});
