// JSON: the browser's own functions; ours if there are none (IE6, IE7) or if the page has altered how they write.
(function (internal) {
  'use strict';

  // Some libraries replace window.JSON by another object.
  var builtin = window.JSON && window.JSON.parse && window.JSON.stringify ? window.JSON : null,
      // Kept here, since a library that is loaded later may replace them.
      parseBuiltin = builtin && builtin.parse,
      stringifyBuiltin = builtin && builtin.stringify,
      // Old engines run out of stack at (a|b)*, so this pattern repeats a*(ba*)*.
      STRING = /"[^"\\\x00-\x1f]*(\\(["\\bfnrt]|\/|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"/,
      OTHERS = /|[[\]{}:,]|true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/,
      TOKEN = new RegExp(STRING.source + OTHERS.source, 'g');

  function fail() {
    throw new SyntaxError('No JSON.');
  }

  function unquote(token) {
    if (token.charAt(0) !== '"') { fail(); }
    return token.slice(1, -1).replace(/\\(u.{4}|.)/g, function (escape, code) {
      return code.length > 1 ? String.fromCharCode(parseInt(code.slice(1), 16)) :
        '\b\f\n\r\t'.charAt('bfnrt'.indexOf(code)) || code;
    });
  }

  function parse(text) {
    var tokens = (text.match(TOKEN) || []).reverse(), value;

    function next() {
      return tokens.pop() || fail();
    }

    function readItems(close, readItem) {
      var token = next();
      if (token === close) { return; }
      readItem(token);
      while ((token = next()) === ',') { readItem(next()); }
      if (token !== close) { fail(); }
    }

    function read(token) {
      var list = [], object = {};
      if (token === '[') {
        readItems(']', function (item) { list.push(read(item)); });
        return list;
      }
      if (token === '{') {
        readItems('}', function (name) {
          if (next() !== ':') { fail(); }
          object[unquote(name)] = read(next());
        });
        return object;
      }
      if (/^[tfn]/.test(token)) { return token === 'null' ? null : token === 'true'; }
      return /\d$/.test(token) ? Number(token) : unquote(token);
    }

    value = read(next());
    if (tokens.length || /[^ \t\n\r]/.test(text.replace(TOKEN, ''))) { fail(); }
    return value;
  }

  function escapeOne(character) {
    return '\\u' + ('000' + character.charCodeAt(0).toString(16)).slice(-4);
  }

  function quote(text) {
    return '"' + text.replace(/["\\]/g, '\\$&').replace(/[\x00-\x1f]/g, escapeOne) + '"';
  }

  function writeList(list) {
    var parts = [], i;
    for (i = 0; i < list.length; i += 1) { parts.push(write(list[i]) || 'null'); }
    return '[' + parts.join(',') + ']';
  }

  function writeObject(object) {
    var parts = [];
    internal.each(object, function (name, value) {
      var text = write(value);
      if (text) { parts.push(quote(name) + ':' + text); }
    });
    return '{' + parts.join(',') + '}';
  }

  // Prototype and other libraries give every list, text or number a toJSON, whose result would be quoted again.
  function isAltered() {
    return !!([].toJSON || {}.toJSON || ''.toJSON || (0).toJSON || true.toJSON);
  }

  // Returns whether the value has its own toJSON or that of its class, and not one that all lists or objects have.
  function hasToJSON(value) {
    var toJSON = typeof value === 'object' && value && value.toJSON;
    return !!toJSON && toJSON !== [].toJSON && toJSON !== {}.toJSON;
  }

  function write(value) {
    var type = typeof value;
    // The toJSON of Prototype's dates returns JSON, which would be quoted again.
    if (value && value.toISOString) { return isFinite(value) ? quote(value.toISOString()) : 'null'; }
    if (hasToJSON(value)) { return write(value.toJSON()); }
    if (type === 'string') { return quote(value); }
    if (type === 'object' && value) { return internal.isArray(value) ? writeList(value) : writeObject(value); }
    if (type === 'undefined' || type === 'function') { return ''; }
    return type === 'number' && !isFinite(value) ? 'null' : String(value);
  }

  internal.json = {
    parse: function (text) {
      return builtin ? parseBuiltin(text) : parse(text);
    },

    // U+2028 and U+2029 end a line in old JavaScript; half of a surrogate pair can't be written in UTF-8.
    stringify: function (value) {
      var text = (builtin && !isAltered() ? stringifyBuiltin(value) : write(value)) || 'null';
      return text.replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff\u2028\u2029]/g, function (found) {
        return found.length > 1 ? found : escapeOne(found);
      });
    }
  };
}(thywill.internal));
