'use strict';
// Pages that the server refuses: who can know it is told once, and nobody else is told that he is refused.
const assert = require('node:assert/strict');
const {test} = require('node:test');
const {Page, plain} = require('./harness');
const {ANSWER, connect, outside, serveBridge} = require('./frames');

const REFUSED = {error: {code: 'origin', message: 'pages of this origin are not allowed: see origins'}};
const UNKNOWN = {error: {code: 'bad_token', message: 'this is no token'}};

// A page of another origin, with CORS unless options say otherwise, and what its console shows.
function outsider(options = {}) {
  const warnings = [];
  const page = outside({cors: true, ...options, globals: {console: {warn: (text) => warnings.push(text)}, ...options.globals}});
  page.warnings = warnings;
  connect(page);
  return page;
}

// Lets the request under way fail so many times, as the browser has it when the page may not read the answer.
function fail(page, operation, times) {
  for (let i = 0; i < times; i += 1) {
    pause(page, operation);
    page.fail(operation);
    page.clock.advance(0);
  }
}

// Goes on until the back-off lets the next request out.
function pause(page, operation) {
  for (let i = 0; i < 60 && !page.open(operation).length; i += 1) { page.clock.advance(0.5); }
}

function refusedByScript(page, operation = 'connect') {
  fail(page, operation, 3);
  assert.equal(page.only('poll').kind, 'jsonp');
  page.answer('poll', REFUSED);
  page.clock.advance(0);
}

function assertQuiet(page) {
  const count = page.exchanges.length;
  page.clock.advance(600);
  assert.equal(page.exchanges.length, count);
}

// Fires the browser's own word on a request that the page's policy forbids, and lets it fail.
function forbid(page, operation, directive = 'connect-src', disposition = 'enforce') {
  page.fire('securitypolicyviolation', {effectiveDirective: directive, blockedURI: 'http://here/thywill/poll', disposition});
  page.fail(operation);
  page.clock.advance(0);
}

test('a page whose own policy forbids the requests is told so at once', () => {
  const page = outsider();
  forbid(page, 'connect');
  assert.equal(page.failures.length, 1);
  assert.match(page.failures[0].message, /connect-src.*http:\/\/here/);
  assertQuiet(page);
});

test('another directive, or a policy that only reports, is not the reason', () => {
  for (const words of [['img-src'], ['connect-src', 'report']]) {
    const page = outsider();
    forbid(page, 'connect', ...words);
    assert.deepEqual(page.failures, []);
  }
});

test('CORS: where nothing answers, the console does not blame origins', () => {
  const page = outsider();
  fail(page, 'connect', 3);
  page.fail('poll');
  page.clock.advance(0);
  assert.match(page.warnings[0], /does not answer/);
  assert.doesNotMatch(page.warnings[0], /origins/);
});

test('CORS: where the page forbids the script as well, the console does not say that the server is away', () => {
  const page = outsider();
  page.fire('securitypolicyviolation', {effectiveDirective: 'script-src-elem', blockedURI: 'http://here/thywill/poll?token=', disposition: 'enforce'});
  fail(page, 'connect', 3);
  page.fail('poll');
  page.clock.advance(0);
  assert.match(page.warnings[0], /does not answer, and the script-src of this page hides why/);
});

test('CORS: three failures in a row, and a script is asked whether the page is refused', () => {
  const page = outsider();
  fail(page, 'connect', 2);
  assert.deepEqual(page.failures, []);
  assert.equal(page.open('poll').length, 0);
  page.clock.advance(1);
  page.fail('connect');
  const asked = page.only('poll');
  assert.deepEqual([asked.kind, asked.body.token, asked.body.cursor], ['jsonp', '', '0']);
  page.answer('poll', REFUSED);
  page.clock.advance(0);
  assert.deepEqual(plain(page.failures), [{step: 'connect', message: REFUSED.error.message}]);
  assert.deepEqual(page.warnings, [`thywill: ${REFUSED.error.message}`]);
  assertQuiet(page);
});

test('CORS: where the script knows of no refusal, the page goes on trying, and the console says once what it may be', () => {
  const page = outsider();
  for (let i = 0; i < 5; i += 1) {
    fail(page, 'connect', 3);
    page.answer('poll', UNKNOWN);
  }
  pause(page, 'connect');
  assert.deepEqual(page.failures, []);
  assert.equal(page.warnings.length, 1);
  assert.match(page.warnings[0], /http:\/\/here\/thywill\/ answers.*setting origins.*http:\/\/elsewhere/);
  page.answer('connect', ANSWER);
  page.deliver([[1, 'a']]);
  assert.deepEqual(page.messages, ['a']);
});

