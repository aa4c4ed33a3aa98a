'use strict';
// What a browser gives to a page for speaking with its server: XMLHttpRequest and EventSource over Node's http.
const http = require('node:http');
const {StringDecoder} = require('node:string_decoder');

// One browser: its connections, its cookies, and whether it sleeps.
class Browser {
  constructor(address, label) {
    this.address = address;
    this.label = label;
    this.cookies = {};
    this.agent = new http.Agent({keepAlive: true, maxSockets: 6});
    this.sleeping = false;
    this.waiting = [];
    this.requests = new Set();
  }

  // Runs what has happened, when it is awake.
  happen(action) {
    if (this.sleeping) { this.waiting.push(action); } else { action(); }
  }

  sleep(isDead) {
    this.sleeping = true;
    if (isDead) { for (const request of [...this.requests]) { request.destroy(); } }
  }

  wake() {
    this.sleeping = false;
    const waiting = this.waiting.splice(0);
    for (const action of waiting) { this.happen(action); }
  }

  close() {
    this.agent.destroy();
    for (const request of [...this.requests]) { request.destroy(); }
  }

  // Calls begin(status), part(text) and end(isWhole); returns a function that drops the request.
  request(method, url, headers, body, handlers) {
    let open = true, decoder = new StringDecoder('utf8');
    const request = http.request(url, {method, agent: this.agent, headers: this.headers(headers)});
    const report = (name, value) => this.happen(() => {
      if (!open) { return; }
      if (name === 'end') { open = false; }
      handlers[name](value);
    });
    this.requests.add(request);
    request.on('close', () => this.requests.delete(request));
    request.on('error', () => report('end', false));
    request.on('response', (response) => {
      this.keep(response.headers['set-cookie']);
      report('begin', response.statusCode);
      response.on('data', (data) => report('part', decoder.write(data)));
      response.on('end', () => report('end', response.complete));
      response.on('error', () => report('end', false));
      response.on('close', () => report('end', response.complete));
    });
    request.end(body);
    return () => { open = false; request.destroy(); };
  }

  headers(more) {
    const cookie = Object.entries(this.cookies).map(([name, value]) => `${name}=${value}`).join('; ');
    return {...more, 'X-Audit': this.label, ...(cookie && {Cookie: cookie})};
  }

  keep(lines) {
    for (const line of lines || []) {
      const [name, value] = line.split(';')[0].split('=');
      this.cookies[name] = value;
    }
  }
}

function requestClass(browser) {
  return class XMLHttpRequest {
    constructor() {
      Object.assign(this, {readyState: 0, status: 0, responseText: '', withCredentials: false, names: {}});
    }

    open(method, url) { Object.assign(this, {method, url: new URL(url, browser.address), readyState: 1}); }

    setRequestHeader(name, value) { this.names[name] = value; }

    send(body) {
      const headers = {...this.names, 'Content-Length': Buffer.byteLength(body || '')};
      this.drop = browser.request(this.method, this.url, headers, body || '', {
        begin: (status) => { this.status = status; this.change(2); },
        part: (text) => { this.responseText += text; this.change(3); },
        end: (isWhole) => {
          if (!isWhole) { Object.assign(this, {status: 0, responseText: ''}); }
          this.change(4);
        }
      });
    }

    change(state) {
      this.readyState = state;
      if (this.onreadystatechange) { this.onreadystatechange(); }
    }

    abort() {
      if (this.drop) { this.drop(); }
      this.readyState = 0;
    }
  };
}

function eventSourceClass(browser) {
  return class EventSource {
    constructor(url) {
      let rest = '';
      this.drop = browser.request('GET', new URL(url, browser.address), {Accept: 'text/event-stream'}, '', {
        begin: () => {},
        part: (text) => {
          const lines = (rest + text).split(/\r\n/);
          rest = lines.pop();
          for (const line of lines) {
            if (line.startsWith('data: ') && this.onmessage) { this.onmessage({data: line.slice(6)}); }
          }
        },
        end: () => { if (this.onerror) { this.onerror({}); } }
      });
    }

    close() { this.drop(); }
  };
}

module.exports = {Browser, requestClass, eventSourceClass};
