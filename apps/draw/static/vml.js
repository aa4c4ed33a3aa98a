// The paper in Internet Explorer 6 to 8, which have no canvas but VML: each line is a shape.
(function (draw) {
  'use strict';

  var HEIGHT = 1000, WIDTH = HEIGHT * draw.RATIO;

  function path(line) {
    var points = draw.scaled(line.points, WIDTH, HEIGHT), curves = draw.curves(points), i, text;
    text = 'm' + Math.round(points[0].x) + ',' + Math.round(points[0].y);
    // A single point is a dot.
    if (!curves.length) { text += ' r1,0'; }
    for (i = 0; i < curves.length; i += 1) {
      text += ' c' + draw.each(curves[i], Math.round).join(',');
    }
    return text + ' e';
  }

  // The markup has only our own numbers and colours.
  function shape(line, height) {
    return '<draw:shape class="shape" filled="f" stroked="t" coordsize="' + WIDTH + ',' + HEIGHT + '" strokecolor="' +
      line.colour + '" strokeweight="' + Math.max(line.width * height, 1) + 'px" path="' + path(line) + '">' +
      '<draw:stroke class="shape" endcap="round" joinstyle="round"></draw:stroke></draw:shape>';
  }

  function group(place) {
    var node = document.createElement('div');
    node.className = 'sheet';
    place.appendChild(node);
    return node;
  }

  function VmlSurface(place) {
    this.place = place;
    this.base = group(place);
    this.above = group(place);
  }

  VmlSurface.prototype = {
    put: function (to, lines) {
      var i, text = '';
      for (i = 0; i < lines.length; i += 1) {
        if (lines[i].points.length) { text += shape(lines[i], this.place.offsetHeight); }
      }
      if (text) { to.insertAdjacentHTML('beforeEnd', text); }
    },

    line: function (line) { this.put(this.base, [line]); },

    all: function (lines) {
      this.base.innerHTML = '';
      this.put(this.base, lines);
    },

    top: function (lines) {
      this.above.innerHTML = '';
      this.put(this.above, lines);
    }
  };

  draw.each = function (list, change) {
    var result = [], i;
    for (i = 0; i < list.length; i += 1) { result.push(change(list[i])); }
    return result;
  };

  draw.makeVml = function (place) {
    var style;
    if (!document.namespaces || !document.createStyleSheet) { return null; }
    document.namespaces.add('draw', 'urn:schemas-microsoft-com:vml', '#default#VML');
    style = document.createStyleSheet();
    style.cssText = '.shape { behavior: url(#default#VML); display: inline-block; }';
    return new VmlSurface(place);
  };
}(window.draw));
