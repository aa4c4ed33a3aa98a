'use strict';
// A model of the server as the wire's contract has it: one client's queue, polls, and SockJS sessions.
const assert = require('node:assert/strict');
const {frame} = require('./streams');

const HOLD = 25;
const ENDED = 'c[1002,"Connection interrupted"]';

class Server {
  constructor(clock, random) {
    Object.assign(this, {clock, random, queue: [], id: 0, cursor: 0, received: 0, inbox: [], parked: null, sessions: {}});
  }

  publish(data) {
    this.append([0, data]);
  }

  append(item) {
    this.id += 1 + Math.floor(this.random() * 3); // ids grow, with gaps
    item[0] = this.id;
    this.queue.push(item);
    if (this.parked) { this.parked(this.batch()); }
    if (this.carrier) { this.carrier.flush(); }
  }

  batch() {
    const messages = this.queue.slice(0, 5);
    this.parked = null;
    return {messages, cursor: messages.length ? messages[messages.length - 1][0] : this.cursor};
  }

  supersede() {
    const {parked, carrier} = this;
    this.parked = this.carrier = null;
    if (parked) { parked({messages: [], cursor: this.cursor, superseded: true}); }
    if (carrier) { carrier.end({messages: [], cursor: this.cursor, superseded: true}); }
  }

  acknowledge(cursor) {
    assert.ok(cursor <= this.id, 'a cursor that was never given out');
    this.cursor = Math.max(this.cursor, cursor);
    this.queue = this.queue.filter((item) => item[0] > this.cursor);
  }

  poll(body, answer) {
    this.supersede();
    if (body.cursor < this.cursor) { return answer({messages: [], cursor: this.cursor, superseded: true}); }
    this.acknowledge(body.cursor);
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

// One SockJS session: what it wrote leaves the queue when it is acknowledged.
class Session {
  constructor(server) {
    Object.assign(this, {server, write: null, opened: false, attached: false, closed: false, sent: 0});
  }

  // A request waits: write(text) carries frames, finish() ends the answer.
  attach(write, finish, limit) {
    if (this.closed) { write(ENDED); return finish(); }
    if (this.write) { write('c[2010,"Another connection still open"]'); return finish(); }
    Object.assign(this, {write, finish, limit});
    if (!this.opened) { this.opened = true; write('o'); }
    if (this.attached) { this.flush(); }
    return this.beat(write);
  }

  beat(write) {
    this.server.clock.set(() => {
      if (this.write !== write) { return; }
      write('h');
      this.beat(write);
    }, HOLD * 1000);
  }

  hear(text) {
    const body = JSON.parse(text);
    if (this.attached) {
      this.server.acknowledge(body.cursor);
      return this.flush(body.echo);
    }
    const {server} = this;
    assert.equal(body.token, 'T');
    server.supersede();
    if (body.cursor < server.cursor) { return this.end({messages: [], cursor: server.cursor, superseded: true}); }
    server.acknowledge(body.cursor);
    Object.assign(this, {attached: true, sent: body.cursor});
    server.carrier = this;
    return this.flush(true);
  }

  flush(greets) {
    const messages = this.server.queue.filter((item) => item[0] > this.sent);
    if (!this.write || (!messages.length && !greets)) { return; }
    const after = this.sent;
    if (messages.length) { this.sent = messages[messages.length - 1][0]; }
    this.write(frame({messages, cursor: this.sent, after}));
    this.limit -= messages.length;
    if (this.limit <= 0) { this.detach(); }
  }

  detach() {
    const {finish} = this;
    this.write = this.finish = null;
    if (finish) { finish(); }
  }

  end(answer) {
    if (this.write) { this.write(frame(answer)); this.write('c[4200,"superseded"]'); }
    this.interrupt();
  }

  // The connection broke off.
  interrupt() {
    this.closed = true;
    if (this.server.carrier === this) { this.server.carrier = null; }
    this.detach();
  }
}

module.exports = {Server, Session};
