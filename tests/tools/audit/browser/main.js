'use strict';
// Many pages with the browser client itself in one process. Commands come as lines of JSON, and so go reports:
// lists of [label, event, ...], in the order in which the pages' callbacks were called.
const http = require('node:http');
const readline = require('node:readline');
const vm = require('node:vm');
const {Browser, requestClass, eventSourceClass} = require('./xhr');

const FLUSH = 50; // milliseconds between two reports
const CALLS = 0.2; // of what a page sends

const pages = new Map();
let options, script, reports = [];

function report(...event) { reports.push(event); }

// CLOCK_MONOTONIC, as the server's.
function seconds() { return Number(process.hrtime.bigint() / 1000n) / 1e6; }

// A generator of pseudorandom numbers (mulberry32).
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

class Page {
  constructor(command) {
    this.label = command.label;
    this.random = generator(command.seed);
    this.browser = new Browser(options.address, command.label);
    if (pages.has(command.mate)) { this.browser.cookies = pages.get(command.mate).browser.cookies; }
    this.timers = new Set();
    this.talking = true;
    this.client = null;
    this.id = null;
    this.load();
    this.connect();
    this.plan();
  }

  // A tab: the client's files in a context of their own, whose clock runs faster.
  load() {
    const globals = {
      location: new URL('ledger/', options.address), navigator: {},
      setTimeout: (action, delay) => this.set(action, delay), clearTimeout: (timer) => this.clear(timer),
      addEventListener() {}, onpagehide: null,
      XMLHttpRequest: requestClass(this.browser), EventSource: eventSourceClass(this.browser),
      document: {
        readyState: 'complete', hidden: false, addEventListener() {}, getElementById: () => null,
        createElement: () => ({set href(value) { this.url = value; }, get href() { return new URL(this.url, options.address).href; }})
      }
    };
    globals.window = globals;
    this.context = vm.createContext(globals);
    script.runInContext(this.context);
    this.thywill = this.context.thywill;
    this.thywill.clock.now = () => Date.now() * options.haste;
    this.context.chance = this.random;
    vm.runInContext('Math.random = chance', this.context);
  }

  set(action, delay) {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.browser.happen(() => { if (!timer.cleared) { this.run(action); } });
    }, delay / options.haste);
    this.timers.add(timer);
    return timer;
  }

  clear(timer) {
    if (timer) { timer.cleared = true; clearTimeout(timer); this.timers.delete(timer); }
  }

  run(action) {
    try { action(); } catch (error) { report(this.label, this.id, 'wrong', `an exception: ${error.stack}`); }
  }

  connect() {
    const list = ['xhr-streaming', 'eventsource', 'longpoll'], first = Math.floor(this.random() * 3);
    this.thywill.transports = list.slice(first);
    this.thywill.connect({server: options.address, application: 'ledger'},
      (client) => this.begin(client),
      (failure) => { report(this.label, this.id, 'failed', failure.message); setTimeout(() => this.connect(), 500); });
  }

  begin(client) {
    this.client = client;
    this.id = client.id;
    this.number = 0;
    report(this.label, this.id, 'open');
    client.on('message', (data) => {
      report(this.label, this.id, 'm', data[0], data[1], data[2], seconds() - data[3]);
    });
    client.on('presence', (channel, joined, left) => {
      const ids = (people) => people && people.map((person) => person.id);
      report(this.label, this.id, 'people', ids(joined), ids(left));
    });
    client.on('error', (error) => report(this.label, this.id, 'wrong', `an error: ${error.code} ${error.message}`));
    client.on('transport', (name) => report(this.label, this.id, 'transport', name));
    client.on('state', (state, detail) => {
      if (state === 'lost') { report(this.label, this.id, 'lost', detail.count); }
      if (state === 'gone') { this.end(detail); }
    });
  }

  end(error) {
    report(this.label, this.id, 'gone', error.code, error.message);
    this.client = null;
    // Not from within the callback.
    if (error.code !== 'left') { setTimeout(() => this.connect(), 100); }
  }

  // Sends something now and then.
  plan() {
    this.timer = setTimeout(() => {
      this.browser.happen(() => this.talk());
      this.plan();
    }, this.random() * 2000 * options.pace);
  }

  talk() {
    if (!this.client || !this.talking) { return; }
    for (let left = this.random() < 0.25 ? 5 : 1; left; left -= 1) { this.say(this.client, this.id); }
  }

  say(client, id) {
    const n = this.number += 1;
    if (this.random() < CALLS) {
      report(this.label, id, 'call', n);
      client.call('twice', [n], (error, result) => {
        if (!error) { report(this.label, id, 'reply', n, result); }
      });
    } else {
      report(this.label, id, 'say', n);
      client.send(['up', n], (error) => { if (!error) { report(this.label, id, 'said', n); } });
    }
  }

  // As if the page had been made to choose anew; the client has no public way.
  move(name) {
    const receiver = this.client && this.client.dispatcher.receiver;
    if (!receiver || this.browser.sleeping) { return; }
    Object.assign(receiver.choice, {names: name === 'longpoll' ? [name] : [name, 'longpoll'], notes: {}, current: null});
    receiver.restart();
  }

  sleep(command) {
    this.browser.sleep(command.dead);
    setTimeout(() => this.browser.wake(), command.seconds * 1000);
  }

  // For people, when it gets no further.
  describe() {
    const receiver = this.client && this.client.dispatcher.receiver;
    report(this.label, this.id, 'described', JSON.stringify({
      state: this.client && this.client.state, transport: this.client && this.client.transport,
      cursor: receiver && receiver.cursor, failures: receiver && receiver.requester.backoff.failures,
      asleep: this.browser.sleeping, open: [...this.browser.requests].map((request) => request.path)
    }));
  }

  close() {
    clearTimeout(this.timer);
    for (const timer of this.timers) { clearTimeout(timer); }
    this.browser.close();
  }
}

const COMMANDS = {
  open(command) { pages.set(command.label, new Page(command)); },
  move(command) { pages.get(command.label).move(command.name); },
  sleep(command) { pages.get(command.label).sleep(command); },
  describe(command) { pages.get(command.label).describe(); },
  quiet() { for (const page of pages.values()) { page.talking = false; } },
  close() {
    for (const page of pages.values()) { page.close(); }
    process.exit(0);
  }
};

function flush() {
  if (reports.length) {
    process.stdout.write(`${JSON.stringify(reports)}\n`);
    reports = [];
  }
}

function fetch(url, done) {
  http.get(url, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (part) => { text += part; }).on('end', () => done(text));
  });
}

options = JSON.parse(process.argv[2]);
fetch(options.script, (text) => {
  script = new vm.Script(text, {filename: 'client.js'});
  setInterval(flush, FLUSH);
  const lines = readline.createInterface({input: process.stdin});
  lines.on('line', (line) => {
    const command = JSON.parse(line);
    COMMANDS[command.do](command);
  });
  lines.on('close', () => process.exit(0));
  report('', '', 'ready');
});
