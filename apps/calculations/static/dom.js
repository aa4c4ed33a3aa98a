// Elements, buttons and numbers, as this page has them.
(function (calc) {
  'use strict';

  calc.find = thywill.internal.dom.find;
  calc.write = thywill.internal.dom.write;

  calc.node = function (tag, className, text) {
    var made = document.createElement(tag);
    made.className = className || '';
    if (text) { made.appendChild(document.createTextNode(text)); }
    return made;
  };

  // The button is in no form, so it submits none.
  calc.button = function (className, text, act) {
    var made = calc.node('button', className, text);
    made.onclick = function () {
      act();
      return false;
    };
    return made;
  };

  // 1234567 as 1,234,567.
  calc.number = function (value) {
    return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
  };

  // How many there are, as in "1 prime" and "1,229 primes".
  calc.count = function (value, thing) {
    return calc.number(value) + ' ' + thing + (value === 1 ? '' : 's');
  };
}(window.calc = window.calc || {}));
