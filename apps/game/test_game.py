"""The rules of the game, and what a page that cheats gains: nothing."""

from __future__ import annotations

import asyncio
import random
import unittest

import pytest

from apps.game import Game, _number
from apps.game.world import COMPANY, GEMS, HEIGHT, PLAYERS, RADIUS, SPEED, WIDTH, Gem, World
from thywill.testing import BrowserPage, RunningApplication, run


def world() -> World:
    return World(random.Random(1))  # noqa: S311 - places of gems


def test_one_who_plays_alone_gets_company() -> None:
    arena = world()
    player = arena.join("Ann")
    assert player is not None
    assert len(arena.players) == COMPANY
    for name in ("Bob", "Cem"):
        arena.join(name)
    assert [each.is_bot for each in arena.players.values()] == [False] * COMPANY
    arena.leave(player.id)
    assert (arena.people, len(arena.players)) == (2, COMPANY)


def test_nobody_is_left_when_the_last_one_goes() -> None:
    arena = world()
    player = arena.join("Ann")
    assert player is not None
    arena.leave(player.id)
    assert arena.players == {}


def test_the_ninth_has_to_wait() -> None:
    arena = world()
    assert all(arena.join(str(number)) for number in range(PLAYERS))
    assert arena.join("late") is None
    assert len({player.id for player in arena.players.values()}) == PLAYERS


def test_a_player_moves_as_it_was_told_and_collects_what_it_touches() -> None:
    arena = world()
    ann = arena.join("Ann")
    assert ann is not None
    ann.x, ann.y = 100.0, 100.0
    arena.gems[0] = Gem(150, 110, 5)
    arena.steer(ann.id, 0.0, 1)
    arena.step()
    assert ann.state()[1:] == [100 + round(SPEED), 100, 0, 0, 1]
    arena.step()
    assert ann.score == 5
    assert len(arena.gems) == GEMS


def test_nobody_leaves_the_arena() -> None:
    arena = world()
    ann = arena.join("Ann")
    assert ann is not None
    for number, heading in enumerate((45.0, 225.0, 90.0, 300.0)):
        arena.steer(ann.id, heading, number + 1)
        for _ in range(400):
            arena.step()
        assert RADIUS <= ann.x <= WIDTH - RADIUS
        assert RADIUS <= ann.y <= HEIGHT - RADIUS


def test_a_thousand_orders_make_nobody_faster() -> None:
    arena = world()
    ann = arena.join("Ann")
    assert ann is not None
    ann.x = 100.0
    for number in range(1, 1001):
        arena.steer(ann.id, 0.0, number)
    arena.step()
    assert ann.x == 100 + SPEED


def test_an_order_that_comes_late_changes_nothing() -> None:
    arena = world()
    ann = arena.join("Ann")
    assert ann is not None
    arena.steer(ann.id, 90.0, 2)
    arena.steer(ann.id, 0.0, 1)
    assert ann.heading == 90.0


@pytest.mark.parametrize(
    "value", [None, "1", True, float("nan"), float("inf"), 2**53, 1e300, 10**400, [1], {}]
)
def test_what_is_no_number_is_no_order(value: object) -> None:
    assert _number(value) is None


K = 1000
"""Scores are compared in thousands, since a gem may lie where a ship begins."""


def score(app: RunningApplication[Game], page: BrowserPage, new: int | None = None) -> int:
    """Return the score of a page's player, after it has been set to ``new``."""
    player = app.application._players[page.id]
    player.score = player.score if new is None else new
    return player.score


class TestGame(unittest.IsolatedAsyncioTestCase):
    """The game with its pages."""

    async def test_whoever_waits_for_longest_gets_the_next_place(self) -> None:
        async with run(Game) as app:
            players = [await app.connect() for _ in range(PLAYERS)]
            first, second = await app.connect(), await app.connect()
            assert {"type": "full"} in await first.all()
            await players[0].leave()
            assert any(each["type"] == "you" for each in await first.all())
            assert not any(each["type"] == "you" for each in await second.all())

    async def test_the_tabs_of_one_browser_take_two_places(self) -> None:
        async with run(Game) as app:
            tabs = [await app.connect(session="one") for _ in range(PLAYERS)]
            other = await app.connect()
            assert any(each["type"] == "you" for each in await other.all())
            assert {"type": "tabs"} in await tabs[2].all()
            await tabs[0].leave()
            assert any(each["type"] == "you" for each in await tabs[2].all())

    async def test_a_score_goes_on_in_one_tab_of_its_browser(self) -> None:
        async with run(Game) as app:
            first = await app.connect(session="one")
            score(app, first, 7 * K)
            await first.leave()
            again, other = await app.connect(session="one"), await app.connect(session="one")
            assert [score(app, page) // K for page in (again, other)] == [7, 0]
            score(app, other, 3 * K)
            await again.leave()
            await other.leave()
            assert score(app, await app.connect(session="one")) // K == 7

    async def test_who_was_there_before_a_restart_goes_on_with_its_own_score(self) -> None:
        async with run(Game) as app:
            tabs = [await app.connect(session="one") for _ in range(2)]
            for number, page in enumerate(tabs):
                page.client.data.update(name="Ada", score=K * number)
            Game.__init__(app.application)  # as another server begins
            await asyncio.gather(*[app.application.on_resume(page.client) for page in tabs])
            assert [score(app, page) // K for page in tabs] == [0, 1]

    async def test_what_is_collected_is_kept_with_the_client(self) -> None:
        async with run(Game) as app:
            page = await app.connect()
            player = app.application._players[page.id]
            app.application.world.gems[0] = Gem(round(player.x), round(player.y), 5)
            await app.advance(0.1)
            assert page.client.data["score"] == player.score >= 5

    async def test_an_order_with_a_huge_number_stops_the_game_for_nobody(self) -> None:
        async with run(Game) as app:
            cheat, other = await app.connect(), await app.connect()
            await cheat.send({"h": 0, "n": 1e300}, {"h": 1e308, "n": 2**53}, {"h": 0, "n": 10**30})
            await other.all()
            await app.advance(1.0)
            assert len([each for each in await other.all() if each["type"] == "state"]) >= 10
