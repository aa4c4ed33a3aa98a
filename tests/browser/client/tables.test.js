'use strict';
// The tables of stream.js and receiver.js as data: every event in every state.
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page} = require('./harness');
const {frame, messages, greet} = require('./streams');

const {Stream, Receiver} = new Page({bootstrap: false}).thywill.internal;
for (const {TABLE} of [Stream, Receiver]) {
  // Lists of the page lack what came after ES3.
  for (const event of Object.keys(TABLE)) { TABLE[event] = Array.from(TABLE[event]); }
}
const PUSH = {push: ['sockjs', 'longpoll']};

function cells({TABLE, COLUMNS}) {
  const states = Object.keys(COLUMNS);
  return Object.keys(TABLE).flatMap((event) => states.map((state) => [event, state, TABLE[event][COLUMNS[state]]]));
}

for (const [name, kind, ends] of [['stream', Stream, ['failed', 'silent', 'cut', 'full', 'gone', 'closed']],
  ['receiver', Receiver, ['closed']]]) {
  test(`${name}: each event has a cell for each state, which names a state or is empty`, () => {
    const states = Object.keys(kind.COLUMNS);
    assert.deepEqual(Object.values(kind.COLUMNS), states.map((state, column) => column));
    for (const event of Object.keys(kind.TABLE)) { assert.equal(kind.TABLE[event].length, states.length, event); }
    for (const [event, state, next] of cells(kind)) {
      assert.ok(next === '' || states.includes(next) || ends.includes(next), `${event} in ${state}: ${next}`);
    }
  });

  test(`${name}: each state and each end can be reached, and closing is possible everywhere`, () => {
    const reached = new Set(cells(kind).map((cell) => cell[2]));
    for (const state of [...Object.keys(kind.COLUMNS), ...ends]) {
      assert.ok(reached.has(state) || state === 'idle', state);
    }
    assert.ok(kind.TABLE.close.every((next) => next === 'closed'));
  });
}

// A stream that no page surrounds. What it asks of its receiver and what it posts is written down.
function lonelyStream() {
  const page = new Page({bootstrap: false});
  const {internal} = page.thywill;
  const receiver = {
    token: 'T', cursor: 0, hold: 25, hasPlace: true, taken: [],
    parking: {claim: () => receiver.hasPlace}, requester: {backoff: {reset() {}}, roundTrip: 0, timeout: 10},
    adopt() {}, changeTransport() {}, confirm() {}, take(answer) { receiver.taken.push(answer); }
  };
  const world = {page, receiver, told: [], posts: []};
  const transport = {
    request(address, body, seconds, done) { world.posts.push(done); return () => {}; },
    openStream(_, address, receive, end) { Object.assign(world, {receive, end}); return () => {}; }
  };
  world.stream = new internal.Stream('xhr-streaming', transport, receiver);
  page.clock.advance(10);
  world.timers = page.clock.timers.length;
  world.open = () => world.stream.open((state, detail) => world.told.push([state, detail]));
  return world;
}

const STATES_OF_A_STREAM = {
  idle: [], opening: ['open'], greeting: ['open', 'opened'], greeted: ['open', 'opened', 'nothing'],
  live: ['open', 'opened', 'nothing', 'messages'], paused: ['open', 'opened', 'nothing', 'whole'],
  resumed: ['open', 'opened', 'nothing', 'whole', 'open'], beating: ['open', 'opened', 'nothing', 'whole', 'open', 'heartbeat']
};

// How each event happens.
const OF_A_STREAM = {
  open: (world) => world.open(),
  opened: ({receive}) => receive('o'),
  heartbeat: ({receive}) => receive('h'),
  nothing: ({receive}) => receive(messages([], 0)),
  messages: ({receive}) => receive(messages([[1, 'a']], 0)),
  crowded: ({receive, receiver}) => { receiver.hasPlace = false; receive('h'); },
  stopping: ({receive}) => receive(frame({error: {code: 'draining', message: 'later', retry: 3}})),
  refused: ({receive}) => receive(frame({error: {code: 'bad_token', message: 'late'}})),
  gone: ({receive}) => receive(frame({error: {code: 'gone', message: 'late'}})),
  whole: ({page, end}) => { page.clock.time += 1000; end('whole'); },
  brief: ({end}) => end('whole'),
  cut: ({end}) => end('cut'),
  full: ({end}) => end('full'),
  silence: ({page}) => page.clock.advance(35),
  late: (world) => {
    const {stream, posts, page} = world;
    // Only acknowledgements ask for an echo; this one is early.
    if (stream.posting) { posts.pop()({}); }
    stream.acknowledge();
    posts.pop()({});
    page.clock.advance(3);
  },
  close: ({stream}) => stream.handle('close')
};

function canHappen(event, state) {
  if (event === 'close') { return true; }
  if (event === 'open') { return state === 'idle' || state === 'paused'; }
  return state !== 'idle';
}

test('stream: what happens in each state leads to the state of the table', () => {
  const columns = Stream.COLUMNS;
  assert.deepEqual(Object.keys(STATES_OF_A_STREAM), Object.keys(columns));
  assert.deepEqual(Object.keys(OF_A_STREAM), Object.keys(Stream.TABLE));
  for (const [event, state, next] of cells(Stream)) {
    if (!canHappen(event, state)) { continue; }
    const world = lonelyStream();
    for (const before of STATES_OF_A_STREAM[state]) { OF_A_STREAM[before](world); }
    assert.equal(world.stream.state, state);
    world.told.length = 0;
    OF_A_STREAM[event](world);
    const where = `${event} in ${state}`;
    assert.equal(world.stream.state, next || state, where);
    const isTold = next !== '' && next !== 'closed' && (next === 'paused' || !(next in columns));
    assert.deepEqual(world.told.map((told) => told[0]), isTold ? [next] : [], where);
    assert.equal(world.page.clock.timers.length > world.timers, world.stream.state in columns && !/idle|paused/.test(world.stream.state), where);
  }
});

