// The tools beside the paper, and the start of the page.
(function (draw) {
  'use strict';

  // Milliseconds in which "Clear mine" has to be pressed a second time.
  var SURE = 4000,
      // Milliseconds after which a page that reads too slowly asks for the picture once more.
      LATER = 5000;

  // Asks for the whole picture, since a part of it was lost.
  function showAll(client) {
    client.call('show', [], function (error) {
      if (error && error.code === 'too_many') { thywill.clock.set(function () { showAll(client); }, LATER); }
    });
  }

  // Calls choose(value) for the radio buttons of a name.
  function choices(name, choose) {
    thywill.internal.each(document.getElementsByTagName('input'), function (index, input) {
      function chosen() { choose(Number(input.value)); }
      if (input.name !== name) { return; }
      // Old browsers fire change late, and others fire no click.
      input.onclick = input.onchange = chosen;
      if (input.checked) { chosen(); }
    });
  }

  // Each person begins with another ink.
  function ink(board, id) {
    var input = draw.find('draw-ink-' + (2 + board.people.colourOf(id)));
    input.checked = true;
    board.colour = Number(input.value);
  }

  function clearing(board) {
    var button = draw.find('draw-clear'), text = button.firstChild, isAsked = false;
    function ask(asked) {
      isAsked = asked;
      text.nodeValue = asked ? 'Really clear?' : 'Clear mine';
    }
    button.onclick = function () {
      if (isAsked) { board.clear(); } else { thywill.clock.set(function () { ask(false); }, SURE); }
      ask(!isAsked);
    };
  }

  // A link to the picture as a file, if there is a canvas.
  function saving(board) {
    var link = draw.find('draw-save');
    if (!board.surface.base.canvas || !('download' in link)) { return; }
    link.className = 'button';
    link.onclick = function () { link.href = board.surface.base.canvas.toDataURL('image/png'); };
  }

  function naming(board) {
    draw.find('draw-name-form').onsubmit = function () {
      board.client.send({type: 'name', name: draw.find('draw-name').value.substr(0, 100)});
      draw.find('draw-name').blur();
      return false;
    };
  }

  // The cross that shows the pen which the keys move.
  function crossing(board) {
    var cross = draw.find('draw-cross');
    return function (place) {
      cross.className = place ? board.isDrawing ? 'cross down' : 'cross' : 'hidden';
      if (place) {
        cross.style.left = (place.x * 100) + '%';
        cross.style.top = (place.y * 100) + '%';
      }
    };
  }

  function reading(board) {
    var paper = draw.find('draw-paper'), point = crossing(board);
    thywill.internal.listen(paper, 'blur', function () { point(null); });
    return new draw.Reader(paper, {
      begin: function (place) {
        point(null);
        board.start(place);
      },
      move: function (place) { board.more(place); },
      end: function () { board.stop(); },
      hover: function (place) { board.hover(place); },
      undo: function () { board.undo(); },
      point: point
    });
  }

  function start(client) {
    var board = draw.board = new draw.Board(client), isKnown = false;

    client.on('message', function (message) { board.receive(message); });
    client.on('presence', function (channel, joined, left) { board.people.change(joined, left); });
    client.on('restart', function () { board.again(); });
    client.on('state', function (state) {
      if (state === 'lost') { showAll(client); }
    });
    thywill.internal.dom.showState(client, draw.find('draw-state'), {waiting: 'What you draw is sent later.', gone: 'Reload the page to draw on.'});
    choices('draw-colour', function (value) { board.colour = value; });
    client.on('message:you', function (message) {
      if (!isKnown) { ink(board, message.id); }
      isKnown = true;
    });
    choices('draw-width', function (value) { board.width = value; });
    draw.find('draw-undo').onclick = function () { board.undo(); };
    clearing(board);
    saving(board);
    naming(board);
    reading(board);
    thywill.cuttable(client, draw.find('draw-cut'));
  }

  thywill.ready(start, thywill.internal.dom.showFailure(draw.find('draw-state')));
}(window.draw));
