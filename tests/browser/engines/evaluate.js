(function () {
  function escape(character) {
    return '\\u' + ('000' + character.charCodeAt(0).toString(16)).slice(-4);
  }

  function quote(text) {
    return '"' + text.replace(/[^ !#-\[\]-~]/g, escape) + '"';
  }

  function join(value) {
    var isList = Object.prototype.toString.call(value) === '[object Array]', parts = [], name;
    if (isList) {
      for (name = 0; name < value.length; name += 1) { parts.push(write(value[name])); }
      return '[' + parts.join(',') + ']';
    }
    for (name in value) {
      if (Object.prototype.hasOwnProperty.call(value, name)) { parts.push(quote(name) + ':' + write(value[name])); }
    }
    return '{' + parts.join(',') + '}';
  }

  function write(value) {
    var type = typeof value;
    if (type === 'string') { return quote(value); }
    if (type === 'boolean' || (type === 'number' && isFinite(value))) { return String(value); }
    return value && type === 'object' ? join(value) : 'null';
  }

  try {
    return '{"value":' + write(EXPRESSION) + '}';
  } catch (exception) {
    return '{"thrown":' + quote(String(exception && exception.message || exception)) + '}';
  }
}())
