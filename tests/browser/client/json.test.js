'use strict';
const assert = require('node:assert/strict');
const {test} = require('node:test');
const vm = require('node:vm');
const {Page, generator} = require('./harness');

const page = new Page({bootstrap: false, json: false});
const own = page.thywill.internal.json;
const native = new Page({bootstrap: false}).thywill.internal.json;

// What old libraries do to a page.
const ALTERED = {
  prototype: `
    Array.prototype.toJSON = function () { return '[' + this.join(', ') + ']'; };
    String.prototype.toJSON = function () { return '"' + this + '"'; };
    Number.prototype.toJSON = function () { return String(this); };
    Date.prototype.toJSON = function () { return '"' + this.toISOString() + '"'; };`,
  'all objects': 'Object.prototype.toJSON = function () { return 7; };',
  mootools: 'JSON = {encode: function () { return 1; }, decode: function () { return 2; }};',
  'replaced after us': 'JSON.stringify = JSON.parse = function () { return 3; };'
};

for (const [name, script] of Object.entries(ALTERED)) {
  test(`a page whose natives were altered (${name}) sends and reads JSON`, () => {
    const altered = new Page({bootstrap: false});
    if (name !== 'mootools') { vm.runInContext(script, altered.context); }
    if (name === 'mootools') {
      vm.runInContext(script, altered.context);
      altered.load();
    }
    const {json} = altered.thywill.internal;
    const value = vm.runInContext(`({list: ['a', 1, [true, null]], text: '"', number: 1.5, date: new Date(0),
      own: {toJSON: function () { return {b: [2]}; }}, nothing: undefined})`, altered.context);
    assert.equal(json.stringify(value),
      '{"list":["a",1,[true,null]],"text":"\\"","number":1.5,"date":"1970-01-01T00:00:00.000Z","own":{"b":[2]}}');
    const read = json.parse('{"a":[1,"b"]}');
    assert.deepEqual([read.a[0], read.a[1], read.a.length], [1, 'b', 2]);
  });
}

const VALUES = [
  null, true, false, 0, -0, 1, -1, 1.5, 1e21, 1e-7, -1.25e-300, 9007199254740991,
  '', 'a', 'ä€😀', '"\\/', '\b\f\n\r\t',
  '\u0000\u001f\u007f', '\u2028\u2029', 'a\u2028b', '</script>', [], [[]], [1, [2, [3]], null], {}, {a: {}}, {'': 1},
  {'a b': [1, {c: null}]}, {'"': '"'}, ['true', 'null', '1'], {true: false, null: null}, [undefined, 1],
  {a: undefined, b: 1}, [NaN, Infinity, -Infinity], {f() {}}, [function () {}], {toJSON() { return {b: 2}; }},
  'x'.repeat(100000), '\\'.repeat(999), '"'.repeat(999), Array.from({length: 5000}, (none, i) => [i, `m${i}`])
];

const TEXTS = [
  '', ' ', '{', '}', '[', ']', '{}', '[]', ' { } ', '\t[\n1 ,\r2 ]',
  '[1,]', '[,1]', '[1,,2]', '{"a":1,}', '{,}', '{"a"}',
  '{"a":}', '{a:1}', '{\'a\':1}', '["a]', '"a', 'a"', '"a""b"', '1 2', '01', '-', '-1', '+1', '1.', '.5', '1e5', '1E+5',
  '1e', '0x10', 'NaN', 'Infinity', '-Infinity', 'undefined', 'nul', 'nulll', 'true', 'truefalse', 'True', '[1][0]',
  '{"a":1}{"b":2}', '[1', '1]', '"\\x"', '"\\u12"', '"\\u00e9"', '"\\ud83d\\ude00"', '"\\/"', '"\n"', '"\t"', '\u00a01',
  '\ufeff1', 'alert(1)', '[alert(1)]', '{"a":alert}', '<html></html>', '"\u2028"', '1,2', '{"a":1,"a":2}', '-0', '[-]',
  '{"a" "b"}', '{"a":1 "b":2}', '[1 2]', '{1:2}', '{"a"::1}', '::', '"a":1', '{"messages":[[1,"a"],[2', 'tr"x"ue',
  '{"valueOf":1,"toString":2,"hasOwnProperty":3,"constructor":4}', '/**/1', '1//', '(1)', '[1;2]', 'new Date'
];

