// JSON: the browser's own, or ours where there is none (IE6, IE7).
(function (window, thywill) {
  var builtin = window.JSON,
      ESCAPES = {'\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r', '"': '\\"', '\\': '\\\\'},
      UNESCAPES = {b: '\b', t: '\t', n: '\n', f: '\f', r: '\r'},
      // Everything that RFC 8259 allows outside of white space. The string's loop is unrolled, since old engines
      // run out of stack on (a|b)* over a long text.
      TOKENS = new RegExp('[\\[\\]{}:,]|true|false|null' +
        '|"[^"\\\\\\x00-\\x1f]*(?:\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\\\\x00-\\x1f]*)*"' +
        '|-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?', 'g'),
      WORDS = {'true': true, 'false': false, 'null': null};

  function hex(character) {
    return '\\u' + ('000' + character.charCodeAt(0).toString(16)).slice(-4);
  }

  function unescapeOne(whole, code) {
    return code.length > 1 ? String.fromCharCode(parseInt(code.slice(1), 16)) : UNESCAPES[code] || code;
  }

  function Parser(text) {
    this.tokens = text.match(TOKENS) || [];
    this.position = 0;
    if (/[^ \t\n\r]/.test(text.replace(TOKENS, ''))) { this.fail(); }
  }

  Parser.prototype = {
    fail: function () {
      throw new SyntaxError('This is not JSON.');
    },

    next: function () {
      if (this.position === this.tokens.length) { this.fail(); }
      return this.tokens[this.position++];
    },

    accept: function (token) {
      if (this.tokens[this.position] !== token) { return false; }
      this.position += 1;
      return true;
    },

    expect: function (token) {
      if (!this.accept(token)) { this.fail(); }
    },

    whole: function () {
      var value = this.value();
      if (this.position < this.tokens.length) { this.fail(); }
      return value;
    },

    value: function () {
      var token = this.next();
      if (token === '[') { return this.list([]); }
      if (token === '{') { return this.members({}); }
      if (token.charAt(0) === '"') { return this.string(token); }
      if (WORDS.hasOwnProperty(token)) { return WORDS[token]; }
      if (!/\d/.test(token)) { this.fail(); }
      return Number(token);
    },

    string: function (token) {
      if (token.charAt(0) !== '"') { this.fail(); }
      return token.slice(1, -1).replace(/\\(u.{4}|.)/g, unescapeOne);
    },

    list: function (list) {
      if (this.accept(']')) { return list; }
      do { list.push(this.value()); } while (this.accept(','));
      this.expect(']');
      return list;
    },

    members: function (object) {
      var name;
      if (this.accept('}')) { return object; }
      do {
        name = this.string(this.next());
        this.expect(':');
        object[name] = this.value();
      } while (this.accept(','));
      this.expect('}');
      return object;
    }
  };

  function quote(text) {
    return '"' + text.replace(/["\\\x00-\x1f]/g, function (character) {
      return ESCAPES[character] || hex(character);
    }) + '"';
  }

  function writeList(list) {
    var parts = [], i;
    for (i = 0; i < list.length; i += 1) { parts.push(write(list[i]) || 'null'); }
    return '[' + parts.join(',') + ']';
  }

  function writeMembers(object) {
    var parts = [], name, text;
    for (name in object) {
      if (Object.prototype.hasOwnProperty.call(object, name)) {
        text = write(object[name]);
        if (text) { parts.push(quote(name) + ':' + text); }
      }
    }
    return '{' + parts.join(',') + '}';
  }

  function two(number) {
    return (number < 10 ? '0' : '') + number;
  }

  function writeDate(date) {
    return !isFinite(date) ? 'null' : '"' + date.getUTCFullYear() + '-' + two(date.getUTCMonth() + 1) + '-' + two(date.getUTCDate()) +
      'T' + two(date.getUTCHours()) + ':' + two(date.getUTCMinutes()) + ':' + two(date.getUTCSeconds()) +
      '.' + ('00' + date.getUTCMilliseconds()).slice(-3) + 'Z"';
  }

  var WRITERS = {
    '[object String]': quote,
    '[object Number]': function (number) { return isFinite(number) ? String(number) : 'null'; },
    '[object Boolean]': String,
    '[object Date]': writeDate,
    '[object Array]': writeList
  };

  function write(value) {
    if (value && typeof value.toJSON === 'function') { value = value.toJSON(); }
    if (value === null) { return 'null'; }
    if (value === undefined || typeof value === 'function') { return undefined; }
    return (WRITERS[Object.prototype.toString.call(value)] || writeMembers)(value);
  }

  // U+2028 and U+2029 end a line in JavaScript before 2019, and half a pair of surrogates is no UTF-8.
  function escapeUnsafe(text) {
    return text.replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff\u2028\u2029]/g, function (found) {
      return found.length > 1 ? found : hex(found);
    });
  }

  thywill.json = {
    parse: function (text) {
      return builtin ? builtin.parse(text) : new Parser(text).whole();
    },

    // What JSON can't say, such as undefined, becomes null, as it does within a list.
    stringify: function (value) {
      return escapeUnsafe((builtin ? builtin.stringify(value) : write(value)) || 'null');
    }
  };
}(window, window.thywill));
