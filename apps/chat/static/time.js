// Writes seconds since the epoch as times of day and dates, in the reader's time zone.
(function (chat) {
  'use strict';

  var DAY = 86400,
      time = chat.time = {};

  function two(number) {
    return (number < 10 ? '0' : '') + number;
  }

  time.now = function () {
    return new Date().getTime() / 1000;
  };

  time.clock = function (seconds) {
    var date = new Date(seconds * 1000);
    return two(date.getHours()) + ':' + two(date.getMinutes());
  };

  time.day = function (seconds) {
    return new Date(seconds * 1000).toDateString();
  };

  time.dayName = function (seconds) {
    var day = time.day(seconds);
    if (day === time.day(time.now())) { return 'Today'; }
    return day === time.day(time.now() - DAY) ? 'Yesterday' : day;
  };
}(window.chat = window.chat || {}));
