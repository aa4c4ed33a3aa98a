'use strict';
// What streams need of a browser, and frames of the server's.

// The exchange of a stream has frame(text), one whole frame, and finish(), the end of the answer.
function eventSourceClass(page, Exchange) {
  return class EventSource {
    constructor(url, options) {
      const exchange = new Exchange('eventsource', url);
      Object.assign(exchange, {source: this, options});
      exchange.frame = (data) => { if (exchange.open) { this.onmessage({data}); } };
      exchange.finish = () => { if (exchange.open) { this.onerror({}); } };
      this.exchange = exchange;
      page.add(exchange);
    }

    close() { Object.assign(this.exchange, {open: false, aborted: true}); }
  };
}

class FrameElement {
  constructor(page, Exchange) {
    Object.assign(this, {page, Exchange, style: {}});
  }

  inserted() {
    const exchange = new this.Exchange('iframe', this.src);
    const name = exchange.query.get('c').replace('thywill.internal.frames.', '');
    const callbacks = () => this.page.thywill.internal.frames[name];
    exchange.frame = (text) => { if (callbacks()) { callbacks().message(text); } };
    exchange.finish = () => {
      if (callbacks()) { callbacks().stop(); }
      if (this.onload) { this.onload(); }
    };
    this.exchange = exchange;
    this.page.add(exchange);
  }

  removed() { Object.assign(this.exchange, {open: false, aborted: true}); }
}

// localStorage on a Map that pages share.
function storage(map) {
  return {
    getItem: (key) => (map.has(key) ? map.get(key) : null),
    setItem: (key, value) => { map.set(key, String(value)); }
  };
}

// The frame with some of the server's answers.
function frame(...answers) { return `a${JSON.stringify(answers.map((answer) => JSON.stringify(answer)))}`; }

function messages(items, after, more = {}) {
  return frame({messages: items, cursor: items.length ? items[items.length - 1][0] : after, after, ...more});
}

// Opens the session of the stream under way, up to the server's first answer.
function greet(page, operation, items = []) {
  const stream = page.only(operation);
  stream.frame('o');
  const told = JSON.parse(page.only('xhr_send').body[0]);
  page.answer('xhr_send', '', 204);
  stream.frame(messages(items, told.cursor));
  return stream;
}

module.exports = {eventSourceClass, FrameElement, storage, frame, messages, greet};