test('stream: nothing happens after an end', () => {
  for (const end of ['cut', 'full', 'gone', 'close', 'silence']) {
    const world = lonelyStream();
    for (const event of [...STATES_OF_A_STREAM.live, end]) { OF_A_STREAM[event](world); }
    const {state} = world.stream;
    for (const event of Object.keys(OF_A_STREAM)) {
      if (event !== 'open') { OF_A_STREAM[event](world); }
      assert.equal(world.stream.state, state);
    }
    assert.equal(world.told.length, end === 'close' ? 0 : 1);
  }
});

test('stream: the detail is the error of a client that is gone, or the seconds that the server asks for', () => {
  const {told} = Object.entries({gone: {code: 'gone', message: 'late'}, stopping: 3, cut: undefined}).reduce((all, [event, detail]) => {
    const world = lonelyStream();
    for (const before of [...STATES_OF_A_STREAM.live, event]) { OF_A_STREAM[before](world); }
    assert.deepEqual(JSON.stringify(world.told[0][1]), JSON.stringify(detail), event);
    return {told: all.told + world.told.length};
  }, {told: 0});
  assert.equal(told, 3);
});

// The receiver of a page, in each of its states. The page is loaded, unless it says otherwise.
function streamingPage(options) {
  const page = new Page({bootstrap: PUSH, ...options});
  page.start();
  return page;
}

const STATES_OF_A_RECEIVER = {
  idle: () => streamingPage({loaded: false}),
  asking: () => { const page = new Page({bootstrap: PUSH}); page.start({connect: false}); return page; },
  holding: () => streamingPage(),
  streaming: () => { const page = streamingPage(); page.stream = greet(page, 'xhr_streaming'); return page; },
  resting: () => { const page = streamingPage(); page.fail('poll'); return page; }
};

// How many requests are open in each state, by kind. Beside a poll that is held a stream may be on trial.
const OPEN = {
  idle: {poll: 0, xhr_streaming: [0]}, asking: {poll: 1, xhr_streaming: [0]}, holding: {poll: 1, xhr_streaming: [0, 1]},
  streaming: {poll: 0, xhr_streaming: [1]}, resting: {poll: 0, xhr_streaming: [0]}, closed: {poll: 0, xhr_streaming: [0]}
};

function receiverOf(page) { return (page.client || page.captured).dispatcher.receiver; }

// The page has no client of its own before it is connected.
function capture(page) {
  page.captured = {dispatcher: page.thywill.internal.page.dispatchers[0]};
  return page;
}

const OF_A_RECEIVER = {
  answered: (page) => page.deliver([]),
  unanswered: (page) => page.fail('poll'),
  opened: (page) => page.only('xhr_streaming').frame('o'),
  failed: (page) => page.only('xhr_streaming').finish(),
  paused: (page) => page.stream.finish(),
  full: (page) => page.stream.frame(messages([[1, 'x'.repeat(1000100)]], 0)),
  cut: (page) => page.stream.frame('c[3000,"x"]'),
  silent: (page) => page.clock.advance(35),
  wake: (page) => receiverOf(page).wake(),
  restart: (page) => page.fire('online'),
  suspend: (page) => page.fire('pagehide', {persisted: true}),
  close: (page) => page.fire('pagehide', {persisted: false})
};

// What the receiver decides by itself, in `ready`.
const DECIDED = ['wait', 'ask', 'hold', 'resume', 'rest'];

function occurs(event, state) {
  if (/^(wake|restart|suspend|close)$/.test(event)) { return true; }
  if (/^(opened|failed)$/.test(event)) { return state === 'holding'; }
  return Receiver.TABLE[event][Receiver.COLUMNS[state]] !== '';
}

test('receiver: what happens in each state leads to the state of the table, with the requests of that state', () => {
  assert.deepEqual([...DECIDED, ...Object.keys(OF_A_RECEIVER)].sort(), Object.keys(Receiver.TABLE).sort());
  for (const [event, state, next] of cells(Receiver)) {
    if (state === 'ready' || DECIDED.includes(event) || !occurs(event, state)) { continue; }
    const page = capture(STATES_OF_A_RECEIVER[state]());
    const receiver = receiverOf(page);
    const where = `${event} in ${state}`;
    assert.equal(receiver.state, state);
    OF_A_RECEIVER[event](page);
    page.clock.advance(0);
    // `ready` lasts no longer than the decision.
    if (next === 'ready') {
      assert.match(receiver.state, /^(idle|asking|holding|streaming)$/, where);
    } else {
      assert.equal(receiver.state, next || state, where);
    }
    const open = OPEN[receiver.state];
    assert.equal(page.open('poll').length, open.poll, where);
    assert.ok(open.xhr_streaming.includes(page.open('xhr_streaming').length), where);
    assert.deepEqual(page.clock.errors, [], where);
  }
});

test('receiver: an event without a cell changes nothing', () => {
  for (const [event, state, next] of cells(Receiver)) {
    const receiver = Object.assign(Object.create(Receiver.prototype), {state});
    assert.equal(receiver.handle(event), next !== '');
    assert.equal(receiver.state, next || state);
  }
});

test('receiver: nothing happens after the end', () => {
  const page = streamingPage();
  page.client.leave();
  const receiver = receiverOf(page);
  for (const event of Object.keys(Receiver.TABLE)) { assert.equal(receiver.handle(event), false); }
  assert.equal(receiver.state, 'closed');
});
