// JSON: the browser's own, or ours in IE6 and IE7.
(function (window, thywill) {
  var builtin = window.JSON,
      // The string's loop is unrolled: on (a|b)* old engines run out of stack.
      TOKENS = new RegExp('[\\[\\]{}:,]|true|false|null|-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?' +
        '|"[^"\\\\\\x00-\\x1f]*(?:\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\\\\x00-\\x1f]*)*"', 'g'),
      WORDS = {'true': true, 'false': false, 'null': null},
      SHORT = {b: '\b', f: '\f', n: '\n', r: '\r', t: '\t'};

  function fail() {
    throw new SyntaxError('This is not JSON.');
  }

  function unquote(token) {
    return token.slice(1, -1).replace(/\\(u.{4}|.)/g, function (escape, code) {
      return code.length > 1 ? String.fromCharCode(parseInt(code.slice(1), 16)) : SHORT[code] || code;
    });
  }

  function parse(text) {
    var tokens = text.match(TOKENS) || [], position = 0, value;

    function next() {
      position += 1;
      return tokens[position - 1] || fail();
    }

    // Reads up to the closing token, with item(token) for each first token of what stands between commas.
    function readItems(close, item) {
      var token = next();
      if (token === close) { return; }
      item(token);
      while ((token = next()) === ',') { item(next()); }
      if (token !== close) { fail(); }
    }

    function readList() {
      var list = [];
      readItems(']', function (token) { list.push(read(token)); });
      return list;
    }

    function readObject() {
      var object = {};
      readItems('}', function (token) {
        if (token.charAt(0) !== '"' || next() !== ':') { fail(); }
        object[unquote(token)] = read(next());
      });
      return object;
    }

    function read(token) {
      if (token === '[') { return readList(); }
      if (token === '{') { return readObject(); }
      if (token.charAt(0) === '"') { return unquote(token); }
      if (WORDS.hasOwnProperty(token)) { return WORDS[token]; }
      return /\d/.test(token) ? Number(token) : fail();
    }

    value = read(next());
    return position < tokens.length || /[^ \t\n\r]/.test(text.replace(TOKENS, '')) ? fail() : value;
  }

  function escapeOne(character) {
    return '\\u' + ('000' + character.charCodeAt(0).toString(16)).slice(-4);
  }

  function quote(text) {
    return '"' + text.replace(/["\\]/g, '\\$&').replace(/[\x00-\x1f]/g, escapeOne) + '"';
  }

  function write(value) {
    var parts = [], type = typeof value, name, text;
    if (value && typeof value.toJSON === 'function') { return write(value.toJSON()); }
    if (type === 'string') { return quote(value); }
    if (type === 'boolean' || (type === 'number' && isFinite(value))) { return String(value); }
    if (!value || type === 'number') { return value === undefined ? value : 'null'; }
    if (thywill.isArray(value)) {
      for (name = 0; name < value.length; name += 1) { parts.push(write(value[name]) || 'null'); }
      return '[' + parts.join(',') + ']';
    }
    if (type !== 'object') { return undefined; }
    for (name in value) {
      if (Object.prototype.hasOwnProperty.call(value, name)) {
        text = write(value[name]);
        if (text) { parts.push(quote(name) + ':' + text); }
      }
    }
    return '{' + parts.join(',') + '}';
  }

  thywill.json = {
    parse: function (text) {
      return builtin ? builtin.parse(text) : parse(text);
    },

    // What JSON can't say becomes null. U+2028 and U+2029 end lines in old JavaScript, and half a pair of
    // surrogates is no UTF-8: they are escaped.
    stringify: function (value) {
      var text = (builtin ? builtin.stringify(value) : write(value)) || 'null';
      return text.replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff\u2028\u2029]/g, function (found) {
        return found.length > 1 ? found : escapeOne(found);
      });
    }
  };
}(window, window.thywill));
