/* HtmlUnit is too kind: this takes away what Internet Explorer VERSION did not have, and adds what it had. */
(function () {
  function drop(owner, names) {
    var list = names.split(' '), i;
    for (i = 0; i < list.length; i += 1) {
      try { delete owner[list[i]]; } catch (ignore) { }
    }
  }

  // The one of HtmlUnit knows of the readyState of a script alone.
  function fireLoad(script) {
    script.onreadystatechange = function () {
      if (/loaded|complete/.test(script.readyState) && script.onload) { script.onload(); }
    };
  }

  function addLoadOfScripts() {
    var create = document.createElement;
    document.createElement = function (name) {
      var element = create.call(document, name);
      if (/^script$/i.test(name)) { fireLoad(element); }
      return element;
    };
  }

  if (VERSION < 9) {
    drop(Array.prototype, 'indexOf lastIndexOf forEach map filter some every reduce reduceRight');
    drop(Array, 'isArray indexOf lastIndexOf forEach map filter some every reduce reduceRight');
    drop(Object, 'keys create defineProperty defineProperties getPrototypeOf getOwnPropertyNames');
    drop(Object, 'getOwnPropertyDescriptor freeze seal isFrozen isSealed isExtensible preventExtensions');
    drop(Object.prototype, '__defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__');
    drop(Function.prototype, 'bind');
    drop(String.prototype, 'trim trimLeft trimRight');
    drop(Date, 'now');
    drop(Date.prototype, 'toISOString toJSON');
  }
  if (VERSION < 8) {
    drop(window, 'JSON');
    if (window.JSON) { window.JSON = undefined; }
  }
  if (VERSION === 9) { addLoadOfScripts(); }
  if (VERSION < 10 && window.XMLHttpRequest) { drop(window.XMLHttpRequest.prototype, 'withCredentials'); }
}());