function outcome(parse, text) {
  try {
    return JSON.stringify(parse(text));
  } catch (error) {
    assert.equal(error.name, 'SyntaxError', `${text}: ${error}`);
    return 'SyntaxError';
  }
}

function randomValue(random, depth) {
  const pick = Math.floor(random() * (depth ? 7 : 5));
  const list = () => Array.from({length: Math.floor(random() * 5)}, () => randomValue(random, depth - 1));
  if (pick === 0) { return null; }
  if (pick === 1) { return random() < 0.5; }
  if (pick === 2) { return (random() - 0.5) * 10 ** Math.floor(random() * 40 - 20); }
  if (pick < 5) { return String.fromCharCode(...Array.from({length: 8}, () => Math.floor(random() * 0xd800))); }
  return pick === 5 ? list() : Object.fromEntries(list().map((value) => [randomValue(random, 0), value]));
}

test('the context has no JSON of its own', () => {
  assert.equal(page.context.JSON, undefined);
});

test('ours writes what the browser\'s own writes, but for the escapes', () => {
  for (const value of VALUES) {
    assert.deepEqual(JSON.parse(own.stringify(value)), JSON.parse(native.stringify(value)));
  }
});

test('ours reads what it and the browser\'s own have written', () => {
  for (const value of VALUES) {
    const text = native.stringify(value);
    assert.equal(JSON.stringify(own.parse(text)), JSON.stringify(JSON.parse(text)));
    assert.equal(JSON.stringify(own.parse(own.stringify(value))), JSON.stringify(JSON.parse(text)));
  }
});

test('ours takes and refuses the same texts as the browser\'s own', () => {
  for (const text of TEXTS) { assert.equal(outcome(own.parse, text), outcome(JSON.parse, text), JSON.stringify(text)); }
});

test('ours agrees with the browser\'s own on random values, and on what is left of them when cut or changed', () => {
  const random = generator(20260101);
  for (let i = 0; i < 2000; i += 1) {
    const text = JSON.stringify(randomValue(random, 4));
    const at = Math.floor(random() * text.length);
    const changed = text.slice(0, at) + '{}[],:"\\1ae-+. '.charAt(Math.floor(random() * 15)) + text.slice(at + 1);
    assert.equal(JSON.stringify(own.parse(text)), JSON.stringify(JSON.parse(text)));
    assert.equal(outcome(own.parse, text.slice(0, at)), outcome(JSON.parse, text.slice(0, at)));
    assert.equal(outcome(own.parse, changed), outcome(JSON.parse, changed), changed);
    assert.deepEqual(JSON.parse(own.stringify(JSON.parse(text))), JSON.parse(text));
  }
});

test('nothing that is parsed is ever run', () => {
  page.context.ran = false;
  for (const text of ['ran = true', '(ran = true)', '[ran=true]', '{"a":(function(){ran=true})()}',
    '"\\"+(ran=true)+\\""']) {
    try { own.parse(text); } catch (error) { /* as it should be */ }
  }
  assert.equal(page.context.ran, false);
});

test('both escape U+2028, U+2029 and half a pair of surrogates', () => {
  for (const json of [own, native]) {
    assert.equal(json.stringify('a\u2028\u2029b'), '"a\\u2028\\u2029b"');
    assert.equal(json.stringify('\ud83d'), '"\\ud83d"');
    assert.equal(json.stringify('x\ude00y'), '"x\\ude00y"');
    assert.equal(json.stringify('😀'), '"😀"');
    assert.doesNotThrow(() => encodeURIComponent(json.stringify('\ud83d')));
  }
});

test('what JSON can not say is null', () => {
  for (const json of [own, native]) {
    assert.equal(json.stringify(undefined), 'null');
    assert.equal(json.stringify(() => {}), 'null');
    assert.equal(json.stringify(NaN), 'null');
  }
});

test('values of the page itself are written, lists as lists', () => {
  page.context.json = own;
  assert.equal(vm.runInContext('json.stringify({a: [1, "b", null, true, {c: []}]})', page.context),
    '{"a":[1,"b",null,true,{"c":[]}]}');
});

test('sizes are bytes of UTF-8', () => {
  for (const text of ['', 'abc', 'é', '€', '😀', 'a😀é€\u2028\ud7ff\ue000\uffff\u007f\u0080\u07ff\u0800']) {
    assert.equal(page.thywill.internal.bytes(text), Buffer.byteLength(text));
  }
});
