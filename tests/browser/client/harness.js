'use strict';
// A page without a browser: the client's files run in a context of their own, which has no more than ES3 has,
// with a clock, a network and a document that the test moves by hand.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
const {eventSourceClass, FrameElement, storage} = require('./streams');

const FOLDER = path.join(__dirname, '..', '..', '..', 'static', 'thywill');
const FILES = [
  'thywill.js', 'json.js', 'streaming.js', 'transport.js', 'xhr.js', 'xdr.js', 'parking.js', 'page.js',
  'iframe.js', 'htmlfile.js', 'loader.js', 'jsonp.js', 'choice.js', 'identity.js', 'backoff.js', 'requester.js',
  'sender.js', 'dispatcher.js', 'client.js', 'receiver.js', 'stream.js', 'bootstrap.js'
];
const SCRIPTS = FILES.map(readScript);

function readScript(name) { return new vm.Script(fs.readFileSync(path.join(FOLDER, name), 'utf8'), {filename: name}); }

const IDENTITY = {
  application: 'chat', client: 'c1', token: 'T', cursor: 0, hold: 25, grace: 60, transport_in_address: true,
  limits: {message: 1000, messages: 10}, push: ['longpoll'], base: '../',
  resources: {scripts: [], styles: []}, parameters: {title: 'Chat'}
};

const NEWER_THAN_ES3 = `
  (function () {
    var lists = ['indexOf', 'lastIndexOf', 'forEach', 'map', 'filter', 'some', 'every', 'reduce', 'reduceRight', 'find',
        'findIndex', 'fill', 'includes', 'keys', 'values', 'entries', 'flat', 'flatMap', 'at', 'from', 'of', 'isArray'],
      objects = ['keys', 'create', 'assign', 'entries', 'values', 'defineProperty', 'defineProperties', 'freeze',
        'getPrototypeOf', 'getOwnPropertyNames', 'getOwnPropertyDescriptor'],
      strings = ['trim', 'startsWith', 'endsWith', 'includes', 'repeat', 'padStart', 'padEnd', 'codePointAt'], i;
    for (i = 0; i < lists.length; i += 1) { delete Array.prototype[lists[i]]; delete Array[lists[i]]; }
    for (i = 0; i < objects.length; i += 1) { delete Object[objects[i]]; }
    for (i = 0; i < strings.length; i += 1) { delete String.prototype[strings[i]]; }
    delete Function.prototype.bind; delete Date.now; delete Number.isFinite; delete Number.isInteger;
  }());
  delete globalThis.Promise; delete globalThis.Map; delete globalThis.Set; delete globalThis.Symbol;
  delete globalThis.Proxy; delete globalThis.Reflect; delete globalThis.WeakMap;`;

class Clock {
  constructor() {
    this.time = 1000000;
    this.timers = [];
    this.errors = []; // what a browser would show in its console
    this.count = 0;
  }

  now() { return this.time; }

  set(action, milliseconds) {
    this.count += 1;
    this.timers.push({id: this.count, action, due: this.time + milliseconds});
    return this.count;
  }

  clear(id) { this.timers = this.timers.filter((timer) => timer.id !== id); }

  // Moves on by so many seconds, and runs what is due, in order.
  advance(seconds) {
    const end = this.time + seconds * 1000;
    let next;
    while ((next = this.next()) && next.due <= end) {
      this.time = Math.max(this.time, next.due);
      this.clear(next.id);
      try { next.action(); } catch (error) { this.errors.push(error); }
    }
    this.time = end;
  }

  next() {
    return this.timers.reduce((first, timer) => (!first || timer.due < first.due ? timer : first), null);
  }
}

const OPERATION = /thywill\/(?:sockjs\/[^/]+\/[^/]+\/)?(\w+)/;

// What was asked of the network, by whatever means. Tests answer it.
class Exchange {
  constructor(kind, url) {
    Object.assign(this, {kind, url, operation: OPERATION.exec(url)[1], open: true, aborted: false});
  }

