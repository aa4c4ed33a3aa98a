// Writes numbers and times for people, and has helpers for the DOM.
(function (status) {
  'use strict';

  var dom = status.dom = {},
      format = status.format = {},
      // In this order: Edge and Opera also call themselves Chrome, and Chrome calls itself Safari.
      BROWSERS = [
        [/Edg/, 'Edge'], [/OPR|Opera/, 'Opera'], [/Firefox/, 'Firefox'], [/Chrom/, 'Chrome'],
        [/MSIE|Trident/, 'Internet Explorer'], [/Safari/, 'Safari']
      ],
      SYSTEMS = [
        [/Windows/, 'Windows'], [/Android/, 'Android'], [/iPhone|iPad|iPod/, 'iOS'], [/Mac OS/, 'macOS'],
        [/CrOS/, 'ChromeOS'], [/Linux|X11/, 'Linux']
      ];

  dom.find = function (id) {
    return document.getElementById(id);
  };

  // Always a text node: texts from browsers, such as user agents, never become markup.
  dom.make = function (tag, className, text) {
    var node = document.createElement(tag);
    node.className = className || '';
    if (text != null) { node.appendChild(document.createTextNode(text)); }
    return node;
  };

  dom.write = function (node, text) {
    if (node.firstChild && node.firstChild.nodeType === 3 && !node.firstChild.nextSibling) {
      node.firstChild.nodeValue = text;
      return;
    }
    dom.empty(node);
    node.appendChild(document.createTextNode(text));
  };

  dom.empty = function (node) {
    while (node.firstChild) { node.removeChild(node.firstChild); }
  };

  // isNamed: whether the first cell is the name of the row.
  dom.row = function (cells, numbersFrom, isNamed) {
    var row = dom.make('tr'), i, tag;
    for (i = 0; i < cells.length; i += 1) {
      tag = dom.make(isNamed && !i ? 'th' : 'td', i >= numbersFrom ? 'n' : '');
      if (isNamed && !i) { tag.setAttribute('scope', 'row'); }
      tag.appendChild(typeof cells[i] === 'object' ? cells[i] : document.createTextNode(cells[i]));
      row.appendChild(tag);
    }
    return row;
  };

  dom.fill = function (body, rows, nothing) {
    var i;
    dom.empty(body);
    for (i = 0; i < rows.length; i += 1) { body.appendChild(rows[i]); }
    if (rows.length) { return; }
    body.appendChild(dom.row([dom.make('span', 'soft', nothing)], 1));
    body.firstChild.firstChild.colSpan = 9;
    body.firstChild.firstChild.className = 'nothing';
  };

  // A text that may be long, on one line; the pointer shows the whole text.
  dom.cut = function (text, className) {
    var node = dom.make('span', 'cut' + (className ? ' ' + className : ''), text);
    node.title = text;
    return node;
  };

  // Returns 1234567 as "1 234 567", with thin blanks that keep it on one line.
  format.number = function (value) {
    var text = String(value), whole = text.split('.')[0], rest = text.split('.')[1], parts = '';
    while (whole.length > 3) {
      parts = '\u202f' + whole.slice(-3) + parts;
      whole = whole.slice(0, -3);
    }
    return whole + parts + (rest ? '.' + rest : '');
  };

  format.count = function (value, word) {
    return format.number(value) + ' ' + word + (value === 1 ? '' : 's');
  };

  format.rate = function (value) {
    return format.number(value >= 10 ? Math.round(value) : value);
  };

  format.milliseconds = function (value) {
    if (value == null) { return '\u2013'; }
    if (value >= 1000) { return (value / 1000).toFixed(value >= 10000 ? 0 : 1) + ' s'; }
    return (value >= 10 ? Math.round(value) : value) + ' ms';
  };

  format.bytes = function (value) {
    var units = ['B', 'KB', 'MB', 'GB'], i = 0, size = value;
    while (size >= 1024 && i < 3) {
      size /= 1024;
      i += 1;
    }
    return (size >= 100 || !i ? Math.round(size) : size.toFixed(1)) + ' ' + units[i];
  };

  format.seconds = function (value) {
    if (value < 120) { return Math.round(value) + ' s'; }
    if (value < 7200) { return Math.round(value / 60) + ' min'; }
    return value < 172800 ? Math.round(value / 3600) + ' h' : Math.round(value / 86400) + ' days';
  };

  // Returns the end of an id, which is random and so distinguishes ids.
  format.id = function (id) {
    return id.slice(-6);
  };

  function firstOf(words, text) {
    for (var i = 0; i < words.length; i += 1) {
      if (words[i][0].test(text)) { return words[i][1]; }
    }
    return '';
  }

  // Returns a user agent in two words, "Firefox, Linux"; for a program its name.
  format.agent = function (agent) {
    var browser = firstOf(BROWSERS, agent), system = firstOf(SYSTEMS, agent);
    if (!browser) { return agent.split(/[\/ ;(]/)[0].slice(0, 24) || 'a program'; }
    return system ? browser + ', ' + system : browser;
  };

  // Returns a name for a client: its user or, without one, its browser.
  format.name = function (known) {
    return (known.user || format.agent(known.agent || '')) + ' \u00b7 ' + format.id(known.id);
  };
}(window.thywillStatus = window.thywillStatus || {}));
