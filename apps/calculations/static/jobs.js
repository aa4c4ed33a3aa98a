// The calculations of this page, the newest first, each with its progress and its result.
(function (calc) {
  'use strict';

  var MOST = 12,
      RATIO = 0.75,
      SAY = {
        primes: function (result) {
          return [calc.count(result.count, 'prime'), 'The largest: ' + result.largest.reverse().join(', ').replace(/\d+/g, calc.number)];
        },
        digit_of_pi: function (result) {
          return [String(result.digit), 'after \u2026' + result.before];
        },
        mandelbrot: function (result) {
          return ['', result.width + ' \u00d7 ' + result.height + ' pixels'];
        },
        letters: function (result) {
          var most = [], i;
          for (i = 0; i < result.most.length; i += 1) { most.push(result.most[i].join(' \u00d7 ')); }
          return [calc.count(result.characters, 'character'), calc.number(result.different) + ' of them different. ' + most.join(', ')];
        }
      };

  function Job(number, form, cancel) {
    this.number = number;
    this.form = form;
    this.begun = thywill.clock.now();
    this.node = calc.node('li', 'card job');
    this.node.appendChild(calc.node('h3', '', form.title));
    this.node.appendChild(calc.node('p', 'soft', form.summary()));
    this.node.lastChild.setAttribute('dir', 'auto');
    this.bar = calc.node('div', 'bar');
    this.bar.setAttribute('role', 'progressbar');
    this.bar.setAttribute('aria-label', form.title);
    this.bar.setAttribute('aria-valuemin', '0');
    this.bar.setAttribute('aria-valuemax', '100');
    this.fill = calc.node('div', 'fill graphic');
    this.bar.appendChild(this.fill);
    this.node.appendChild(this.bar);
    this.stop = calc.button('', 'Cancel', cancel);
    this.node.appendChild(this.stop);
    this.progress(0);
  }

  Job.prototype = {
    progress: function (done) {
      var percent = Math.round(done * 100);
      this.fill.style.width = percent + '%';
      this.bar.setAttribute('aria-valuenow', String(percent));
    },

    // A row of the picture.
    part: function (part) {
      if (!this.picture) {
        this.place = calc.node('div', 'picture');
        this.place.setAttribute('role', 'img');
        this.place.setAttribute('aria-label', this.form.title + ', ' + this.form.summary());
        this.node.insertBefore(this.place, this.stop);
        this.picture = new calc.Picture(this.place, part.pixels.length, Math.round(part.pixels.length * RATIO));
      }
      this.picture.row(part.row, part.pixels);
    },

    seconds: function () {
      return ((thywill.clock.now() - this.begun) / 1000).toFixed(1) + ' s';
    },

    end: function (error, result) {
      var said = error ? ['', error.message] : SAY[this.form.name](result), text = calc.node('p', error ? 'result problem' : 'result');
      this.node.removeChild(this.bar);
      this.node.removeChild(this.stop);
      if (said[0]) {
        text.appendChild(calc.node('span', 'big', said[0]));
        text.appendChild(document.createElement('br'));
      }
      text.appendChild(document.createTextNode(said[1]));
      text.appendChild(calc.node('span', 'soft', ' (' + this.seconds() + ')'));
      text.setAttribute('dir', 'auto');
      this.node.appendChild(text);
    }
  };

  function Jobs(list) {
    this.list = list;
    this.all = {};
  }

  Jobs.prototype = {
    add: function (job) {
      this.all[job.number] = job;
      this.list.insertBefore(job.node, this.list.firstChild);
      if (this.list.childNodes.length > MOST) { this.list.removeChild(this.list.lastChild); }
    },

    // Calls a method of the job that a message belongs to, if the job still runs.
    tell: function (message, method, value) {
      var job = this.all[message.job];
      if (job) { job[method](value); }
    },

    end: function (job, error, result) {
      delete this.all[job.number];
      job.end(error, result);
    },

    // The job has never begun.
    drop: function (job) {
      delete this.all[job.number];
      this.list.removeChild(job.node);
    }
  };

  calc.Job = Job;
  calc.Jobs = Jobs;
}(window.calc = window.calc || {}));
