// Calculations: calls the server's methods with the values of the forms, and shows their progress and results.
(function (calc) {
  'use strict';

  // Numbers of calculations are unique over reloads, since one of an earlier page may still run.
  var number = Math.floor(Math.random() * 1e9) * 1e5,
      find = calc.find;

  function Page(client) {
    this.client = client;
    this.jobs = new calc.Jobs(find('calc-jobs'));
    this.forms = [];
    this.buttons = [];
  }

  Page.prototype = {
    start: function () {
      var self = this, described = this.client.parameters.calculations, i;
      this.client.on('message:progress', function (message) { self.jobs.tell(message, 'progress', message.done); });
      this.client.on('message:part', function (message) { self.jobs.tell(message, 'part', message); });
      // The page goes on with a new client; the calculations of the old one have ended with an error.
      this.client.on('restart', function () { self.complain(''); });
      for (i = 0; i < described.length; i += 1) { this.add(described[i]); }
      this.choose(0);
      thywill.cuttable(this.client, find('calc-cut'));
      this.calculate(this.forms[0]);
    },

    add: function (described) {
      var self = this, index = this.forms.length, item = calc.node('li'),
          form = new calc.Form(described, function (submitted) { self.calculate(submitted); });
      this.forms.push(form);
      this.buttons.push(calc.button('way', described.title, function () { self.choose(index); }));
      item.appendChild(this.buttons[index]);
      item.appendChild(document.createTextNode(' '));
      find('calc-ways').appendChild(item);
      find('calc-forms').appendChild(form.node);
    },

    choose: function (index) {
      for (var i = 0; i < this.forms.length; i += 1) {
        this.forms[i].show(i === index);
        this.buttons[i].className = i === index ? 'way chosen' : 'way';
        this.buttons[i].setAttribute('aria-pressed', String(i === index));
      }
    },

    calculate: function (form) {
      var self = this, client = this.client, job, values = form.values();
      number += 1;
      job = new calc.Job(number, form, function () { client.call('cancel', [job.number], function () {}); });
      this.complain('');
      form.blame('');
      this.jobs.add(job);
      client.call(form.name, [job.number].concat(values), function (error, result) {
        self.ended(job, error, result);
      }, {timeout: Number(find('calc-patience').value)});
    },

    ended: function (job, error, result) {
      if (error && error.code === 'timeout') { this.client.call('cancel', [job.number], function () {}); }
      if (error && error.code === 'malformed' && job.form.blame(error.message)) {
        this.jobs.drop(job);
      } else if (error && /^(busy|too_many|malformed|too_large)$/.test(error.code)) {
        this.jobs.drop(job);
        this.complain(error.message);
      } else {
        this.jobs.end(job, error && {message: this.reason(error)}, result);
        calc.write(find('calc-told'), job.form.title + (error ? ': not calculated.' : ': done.'));
      }
    },

    reason: function (error) {
      if (error.reconnect) { return 'The server was restarted, or this page was away for too long.'; }
      return error.code === 'timeout' ? 'Given up: it took too long.' : error.message;
    },

    complain: function (text) {
      calc.write(find('calc-problem'), text.charAt(0).toUpperCase() + text.substr(1));
      find('calc-problem').className = text ? 'problem' : 'problem hidden';
    }
  };

  thywill.ready(function (client) { new Page(client).start(); });
}(window.calc = window.calc || {}));
