"""A small part of the soak, ``python3 -m tests.tools.soak``: nothing is left of browsers that come and go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tools.soak.__main__ import soak
from tests.tools.soak.course import CUT_SHORT, OBJECTS, Outcome

SIZE = 5_000

LEVEL: dict[str, Any] = {"clients": 0, "objects": 300, "memory": 60_000_000, "types": {"list": 10}}


@pytest.mark.timeout(400)
def test_nothing_is_left_of_browsers_that_come_and_go(tmp_path: Path) -> None:
    outcome = soak(tmp_path, SIZE, seed=1)
    print(*outcome.report(), sep="\n")
    assert outcome.left() == {}
    assert sum(outcome.done.values()) == SIZE
    assert outcome.done[CUT_SHORT] < SIZE / 10
    assert len(outcome.done) > 10


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"clients": 1}, {"clients": 1}),
        ({"objects": 300 + OBJECTS + 1}, {"objects": OBJECTS + 1}),
        ({"objects": 300 + OBJECTS}, {}),
        ({"objects": 0, "memory": 0}, {}),
    ],
)
def test_leftovers_are_reported(change: dict[str, int], left: dict[str, int]) -> None:
    assert Outcome(1, 1, LEVEL, {**LEVEL, **change}).left() == left


def test_types_that_grew_are_named() -> None:
    outcome = Outcome(1, 1, LEVEL, {**LEVEL, "types": {"list": 12, "dict": 1}})
    assert outcome.grown() == [("list", 2), ("dict", 1)]
    assert "left over: nothing" in list(outcome.report())