  get session() { return /sockjs\/([^/]+\/[^/]+)\//.exec(this.url)[1]; }

  get query() { return new URL(this.url, 'http://here').searchParams; }
}

function xhrClass(page, options) {
  function Request() {
    this.readyState = 0;
    this.responseText = '';
    this.headers = {};
    if (options.cors) { this.withCredentials = false; }
  }
  Request.prototype = {
    open(method, url, asynchronous) { Object.assign(this, {method, url, asynchronous, readyState: 1}); },
    setRequestHeader(name, value) { this.headers[name] = value; },
    send(body) {
      const exchange = new Exchange('xhr', this.url);
      Object.assign(exchange, {request: this, text: body, body: body && JSON.parse(body)});
      exchange.respond = (status, text) => this.finish(exchange, status, text);
      exchange.write = (text) => this.arrive(exchange, text);
      exchange.frame = (frame) => this.arrive(exchange, `${frame}\n`);
      exchange.finish = () => this.finish(exchange, 200, this.responseText);
      page.add(exchange);
      this.exchange = exchange;
    },
    finish(exchange, status, text) {
      if (!exchange.open) { return; }
      exchange.open = false;
      Object.assign(this, {status, responseText: text, readyState: 4});
      if (this.onreadystatechange) { this.onreadystatechange(); }
    },
    arrive(exchange, text) {
      if (!exchange.open) { return; }
      Object.assign(this, {status: 200, responseText: this.responseText + text, readyState: 3});
      if (this.onreadystatechange) { this.onreadystatechange(); }
    },
    abort() {
      this.readyState = 0;
      if (this.exchange && this.exchange.open) { Object.assign(this.exchange, {open: false, aborted: true}); }
    }
  };
  return Request;
}

function xdrClass(page) {
  return class Request {
    open(method, url) { Object.assign(this, {method, url}); }

    send(body) {
      assert.ok(this.onprogress && this.ontimeout && this.onerror && this.onload, 'IE9 needs all handlers');
      const exchange = new Exchange('xdr', this.url);
      Object.assign(exchange, {request: this, text: body, body: body && JSON.parse(body)});
      exchange.respond = (status, text) => {
        if (!exchange.open) { return; }
        exchange.open = false;
        if (status > 0 && status < 300) { this.responseText = text; }
        if (status > 0 && status < 300) { this.onload(); } else { this.onerror(); }
      };
      exchange.write = (text) => {
        if (!exchange.open) { return; }
        this.responseText = (this.responseText || '') + text;
        this.onprogress();
      };
      exchange.frame = (frame) => exchange.write(`${frame}\n`);
      exchange.finish = () => exchange.respond(200, this.responseText || '');
      this.exchange = exchange;
      page.add(exchange);
    }

    abort() { Object.assign(this.exchange, {open: false, aborted: true}); }
  };
}

// Script elements, in the manner of old IE (readyState) or of all others (onload, onerror).
class ScriptElement {
  constructor(page, old) {
    this.page = page;
    if (old) { this.readyState = 'uninitialized'; }
  }

  inserted() {
    if (!/thywill\/(connect|poll|send|leave)\?/.test(this.src)) {
      this.page.scripts.push(this);
      return;
    }
    const exchange = new Exchange('jsonp', this.src);
    const callback = exchange.query.get('callback');
    exchange.body = Object.fromEntries(exchange.query);
    exchange.name = callback;
    // An answer runs even if its script has been removed; that is what browsers do.
    exchange.respond = (status, text) => {
      exchange.open = false;
      if (status === 200) { vm.runInContext(`/**/${callback}(${text});`, this.page.context); }
      this.end(status === 200);
    };
    this.page.add(exchange);
  }

  end(loaded) {
    if ('readyState' in this) {
      this.readyState = 'loaded';
      if (this.onreadystatechange) { this.onreadystatechange(); }
    } else if (loaded && this.onload) {
      this.onload();
    } else if (!loaded && this.onerror) {
      this.onerror();
    }
  }
}

class Page {
  // options: bootstrap (fields that differ from IDENTITY, or false for none), loaded, json, xhr, cors, activeX, xdr,
  // oldEvents, random, beacon, address, eventSource, storage (a Map), globals (more of them),
  // links (false for an engine where those that a script makes have no href), clock (another page's), and for
  // frames.js: frame (makes an iframe), files (in place of the client's), origins (what a frame's page says)
  constructor(options = {}) {
    this.options = {loaded: true, json: true, xhr: true, cors: true, beacon: true, random: () => 1, ...options};
    this.clock = this.options.clock || new Clock();
    this.exchanges = [];
    this.scripts = [];
    this.beacons = [];
    this.images = [];
    this.notes = [];
    this.events = [];
    this.transports = [];
    this.listeners = {};
    this.removed = new Set();
    this.context = vm.createContext(this.globals());
    vm.runInContext(NEWER_THAN_ES3, this.context);
    if (!this.options.json) { vm.runInContext('delete globalThis.JSON; delete Date.prototype.toJSON', this.context); }
    this.context.random = this.options.random;
    vm.runInContext('Math.random = random; delete globalThis.random', this.context);
    this.load();
  }

  globals() {
    const page = this;
    const globals = {
      location: new URL(this.options.address || 'http://here/chat/'),
      navigator: this.options.beacon ? {sendBeacon: (url, body) => page.beacons.push({url, body})} : {},
      document: this.document(),
      setTimeout() { throw new Error('a timer past thywill.clock'); },
      clearTimeout() { throw new Error('a timer past thywill.clock'); }
    };
    globals.window = globals;
    if (!this.options.oldEvents) { globals.onpagehide = null; }
    this.listenable(globals);
    if (this.options.xhr) { globals.XMLHttpRequest = xhrClass(this, this.options); }
    if (this.options.activeX) {
      const Request = xhrClass(this, {});
      globals.ActiveXObject = function (name) { assert.equal(name, 'Microsoft.XMLHTTP'); return new Request(); };
    }
    if (this.options.xdr) { globals.XDomainRequest = xdrClass(this); }
    if (this.options.eventSource) { globals.EventSource = eventSourceClass(this, Exchange); }
    if (this.options.storage) { globals.localStorage = storage(this.options.storage); }
    Object.assign(globals, this.options.globals);
    globals.Image = class { set src(url) { page.images.push(url); } };
    return globals;
  }

