'use strict';
// A page of another origin without CORS, and the server's page in its hidden frame: both ends of the bridge, each in
// a context of its own.
const {Page, readScript} = require('./harness');

const SERVER = 'http://here';
const ORIGIN = 'http://elsewhere';
const FRAME_FILES = ['thywill.js', 'json.js', 'transport.js', 'xhr.js', 'streaming.js', 'htmlfile.js', 'frame.js'];

// The element. Its load event and what is said through it are the test's, unless it is whole.
class HiddenFrame {
  constructor(outer) {
    Object.assign(this, {outer, style: {}, listeners: [], posted: []});
    if (outer.options.oldEvents) { this.addEventListener = undefined; }
    this.contentWindow = {postMessage: (text, target) => this.post(text, target)};
    this.parentNode = {removeChild: () => this.takeAway()};
  }

  takeAway() {
    if (this.inner) { this.inner.fire('pagehide'); }
    Object.assign(this, {removed: true, contentWindow: null, parentNode: null});
  }

  addEventListener(name, listener) { if (name === 'load') { this.listeners.push(listener); } }

  attachEvent(name, listener) { if (name === 'onload') { this.listeners.push(listener); } }

  inserted() { this.outer.frames.push(this); }

  post(text, target) {
    this.posted.push([target, JSON.parse(text)]);
    if (this.inner && target === SERVER) { this.deliver(() => this.hear(text)); }
  }

  hear(text) {
    const {inner} = this;
    if (inner) { inner.fire('message', {data: text, origin: this.outer.origin, source: inner.context.parent}); }
  }

  load() { for (const listener of this.listeners) { listener(); } }

  // Says something to the page around it.
  say(message, origin = SERVER) {
    this.outer.fire('message', {data: typeof message === 'string' ? message : JSON.stringify(message), origin});
  }

  // Loads the server's page: with the page's own clock and network.
  fill(options = {}) {
    const {outer} = this;
    const parent = {
      postMessage: (text, target) => {
        if (target === outer.origin || target === '*') { this.deliver(() => this.say(text)); }
        this.targets = (this.targets || new Set()).add(target);
      }
    };
    this.inner = new Page({
      files: FRAME_FILES, bootstrap: false, address: `${SERVER}/static/0/frame.html`, clock: outer.clock, eventSource: true,
      ...options, origins: JSON.stringify({origins: options.origins || [ORIGIN]}), globals: {parent, ...options.globals}
    });
    this.inner.add = (exchange) => outer.add(exchange);
    this.load();
  }

  // As IE8 does it; options.later as all others.
  deliver(action) {
    if (this.outer.options.later) { this.outer.clock.set(action, 0); } else { action(); }
  }
}

// The page; page.frames are its frames. It has not asked for anything yet.
function outside(options = {}) {
  const page = new Page({
    bootstrap: false, address: `${ORIGIN}/`, cors: false, frame: (outer) => new HiddenFrame(outer), ...options,
    globals: {postMessage() {}, ...options.globals}
  });
  page.frames = [];
  page.failures = [];
  page.origin = options.origin || ORIGIN;
  return page;
}

function connect(page, ready) {
  page.thywill.connect({server: `${SERVER}/`, application: 'chat'}, (client) => {
    page.client = client;
    page.record(client);
    if (ready) { ready(client); }
  }, (failure) => page.failures.push(failure));
}

// Answers the page's question for bridge.js.
function serveBridge(page, loaded = true) {
  const script = page.scripts.pop();
  if (loaded) { readScript('bridge.js').runInContext(page.context); }
  script.end(loaded);
  page.clock.advance(0);
  return script.src;
}

const ANSWER = {client: 'c', token: 'T', cursor: 0, hold: 25, grace: 60, limits: {message: 60000, messages: 100},
  push: ['sockjs', 'longpoll']};

// A page that is connected through its frame.
function framed(options = {}) {
  const page = outside(options);
  connect(page);
  serveBridge(page);
  page.frames[0].fill(options.inside);
  page.clock.advance(0);
  page.answer('connect', {...ANSWER, ...options.answer});
  page.clock.advance(0);
  page.deliver([]);
  page.clock.advance(0);
  return page;
}

module.exports = {ANSWER, FRAME_FILES, ORIGIN, SERVER, connect, framed, outside, serveBridge};
