'use strict';
// A network between a page and the model of the server: streams that are cut anywhere, held back, silent, ended at a
// limit; requests that get lost. Every run is repeatable by its source of chance.
const {Session} = require('./model');

const STREAMS = /^(xhr_streaming|eventsource|htmlfile)$/;

// What happens to one stream, after so many of its frames.
function faultOf(random, faults) {
  const kind = random() < 0.6 ? faults[Math.floor(random() * faults.length)] : 'none';
  return {kind, after: Math.floor(random() * 6)};
}

function carry(page, server, random, faults, exchange) {
  const session = server.sessions[exchange.session] || new Session(server);
  const fault = faultOf(random, faults);
  const later = (action) => page.clock.set(action, random() * 50);
  let count = 0, time = page.clock.now(), held = false;
  server.sessions[exchange.session] = session;

  // What is written arrives in order.
  function inOrder(action) {
    time = Math.max(time, page.clock.now()) + random() * 20;
    page.clock.set(action, time - page.clock.now());
  }

  function breakOff(text) {
    held = true;
    inOrder(() => {
      if (exchange.write) { exchange.write(text.slice(0, Math.floor(random() * text.length))); }
      exchange.finish();
    });
    later(() => session.interrupt());
  }

  function write(text) {
    count += 1;
    if (held || exchange.aborted) { return; }
    if (count > fault.after && fault.kind === 'cut') { return breakOff(text); }
    if (count > fault.after && fault.kind === 'silence') { held = true; return; }
    if (fault.kind === 'twice') { inOrder(() => exchange.frame(text)); }
    inOrder(() => exchange.frame(text));
  }

  if (fault.kind === 'buffered') { held = true; }
  if (fault.kind === 'refused') { return later(() => exchange.finish()); }
  const ended = setAborted(page, exchange, () => later(() => session.interrupt()));
  return later(() => {
    if (!ended()) { session.attach(write, () => { if (!held) { inOrder(() => exchange.finish()); } }, 1 + random() * 20); }
  });
}

// Sees when the page has dropped the request, as a server does.
function setAborted(page, exchange, action) {
  let aborted = false;
  Object.defineProperty(exchange, 'aborted', {
    get: () => aborted,
    set: (value) => { if (value && !aborted) { aborted = true; action(); } }
  });
  return () => aborted;
}

function hear(page, server, random, exchange) {
  const {session, body} = exchange;
  const known = server.sessions[session];
  if (random() < 0.05) { return exchange.respond(0, ''); }
  if (!known || known.closed) { return exchange.respond(404, '{"error":{"code":"not_found","message":"there is no such session"}}'); }
  body.forEach((text) => known.hear(text));
  return exchange.respond(204, '');
}

// Those of JSONP are texts.
function fieldsOf({kind, body}) {
  if (kind !== 'jsonp') { return body; }
  const fields = {...body};
  for (const name of ['cursor', 'hold', 'messages']) { if (name in body) { fields[name] = JSON.parse(body[name]); } }
  return fields;
}

function connect(page, server, random, faults) {
  page.network = (exchange) => {
    if (STREAMS.test(exchange.operation)) { return carry(page, server, random, faults, exchange); }
    return page.clock.set(() => {
      if (exchange.aborted) { return; }
      if (exchange.operation === 'xhr_send') { hear(page, server, random, exchange); return; }
      if (random() < 0.05) { exchange.respond(0, ''); return; }
      server[exchange.operation](fieldsOf(exchange), (body, status = 200) => {
        page.clock.set(() => exchange.respond(status, JSON.stringify(body)), random() * 50);
      });
    }, random() * 50);
  };
}

const FAULTS = ['cut', 'silence', 'buffered', 'refused', 'twice'];

module.exports = {connect, FAULTS};