  listenable(target) {
    const add = (name, listener) => { (this.listeners[name] = this.listeners[name] || []).push(listener); };
    const remove = (name, listener) => {
      this.removed.add(listener);
      this.listeners[name] = (this.listeners[name] || []).filter((each) => each !== listener);
    };
    if (this.options.oldEvents) {
      target.attachEvent = (name, listener) => add(name.slice(2), listener);
      target.detachEvent = (name, listener) => remove(name.slice(2), listener);
    } else {
      target.addEventListener = add;
      target.removeEventListener = remove;
    }
  }

  document() {
    const page = this;
    const head = {
      firstChild: null,
      children: [],
      insertBefore(script) { head.children.push(script); script.inserted(); },
      removeChild(script) { head.children.splice(head.children.indexOf(script), 1); }
    };
    this.head = head;
    const document = {
      readyState: this.options.loaded ? 'complete' : 'loading',
      hidden: false,
      body: {
        appendChild: (node) => { if (node.inserted) { node.inserted(); } else { page.notes.push(node.text); } },
        removeChild: (node) => node.removed()
      },
      getElementById: (id) => (id === 'thywill-origins' ? {text: page.options.origins} : page.bootstrapElement()),
      getElementsByTagName: () => [head],
      createTextNode: (text) => text,
      createElement: (name) => page.element(name)
    };
    this.listenable(document);
    return document;
  }

  bootstrapElement() {
    const {bootstrap} = this.options;
    if (bootstrap === false) { return null; }
    return {text: typeof bootstrap === 'string' ? bootstrap : JSON.stringify({...IDENTITY, ...bootstrap})};
  }

  element(name) {
    if (name === 'a' && this.options.links !== false) {
      const base = this.context.location.href;
      return {set href(value) { this.url = new URL(value, base).href; }, get href() { return this.url; }};
    }
    if (name === 'a') { return {set href(value) {}, get href() { return undefined; }}; }
    if (name === 'iframe' && this.options.frame) { return this.options.frame(this); }
    if (name === 'iframe') { return new FrameElement(this, Exchange); }
    if (name === 'script') { return new ScriptElement(this, this.options.oldEvents); }
    return {setAttribute() {}, appendChild(text) { this.text = text; }};
  }

  load() {
    const scripts = this.options.files ? this.options.files.map(readScript) : SCRIPTS;
    for (const script of scripts) {
      script.runInContext(this.context);
      if (script === scripts[0]) { Object.assign(this.context.thywill.clock, this.bound()); }
    }
    this.thywill = this.context.thywill;
  }

  bound() {
    return {
      now: () => this.clock.now(),
      set: (action, milliseconds) => this.clock.set(action, milliseconds),
      clear: (id) => this.clock.clear(id)
    };
  }

  add(exchange) {
    this.exchanges.push(exchange);
    if (this.network) { this.network(exchange); }
  }

  // Requests of one kind ('poll', 'send', ...) that wait for an answer.
  open(operation) {
    return this.exchanges.filter((exchange) => exchange.open && exchange.operation === operation);
  }

  // The only request of its kind under way.
  only(operation) {
    const open = this.open(operation);
    assert.equal(open.length, 1, `${open.length} requests ${operation} under way`);
    return open[0];
  }

  answer(operation, body, status = 200) {
    this.only(operation).respond(status, typeof body === 'string' ? body : JSON.stringify(body));
  }

  fail(operation) { this.only(operation).respond(0, ''); }

  // Answers the poll under way with messages.
  deliver(items, cursor = items.length ? items[items.length - 1][0] : 0, more = {}) {
    this.answer('poll', {messages: items, cursor, ...more});
  }

  // A listener that is removed meanwhile is not called, even if it is added again (DOM standard, 2.10).
  fire(name, event = {}) {
    this.removed = new Set();
    for (const listener of this.listeners[name] || []) { if (!this.removed.has(listener)) { listener(event); } }
  }

  // Registers an application that writes down its events, and returns the client once it has started.
  start({connect = true} = {}) {
    this.thywill.ready((client) => {
      this.client = client;
      this.record(client);
    });
    if (connect) { this.deliver([]); }
    return this.client;
  }

  record(client) {
    client.on('transport', (name) => this.transports.push(name));
    for (const name of ['message', 'state', 'error']) {
      client.on(name, (first, second) => {
        this.events.push(plain(second === undefined ? [name, first] : [name, first, second]));
      });
    }
  }

  named(name) { return this.events.filter((event) => event[0] === name).map((event) => event.slice(1)); }

  get messages() { return this.named('message').map((event) => event[0]); }

  get states() { return this.named('state').map((event) => event[0]); }
}

// Objects of the page have other prototypes than the test's own.
function plain(value) { return JSON.parse(JSON.stringify(value)); }

// A generator of pseudorandom numbers (mulberry32), so that a failure can be repeated.
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

module.exports = {Page, FILES, FOLDER, readScript, plain, generator};
