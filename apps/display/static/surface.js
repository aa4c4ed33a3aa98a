// The surface of a chart: SVG, or VML in Internet Explorer 6 to 8. If there is neither, pages show tables.
(function (display) {
  'use strict';

  var SVG = 'http://www.w3.org/2000/svg', count = 0;

  function hasSvg() {
    return !!(document.createElementNS && document.createElementNS(SVG, 'svg').createSVGRect);
  }

  function hasVml() {
    return !hasSvg() && !!document.namespaces && !!document.documentElement.currentStyle;
  }

  function shape(name, className, place) {
    var made = document.createElementNS(SVG, name);
    if (className) { made.setAttribute('class', className); }
    return place.appendChild(made);
  }

  function set(node, attributes) {
    for (var name in attributes) {
      if (attributes.hasOwnProperty(name)) { node.setAttribute(name, attributes[name]); }
    }
  }

  function path(points, first, then, separator) {
    var text = '', i;
    for (i = 0; i < points.length; i += 1) {
      text += (i ? then : first) + Math.round(points[i][0] * 10) / 10 + separator + Math.round(points[i][1] * 10) / 10;
    }
    return text;
  }

  // Returns the points with the ground below them: an area.
  function grounded(points, ground) {
    return points.concat([[points[points.length - 1][0], ground], [points[0][0], ground]]);
  }

  function Svg(place) {
    var fade, stop;
    count += 1;
    this.node = shape('svg', 'surface', place);
    set(this.node, {'aria-hidden': 'true', focusable: 'false'});
    fade = shape('linearGradient', '', shape('defs', '', this.node));
    set(fade, {id: 'display-fade-' + count, x1: 0, y1: 0, x2: 0, y2: 1});
    stop = shape('stop', 'fade-top', fade);
    stop.setAttribute('offset', 0);
    shape('stop', 'fade-end', fade).setAttribute('offset', 1);
    this.grid = shape('path', 'grid', this.node);
    this.area = shape('path', '', this.node);
    set(this.area, {fill: 'url(#display-fade-' + count + ')', stroke: 'none'});
    this.line = shape('path', 'line', this.node);
    this.cross = shape('path', 'cross', this.node);
    this.dot = shape('circle', 'dot', this.node);
  }

  Svg.prototype = {
    // runs: lists of [x, y]; grid: the heights of its lines.
    draw: function (width, height, runs, grid) {
      var line = '', area = '', lines = '', i;
      for (i = 0; i < runs.length; i += 1) {
        line += path(runs[i], 'M', 'L', ',') + (runs[i].length > 1 ? '' : 'h.01');
        area += path(grounded(runs[i], height), 'M', 'L', ',') + 'Z';
      }
      for (i = 0; i < grid.length; i += 1) { lines += 'M0,' + (Math.round(grid[i]) - 0.5) + 'H' + width; }
      set(this.node, {width: width, height: height});
      this.line.setAttribute('d', line);
      this.area.setAttribute('d', area);
      this.grid.setAttribute('d', lines);
    },

    // Shows one point, with a line through it if somebody has chosen it.
    mark: function (x, y, height, isChosen) {
      set(this.dot, {cx: x, cy: y, r: 4});
      this.cross.setAttribute('d', isChosen ? 'M' + Math.round(x) + '.5,0V' + height : '');
    }
  };

  function vml(name, place, top) {
    var made = document.createElement('v:' + name);
    made.style.position = 'absolute';
    made.style.left = made.style.top = '0';
    if (top) { made.style.zIndex = top; }
    return place.appendChild(made);
  }

  function Vml(place) {
    var colour = place.currentStyle.color;
    if (!document.namespaces.v) {
      document.namespaces.add('v', 'urn:schemas-microsoft-com:vml', '#default#VML');
      document.createStyleSheet().cssText = 'v\\:shape,v\\:fill,v\\:oval{behavior:url(#default#VML)}';
    }
    this.line = vml('shape', place, 2);
    this.line.filled = false;
    this.line.strokecolor = colour;
    this.line.strokeweight = '2px';
    this.area = vml('shape', place, 1);
    this.area.stroked = false;
    this.area.fillcolor = colour;
    vml('fill', this.area).opacity = 0.15;
    this.dot = vml('oval', place, 3);
    this.dot.fillcolor = this.dot.strokecolor = colour;
    this.dot.style.width = this.dot.style.height = '8px';
  }

  Vml.prototype = {
    draw: function (width, height, runs) {
      var line = '', area = '', i;
      function scaled(points) {
        var list = [], k;
        for (k = 0; k < points.length; k += 1) { list.push([Math.round(points[k][0]), Math.round(points[k][1])]); }
        return list;
      }
      for (i = 0; i < runs.length; i += 1) {
        line += path(scaled(runs[i]), 'm', 'l', ',');
        area += path(scaled(grounded(runs[i], height)), 'm', 'l', ',') + 'x';
      }
      this.put(this.line, width, height, line);
      this.put(this.area, width, height, area);
    },

    put: function (node, width, height, text) {
      node.style.width = width + 'px';
      node.style.height = height + 'px';
      node.coordsize = width + ',' + height;
      node.path = text + 'e';
    },

    mark: function (x, y) {
      this.dot.style.left = Math.round(x - 4) + 'px';
      this.dot.style.top = Math.round(y - 4) + 'px';
    }
  };

  // Returns a surface, or null.
  display.surface = function (place) {
    return hasSvg() ? new Svg(place) : hasVml() ? new Vml(place) : null;
  };
}(window.display));
