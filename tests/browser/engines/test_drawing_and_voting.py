"""The paper and the poll in every engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.engines.base import Engine
from tests.support.threaded_server import ThreadedServer

# The first use of an engine may install it.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SHAPE = "document.getElementById('draw-paper').innerHTML.toLowerCase().indexOf('<draw:shape') > 0"
BUTTONS = "document.getElementById('vote-answers').getElementsByTagName('button')"


@pytest.fixture
def paper(launch_engine: Callable[[], Engine], tmp_path: Path) -> tuple[Engine, ThreadedServer]:
    engine = launch_engine()
    if engine.no_chat:
        pytest.skip(engine.no_chat)
    return engine, ThreadedServer(tmp_path)


def test_a_line_is_drawn_and_undone(paper: tuple[Engine, ThreadedServer]) -> None:
    engine, server = paper
    with server:
        engine.open(server.address + "draw/")
        engine.wait_for("!!(window.draw && draw.board && draw.board.people.ids().length === 1)")
        engine.evaluate("draw.board.start({x: 0.1, y: 0.1})")
        engine.evaluate("draw.board.more({x: 0.4, y: 0.3})")
        engine.evaluate("draw.board.stop()")
        engine.wait_for("draw.board.picture.lines().length === 1 && !draw.board.pending.length")
        if engine.name in {"htmlunit-ie6", "htmlunit-ie7", "htmlunit-ie8"}:
            engine.wait_for(SHAPE)
        engine.evaluate("document.getElementById('draw-undo').onclick()")
        engine.wait_for("draw.board.picture.lines().length === 0")
        assert engine.errors == []


def test_a_vote_is_counted(paper: tuple[Engine, ThreadedServer]) -> None:
    engine, server = paper
    with server:
        engine.open(server.address + "vote/")
        engine.wait_for(f"{BUTTONS}.length === 4")
        engine.evaluate(f"{BUTTONS}[1].onclick()")
        engine.wait_for("vote.booth.pending === null && vote.booth.poll.counts[1] === 1")
        engine.wait_for("document.getElementById('vote-total').innerHTML === '1 vote'")
        assert engine.errors == []
