// What a page looks like to those who check it: each function returns a list of lines, one for each thing that is wrong.
// The expression is an object; tests call its functions in a page of Chromium.
(() => {
  const HIDDEN = 'script, style, noscript, template, title';

  // How an element is named in a line.
  function name(element) {
    const text = (element.getAttribute('aria-label') || element.textContent || element.value || '').trim().replace(/\s+/g, ' ');
    const id = element.id ? '#' + element.id : '';
    const kind = typeof element.className === 'string' && element.className ? '.' + element.className.trim().split(/\s+/).join('.') : '';
    return `${element.tagName.toLowerCase()}${id}${kind} "${text.slice(0, 40)}"`;
  }

  function isVisible(element) {
    return element.checkVisibility({visibilityProperty: true, opacityProperty: true});
  }

  // Texts for screen readers alone are one pixel large, cut off, or far away.
  function isForReadersAlone(element) {
    for (let each = element; each; each = each.parentElement) {
      const style = getComputedStyle(each), box = each.getBoundingClientRect();
      if (style.clipPath.startsWith('inset(50%') || box.right + scrollX < 0) { return true; }
    }
    return false;
  }

  // Colours.

  const context = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const known = {};

  // Returns a CSS colour as [red, green, blue, alpha].
  function parse(colour) {
    if (!known[colour]) {
      context.clearRect(0, 0, 1, 1);
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
      const data = context.getImageData(0, 0, 1, 1).data;
      known[colour] = [data[0], data[1], data[2], data[3] / 255];
    }
    return known[colour];
  }

  function over(top, bottom) {
    const alpha = top[3] + bottom[3] * (1 - top[3]);
    const mixed = [0, 1, 2].map((i) => alpha ? (top[i] * top[3] + bottom[i] * bottom[3] * (1 - top[3])) / alpha : 0);
    return [...mixed, alpha];
  }

  function luminance(colour) {
    const [red, green, blue] = colour.slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : Math.pow((share + 0.055) / 1.055, 2.4);
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  // As WCAG 2.2 defines it: 1 to 21.
  function ratio(one, other) {
    const lights = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (lights[0] + 0.05) / (lights[1] + 0.05);
  }

  function opacityOf(element) {
    let product = 1;
    for (let each = element; each; each = each.parentElement) { product *= Number(getComputedStyle(each).opacity); }
    return product;
  }

  function faded(colour, element) {
    return [...colour.slice(0, 3), colour[3] * opacityOf(element)];
  }

  function canvasColour() {
    const probe = document.createElement('div');
    probe.style.background = 'Canvas';
    document.body.appendChild(probe);
    const colour = parse(getComputedStyle(probe).backgroundColor);
    probe.remove();
    return colour;
  }

  // Returns the colour behind a point below (or beside) an element, or null where something else covers the element
  // or a picture lies behind it.
  function behind(element, x, y, withOwn) {
    const stack = document.elementsFromPoint(x, y), at = stack.indexOf(element);
    if (at < 0) { return null; }
    let colour = [0, 0, 0, 0];
    for (const each of stack.slice(withOwn ? at : at + 1)) {
      const style = getComputedStyle(each);
      if (each.tagName === 'CANVAS' || style.backgroundImage !== 'none') { return null; }
      colour = over(colour, faded(parse(style.backgroundColor), each));
      if (colour[3] > 0.999) { return colour; }
    }
    return over(colour, canvasColour());
  }

  // Lets the middle of everything be found, and nothing move meanwhile.
  function still() {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('*, *::before, *::after { pointer-events: auto !important; transition: none !important; ' +
      'animation: none !important; scroll-behavior: auto !important; }');
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    return () => { document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet); };
  }

  // What stays in its place at an edge may cover what stands there; so it is tried in the middle, too.
  function inSight(element, find) {
    return find() || (element.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'}), find());
  }

  function* texts() {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode, parent = node.parentElement;
      if (node.nodeValue.trim() && !parent.closest(HIDDEN) && isVisible(parent) && !isForReadersAlone(parent)) { yield node; }
    }
  }

  function lineOf(node) {
    const range = document.createRange();
    range.selectNodeContents(node);
    return Array.from(range.getClientRects()).find((box) => box.width > 1 && box.height > 1);
  }

  function isLarge(style) {
    const size = parseFloat(style.fontSize);
    return size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  }

  function compare(what, colour, ground, least) {
    const reached = ratio(over(colour, ground), ground);
    const rounded = (list) => list.slice(0, 3).map(Math.round).join(',');
    return reached >= least - 0.005 ? [] : [`${what}: ${reached.toFixed(2)} of ${least} (${rounded(colour)} on ${rounded(ground)})`];
  }

  function textContrast(node) {
    const element = node.parentElement;
    if (!lineOf(node) || element.closest(':disabled, [aria-disabled="true"], [inert]')) { return []; }
    const style = getComputedStyle(element), ground = inSight(element, () => {
      const box = lineOf(node), at = (share) => behind(element, box.left + box.width * share, box.top + box.height / 2, true);
      return at(0.5) || at(0.1) || at(0.9);
    });
    if (!ground) { return [`${name(element)}: nothing can be said of what is behind it`]; }
    return compare(name(element), faded(parse(style.color), element), ground, isLarge(style) ? 3 : 4.5);
  }

  function middle(element) {
    const box = element.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  }

  // What is written in a field, what it says while it is empty, and its edge.
  function fieldContrast(field) {
    const style = getComputedStyle(field), found = [];
    const inside = inSight(field, () => behind(field, ...middle(field), true)), outside = behind(field, ...middle(field), false);
    if (!inside || !outside) { return [`${name(field)}: something covers it`]; }
    found.push(...compare(name(field), faded(parse(style.color), field), inside, 4.5));
    if (field.placeholder) {
      found.push(...compare(name(field) + ' placeholder', parse(getComputedStyle(field, '::placeholder').color), inside, 4.5));
    }
    const edge = parseFloat(style.borderTopWidth) ? over(parse(style.borderTopColor), outside) : outside;
    if (ratio(inside, outside) < 3) { found.push(...compare(name(field) + ' edge', edge, outside, 3)); }
    return found;
  }

  // A mark that says something by its colour, without a text: SVG by its stroke or fill, others by their background.
  function markContrast(element) {
    const style = getComputedStyle(element), host = element.ownerSVGElement || element;
    const paints = element.ownerSVGElement ? [style.stroke, style.fill]
      : [style.backgroundColor, parseFloat(style.borderTopWidth) ? style.borderTopColor : style.backgroundColor];
    const ground = inSight(host, () => behind(host, ...middle(host), false));
    if (!ground) { return [`${name(element)}: something covers it`]; }
    const best = paints.filter((paint) => paint !== 'none' && !paint.startsWith('url'))
      .map((paint) => faded(parse(paint), element)).sort((a, b) => ratio(over(b, ground), ground) - ratio(over(a, ground), ground))[0];
    return best ? compare(name(element), best, ground, 3) : [`${name(element)}: it has no colour`];
  }

  function shown(selector) {
    return Array.from(document.querySelectorAll(selector)).filter((each) => isVisible(each) && each.getBoundingClientRect().width > 0);
  }

  // marks: a selector of marks that say something by their colour.
  function contrast(marks) {
    const undo = still();
    try {
      const fields = shown('input:not([type=checkbox], [type=radio], [type=hidden]), textarea, select')
        .filter((each) => !each.disabled && !each.closest('[inert]'));
      return [
        ...Array.from(texts()).flatMap(textContrast), ...fields.flatMap(fieldContrast),
        ...(marks ? shown(marks).flatMap(markContrast) : [])
      ];
    } finally { undo(); }
  }

  // Room.

  function scrolls(element, axis) {
    return /auto|scroll/.test(getComputedStyle(element)['overflow' + axis]);
  }

  // A part that is wider than the window may be so in a box of its own that scrolls.
  function isInBox(element) {
    for (let each = element.parentElement; each && each !== document.body; each = each.parentElement) {
      const style = getComputedStyle(each);
      if (scrolls(each, 'X') || style.overflowX === 'hidden' || style.overflowX === 'clip') { return true; }
    }
    return false;
  }

  // The page must not scroll sideways, and nothing may stand outside of it.
  function sideways() {
    const page = document.documentElement, found = [];
    if (page.scrollWidth > page.clientWidth) { found.push(`the page is ${page.scrollWidth} wide in ${page.clientWidth}`); }
    for (const element of document.body.querySelectorAll('*')) {
      const box = element.getBoundingClientRect();
      if (box.width > 1 && isVisible(element) && !isForReadersAlone(element) && box.right > page.clientWidth + 1 && !isInBox(element)) {
        found.push(`${name(element)} ends at ${Math.round(box.right)} of ${page.clientWidth}`);
      }
    }
    return found;
  }

  // Texts that are cut off and say nowhere the whole. kept: a selector of elements whose whole text stands elsewhere.
  function cut(kept) {
    const found = [];
    for (const element of document.body.querySelectorAll('*')) {
      const style = getComputedStyle(element), isCutX = style.overflowX !== 'visible' && !scrolls(element, 'X'),
        isCutY = style.overflowY !== 'visible' && !scrolls(element, 'Y');
      if (!(isCutX || isCutY) || !element.textContent.trim() || !isVisible(element) || isForReadersAlone(element)) { continue; }
      if (element.title || (kept && element.closest(kept)) || element === document.body) { continue; }
      if (isCutX && element.scrollWidth > element.clientWidth + 1) { found.push(`${name(element)} is cut: ${element.scrollWidth} in ${element.clientWidth}`); }
      if (isCutY && element.scrollHeight > element.clientHeight + 2) { found.push(`${name(element)} is cut: ${element.scrollHeight} high in ${element.clientHeight}`); }
    }
    return found;
  }

  // Boxes that scroll and show next to nothing.
  function cramped() {
    return shown('body *').filter((each) => scrolls(each, 'Y') && each.scrollHeight > each.clientHeight + 1 && each.tagName !== 'TEXTAREA' &&
      each.clientHeight < 80).map((each) => `${name(each)} shows ${each.clientHeight} of ${each.scrollHeight}`);
  }

  // As WCAG 1.4.12 lets readers space texts; returns a function that undoes it.
  function space() {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; } ' +
      'p { margin-bottom: 2em !important; }');
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    return () => { document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet); };
  }

  function room(kept) {
    return [...sideways(), ...cut(kept), ...cramped()];
  }

  function spaced(kept) {
    const undo = space();
    try { return [...sideways(), ...cut(kept)]; } finally { undo(); }
  }

  // A control that is too small for a finger: 24 pixels (WCAG 2.2, 2.5.8). Links in a text are not counted.
  function small() {
    return shown('button, input, select, textarea, [role=slider], a.button').filter((each) => !isForReadersAlone(each)).flatMap((each) => {
      const label = each.labels && each.labels.length ? each.labels[0].getBoundingClientRect() : {width: 0, height: 0};
      const own = each.getBoundingClientRect(), width = Math.max(own.width, label.width), height = Math.max(own.height, label.height);
      return width >= 24 && height >= 24 ? [] : [`${name(each)} is ${Math.round(width)} by ${Math.round(height)}`];
    });
  }

  // Structure.

  function ids() {
    const seen = new Set(), found = [];
    for (const element of document.querySelectorAll('[id]')) {
      if (seen.has(element.id)) { found.push(`two have the id ${element.id}`); }
      seen.add(element.id);
    }
    for (const attribute of ['aria-labelledby', 'aria-describedby', 'aria-controls', 'for']) {
      for (const element of document.querySelectorAll(`[${attribute}]`)) {
        for (const id of element.getAttribute(attribute).split(/\s+/)) {
          if (!seen.has(id)) { found.push(`${name(element)}: ${attribute} names ${id}, which is not there`); }
        }
      }
    }
    return found;
  }

  function headings() {
    const levels = shown('h1, h2, h3, h4, h5, h6').map((each) => [Number(each.tagName[1]), each]), found = [];
    const first = levels.filter(([level]) => level === 1).length;
    if (first !== 1) { found.push(`${first} headings of the first level`); }
    levels.forEach(([level, element], i) => {
      if (i && level > levels[i - 1][0] + 1) { found.push(`${name(element)} skips a level`); }
      if (!element.textContent.trim()) { found.push(`${name(element)} says nothing`); }
    });
    return found;
  }

  const LANDMARKS = 'main, nav, aside, header, footer, [role=main], [role=navigation], [role=complementary], [role=banner], ' +
    '[role=contentinfo], [role=search], [role=status], [role=alert], .skip';

  function landmarks() {
    const main = shown('main, [role=main]').length, found = main === 1 ? [] : [`${main} main landmarks`];
    for (const node of texts()) {
      if (!node.parentElement.closest(LANDMARKS)) { found.push(`${name(node.parentElement)} is in no landmark`); }
    }
    return found;
  }

  function head() {
    const found = [], viewport = document.querySelector('meta[name=viewport]');
    if (!document.documentElement.lang) { found.push('the page has no language'); }
    if (!document.title.trim()) { found.push('the page has no title'); }
    if (!viewport || /user-scalable|maximum-scale/.test(viewport.content)) { found.push('the page forbids zooming'); }
    return found;
  }

  function tables() {
    return shown('table').filter((each) => !each.closest('[role=presentation], [aria-hidden=true]') && each.rows.length).flatMap((table) => {
      const heads = Array.from(table.querySelectorAll('th')), found = [];
      if (!heads.length) { found.push(`${name(table)} has no headers`); }
      heads.filter((each) => !each.getAttribute('scope')).forEach((each) => found.push(`${name(each)} has no scope`));
      return found;
    });
  }

  // Who says a button's text has to hit it (WCAG 2.5.3).
  function labels() {
    const plain = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ').trim();
    return shown('button[aria-label], a[aria-label]')
      .filter((each) => !plain(each.getAttribute('aria-label')).includes(plain(each.textContent)))
      .map((each) => `${name(each)} is not called as it says: "${each.textContent}"`);
  }

  // live: selectors of the elements that say what arrives.
  function live(selectors) {
    return selectors.flatMap((selector) => {
      const element = document.querySelector(selector), region = element && element.closest('[role=status], [role=alert], [role=log], [aria-live]');
      return region && region.getAttribute('aria-live') !== 'off' ? [] : [`${selector} is no live region`];
    });
  }

  function structure(selectors) {
    return [...head(), ...ids(), ...headings(), ...landmarks(), ...tables(), ...labels(), ...live(selectors)];
  }

  // Keys.

  const CONTROLS = 'a[href], button, input, select, textarea, [tabindex]';

  // What Tab has reached so far.
  const reached = window.reachedByTab = window.reachedByTab || new Set();

  // Lets the next Tab begin at the top of the page.
  function begin() {
    reached.clear();
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
    scrollTo(0, 0);
  }

  function isControl(each) {
    if (each.disabled || each.tabIndex < 0 || each.type === 'hidden' || each.closest('[inert]')) { return false; }
    return each.checkVisibility({visibilityProperty: true});
  }

  // Returns the controls that Tab has not reached: of radio buttons of one name, one is enough.
  function unreached() {
    const groups = new Set(Array.from(reached).filter((each) => each.type === 'radio').map((each) => each.name));
    return Array.from(document.body.querySelectorAll(CONTROLS))
      .filter((each) => isControl(each) && !reached.has(each) && !(each.type === 'radio' && groups.has(each.name)))
      .map((each) => `${name(each)} is not reached by Tab`);
  }

  function outlineOf(element) {
    const style = getComputedStyle(element);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1 ? style.outlineColor : null;
  }

  // The colour next to an outline, on the left of it.
  function besideOutline(element) {
    const box = element.getBoundingClientRect(), offset = parseFloat(getComputedStyle(element).outlineOffset);
    const x = offset < 0 ? box.left + 2 - offset : box.left - offset - 3, y = (box.top + box.bottom) / 2, top = document.elementFromPoint(x, y);
    return top && behind(top, x, y, true);
  }

  // Returns what is wrong with the control that has the focus; null if none has it that Tab has not reached before.
  function focused() {
    const element = document.activeElement;
    if (!element || element === document.body || element === document.documentElement || reached.has(element)) { return null; }
    reached.add(element);
    const box = element.getBoundingClientRect(), problems = [];
    // Where the control itself is invisible, what stands beside it shows the focus.
    const shower = [element, element.nextElementSibling].find((each) => each && outlineOf(each));
    const undo = still();
    const within = (value, most) => Math.min(Math.max(value, 1), most - 1);
    const x = within(box.left + box.width / 2, innerWidth), y = within(box.top + Math.min(box.height / 2, 20), innerHeight);
    const stack = document.elementsFromPoint(x, y), ground = shower && besideOutline(shower);
    undo();
    if (!shower) {
      problems.push('does not show its focus');
    } else if (ground) {
      problems.push(...compare('focus', parse(outlineOf(shower)), ground, 3));
    }
    if (!stack.length || !(element.contains(stack[0]) || stack.indexOf(element) >= 0 && stack[0].contains(element))) {
      if (element.getClientRects().length < 2) { problems.push(`is covered by ${stack.length ? name(stack[0]) : 'nothing'}`); }
    }
    return problems.map((each) => `${name(element)} ${each}`);
  }

  // Whether keys can use an element that listens to the mouse; kept: a selector of those for which keys do the same elsewhere.
  function isUsable(element, kept) {
    if (!(element instanceof Element) || element.matches('label, form, body, html') || (kept && element.matches(kept))) { return true; }
    return element.matches(CONTROLS) && (element.tabIndex >= 0 || element.getAttribute('role') === 'gridcell' || element.disabled);
  }

  // Motion.

  function moves() {
    const found = document.getAnimations().map((each) => `${name(each.effect.target)} is animated`);
    for (const element of document.querySelectorAll('*')) {
      const style = getComputedStyle(element);
      if (style.transitionDuration.split(', ').some((each) => parseFloat(each) > 0.01)) { found.push(`${name(element)} has a transition`); }
      if (style.animationName !== 'none') { found.push(`${name(element)} has an animation`); }
      if (style.scrollBehavior === 'smooth') { found.push(`${name(element)} scrolls smoothly`); }
    }
    return found;
  }

  // What differs between the parts of a choice, in colours that the reader has chosen: an edge, an outline or the text.
  function choices() {
    const looks = (each) => {
      const style = getComputedStyle(each);
      return [style.borderTopColor, style.borderTopWidth, style.backgroundColor, style.outlineStyle, style.color, style.fontWeight].join();
    };
    const on = shown('[aria-pressed=true], [aria-current=page], [aria-selected=true]');
    return on.flatMap((each) => {
      const other = shown(each.tagName.toLowerCase() + '.' + (each.classList[0] || 'none')).concat(Array.from(each.parentElement.children))
        .find((one) => one !== each && one.tagName === each.tagName && one.getAttribute('aria-pressed') !== 'true' && !one.getAttribute('aria-current'));
      return other && looks(other) === looks(each) ? [`${name(each)} looks as ${name(other)}`] : [];
    });
  }

  return {begin, choices, contrast, focused, isUsable, moves, name, room, small, spaced, structure, unreached};
})()
