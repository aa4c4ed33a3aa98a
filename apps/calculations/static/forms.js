// Makes the form of a calculation from the server's description of its arguments.
(function (calc) {
  'use strict';

  // The server names types as Python does.
  function plain(text) {
    return text.replace(/`int`/g, 'a whole number').replace(/`float`/g, 'a number').replace(/`str`/g, 'a text').replace(/`/g, '');
  }

  function hint(field) {
    var number = calc.number;
    if (field.kind === 'number' && field.min !== undefined && field.max !== undefined) {
      return 'from ' + number(field.min) + ' to ' + number(field.max);
    }
    return field.length ? 'at most ' + number(field.length) + ' characters' : '';
  }

  function choices(field) {
    var select = document.createElement('select'), i, option;
    for (i = 0; i < field.choices.length; i += 1) {
      option = calc.node('option', '', field.choices[i]);
      option.value = field.choices[i];
      select.appendChild(option);
    }
    return select;
  }

  function control(field) {
    var input;
    if (field.kind === 'choice') { return choices(field); }
    input = document.createElement(field.kind === 'text' ? 'textarea' : 'input');
    if (field.kind === 'text') { input.rows = 4; }
    if (field.kind === 'flag') {
      input.type = 'checkbox';
      input.className = 'flag';
    }
    if (field.kind === 'number') { input.setAttribute('inputmode', field.whole ? 'numeric' : 'decimal'); }
    if (field['default'] !== undefined && field.kind !== 'flag') { input.value = String(field['default']); }
    return input;
  }

  // One argument: its label, its control, and the text of its error.
  function Entry(form, field) {
    var id = 'calc-' + form.name + '-' + field.name, label = calc.node('label', '', field.label);
    this.field = field;
    this.node = calc.node('div', 'entry');
    this.control = control(field);
    this.control.id = label.htmlFor = id;
    this.problem = calc.node('p', 'problem hidden');
    this.problem.id = id + '-problem';
    this.problem.setAttribute('role', 'alert');
    this.control.setAttribute('aria-describedby', this.problem.id);
    if (field.kind === 'flag') { label.className = 'beside'; }
    this.node.appendChild(field.kind === 'flag' ? this.control : label);
    this.node.appendChild(field.kind === 'flag' ? label : this.control);
    if (hint(field)) { this.node.appendChild(calc.node('p', 'hint', hint(field))); }
    this.node.appendChild(this.problem);
    if (field.kind === 'flag') { this.control.checked = Boolean(field['default']); }
  }

  Entry.prototype = {
    // A text that is no number goes to the server unchanged, which answers what is wrong.
    value: function () {
      var text = this.control.value, plain = text.replace(/[\s,_]/g, '');
      if (this.field.kind === 'flag') { return this.control.checked; }
      return this.field.kind === 'number' && plain && isFinite(plain) ? Number(plain) : text;
    },

    // text: the error; '' if there is none.
    blame: function (text) {
      calc.write(this.problem, text);
      this.problem.className = text ? 'problem' : 'problem hidden';
      this.control.className = this.control.className.replace(/ ?wrong/, '') + (text ? ' wrong' : '');
      this.control.setAttribute('aria-invalid', String(Boolean(text)));
      if (text) { this.control.focus(); }
    }
  };

  // submit(form): called when the person starts the calculation.
  function Form(described, submit) {
    var self = this, i;
    this.name = described.name;
    this.title = described.title;
    this.node = calc.node('form', 'form hidden');
    this.node.appendChild(calc.node('h2', '', described.title));
    this.node.appendChild(calc.node('p', 'soft', described.text));
    this.entries = [];
    for (i = 0; i < described.fields.length; i += 1) {
      this.entries.push(new Entry(this, described.fields[i]));
      this.node.appendChild(this.entries[i].node);
    }
    this.node.appendChild(calc.button('strong', 'Calculate', function () { submit(self); }));
    this.node.onsubmit = function () {
      submit(self);
      return false;
    };
  }

  Form.prototype = {
    values: function () {
      var values = [], i;
      for (i = 0; i < this.entries.length; i += 1) { values.push(this.entries[i].value()); }
      return values;
    },

    // The values, for people.
    summary: function () {
      var parts = [], i, value;
      for (i = 0; i < this.entries.length; i += 1) {
        value = this.entries[i].value();
        if (typeof value === 'number') { value = calc.number(value); }
        if (typeof value === 'boolean') { value = value ? 'yes' : 'no'; }
        if (value.length > 30) { value = value.substr(0, 30) + '\u2026'; }
        parts.push(this.entries[i].field.label.toLowerCase() + ': ' + value);
      }
      return parts.join(', ');
    },

    show: function (shown) {
      this.node.className = shown ? 'form' : 'form hidden';
    },

    // The server's errors name the argument: "primes: up_to: Expected ...". Returns whether this one did.
    blame: function (message) {
      var found = /^\w+: (\w+)[^:]*: ([\s\S]*)$/.exec(message || ''), hit = false, i;
      for (i = 0; i < this.entries.length; i += 1) {
        if (found && this.entries[i].field.name === found[1]) {
          this.entries[i].blame(plain(found[2]));
          hit = true;
        } else {
          this.entries[i].blame('');
        }
      }
      return hit;
    }
  };

  calc.Form = Form;
}(window.calc = window.calc || {}));