test('CORS: the same where the script does not come either, and where nothing comes at all', () => {
  const page = outsider();
  fail(page, 'connect', 3);
  page.only('poll').respond(500, '');
  page.clock.advance(0);
  assert.equal(page.warnings.length, 1);
  fail(page, 'connect', 2);
  pause(page, 'connect');
  page.clock.advance(30);
  assert.equal(page.open('connect').length, 0);
  page.only('poll');
  page.clock.advance(10);
  pause(page, 'connect');
  page.only('connect');
  assert.equal(page.warnings.length, 1);
  assert.deepEqual(page.failures, []);
});

test('CORS: a page that has read an answer is not suspected in the console when the network fails', () => {
  const page = outsider();
  page.answer('connect', ANSWER);
  page.deliver([]);
  fail(page, 'poll', 3);
  assert.equal(page.only('poll').kind, 'jsonp');
  page.answer('poll', UNKNOWN);
  assert.equal(page.client.state, 'waiting');
  assert.deepEqual(page.warnings, []);
  pause(page, 'poll');
  page.deliver([[1, 'a']]);
  assert.deepEqual(page.messages, ['a']);
});

test('CORS: a client whose origin is allowed no longer is gone, once', () => {
  const page = outsider();
  page.answer('connect', ANSWER);
  page.deliver([]);
  const told = [];
  refusedByScript(page, 'poll');
  page.client.send('late', (error) => told.push(error.code));
  page.clock.advance(0);
  assert.deepEqual(page.named('state').pop(), ['gone', REFUSED.error]);
  assert.deepEqual(page.states.filter((state) => state === 'gone'), ['gone']);
  assert.deepEqual(told, ['origin']);
  assert.equal(page.warnings.length, 1);
  assertQuiet(page);
});

test('CORS: failures between answers are not added up', () => {
  const page = outsider();
  page.answer('connect', ANSWER);
  page.deliver([]);
  for (let id = 1; id < 6; id += 1) {
    fail(page, 'poll', 2);
    pause(page, 'poll');
    page.deliver([[id, id]]);
  }
  assert.ok(page.exchanges.every((exchange) => exchange.kind === 'xhr'));
});

test('CORS: a client that leaves while the script is asked hears nothing more', () => {
  const page = outsider();
  page.answer('connect', ANSWER);
  page.deliver([]);
  fail(page, 'poll', 3);
  const asked = page.only('poll');
  page.client.leave();
  assert.equal(page.head.children.length, 0);
  asked.respond(200, JSON.stringify(REFUSED));
  page.clock.advance(60);
  assert.deepEqual(page.warnings, []);
  assert.deepEqual(plain(page.thywill.internal.callbacks), {});
});

test('a page of our own is told what it can read, and asks no script', () => {
  const page = new Page();
  fail(page, 'poll', 7);
  assert.ok(page.exchanges.every((exchange) => exchange.kind === 'xhr'));
  pause(page, 'poll');
  const told = [];
  page.thywill.ready(() => {}, (failure) => told.push(plain(failure)));
  page.answer('poll', REFUSED, 403);
  assert.deepEqual(told, [{step: 'connect', message: REFUSED.error.message}]);
  assertQuiet(page);
});

test('JSONP, XDomainRequest, and the frame that the server does not have: the page is told at once', () => {
  for (const options of [{cors: false, globals: {postMessage: undefined}}, {cors: false, xdr: true}, {cors: false}]) {
    const page = outsider(options);
    if (page.scripts.length) {
      serveBridge(page);
      // It may not be shown here: it loads, and says nothing.
      page.frames[0].load();
      page.clock.advance(2);
      pause(page, 'connect');
    }
    if (options.xdr) { page.answer('connect', '', 403); }
    page.answer('connect', REFUSED);
    page.clock.advance(0);
    assert.deepEqual(plain(page.failures), [{step: 'connect', message: REFUSED.error.message}]);
    assert.equal(page.warnings.length, 1);
    assertQuiet(page);
  }
});

test('a browser without a console', () => {
  for (const console of [undefined, {}]) {
    const page = outsider({globals: {console}});
    refusedByScript(page);
    assert.equal(page.failures.length, 1);
  }
});
