"""Whose turn it is: addresses in rotation, one call in each turn of the loop."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from thywill.http.turns import Turns


class Loop:
    """A loop that goes on when the test says so."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], None]] = []
        self.turns = Turns(self.soon.append)
        self.called: list[str] = []

    def wait(self, share: str, name: str) -> None:
        self.turns.wait(share, lambda: self.called.append(name))

    def turn(self) -> list[str]:
        soon, self.soon[:] = list(self.soon), []
        for function in soon:
            function()
        called, self.called = self.called, []
        return called


def test_addresses_are_called_in_rotation_one_in_each_turn_of_the_loop() -> None:
    loop = Loop()
    for name in ("a1", "a2", "a3", "b1", "c1", "c2"):
        loop.wait(name[0], name)
    assert [loop.turn() for _ in range(7)] == [["a1"], ["b1"], ["c1"], ["a2"], ["c2"], ["a3"], []]
    assert loop.soon == []


def test_who_waits_again_does_so_once() -> None:
    loop = Loop()
    loop.turns.wait("a", lambda: loop.wait("a", "again"))
    assert len(loop.soon) == 1
    loop.turn()
    assert len(loop.soon) == 1
    assert loop.turn() == ["again"]
    assert loop.soon == []


def test_a_call_that_fails_costs_nobody_else_the_turn() -> None:
    loop = Loop()

    def fail() -> None:
        raise RuntimeError

    loop.turns.wait("a", fail)
    loop.wait("b", "b1")
    with pytest.raises(RuntimeError):
        loop.turn()
    assert loop.turn() == ["b1"]
