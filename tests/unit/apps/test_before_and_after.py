"""The applications of ``apps/before_and_after.md``, in both forms, and what went wrong in the first."""

from __future__ import annotations

import asyncio
import re
import sys
from types import ModuleType
from typing import Any

import pytest

from tests.gate.environment import ROOT
from tests.support.queue_world import World
from thywill import Application
from thywill.core.envelope import Item
from thywill.testing import run

pytestmark = pytest.mark.gen_test

TEXT = (ROOT / "apps" / "before_and_after.md").read_text(encoding="utf-8")
CODE = {
    re.findall(r"^class (\w+)", code, flags=re.MULTILINE)[0]: code
    for code in re.findall(r"^```python\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
}
FORMS = ("Before", "After")
STROKE = {"type": "stroke", "points": [[0, 0], [1, 2]], "colour": "red"}


def kind(name: str) -> type[Application]:
    module = ModuleType("before_and_after")
    sys.modules[module.__name__] = module  # where annotations are read
    exec(CODE[name], vars(module))
    found: type[Application] = vars(module)[name]
    return found


def lines(code: str) -> int:
    body = code[code.index("class ") :]
    return sum(bool(line.strip()) for line in body.splitlines())


def test_the_lines_are_counted() -> None:
    for row, name in (("whiteboard", "Board"), ("vote", "Vote"), ("game", "Game")):
        before, after = (lines(CODE[name + form]) for form in FORMS)
        assert f"| {row} | {before} | {after} |" in TEXT, (row, before, after)


@pytest.mark.parametrize("form", FORMS)
async def test_the_whiteboard(form: str) -> None:
    async with run(kind(f"Board{form}")) as app:
        ada, bob = await app.connect(session="ada"), await app.connect(session="bob")
        await ada.all()
        await bob.all()
        await app.settle()
        await ada.send(STROKE)
        assert (await ada.all(), await bob.all()) == ([], [STROKE])
        for wrong in ({**STROKE, "points": [[0, "1"]]}, {**STROKE, "colour": "blue"}, "stroke"):
            await ada.send(wrong)
            assert (await ada.next_error())["code"] == "malformed"
        late = await app.connect()
        drawn = [STROKE] if form == "After" else [{key: STROKE[key] for key in ("points", "colour")}]
        assert drawn == (await late.next())["strokes"] if form == "Before" else await late.all()


async def draw_while_others_come(form: str) -> list[list[int]]:
    """Return the numbers of the strokes that each late page has got, with a queue that commits first."""
    world = await World(application=kind(f"Board{form}")()).begin()
    writer = world.hub.create("chat", "writer")
    world.poll(writer)
    late, number = [], 0
    for turn in range(100):
        if turn % 2 == 0:
            number += 1
            stroke = {**STROKE, "points": [[number, 0]]}
            world.hub.receive(writer, [Item(number, stroke)], lambda *_: None)
        if turn % 4 == 3:
            late.append(world.hub.create("chat", f"late {turn}"))
            world.poll(late[-1])
        for _ in range(turn % 5):
            await asyncio.sleep(0)
    for _ in range(300):
        await asyncio.sleep(0)
    return [numbers(world.poll(client)) for client in late]


def numbers(items: list[Any]) -> list[int]:
    found: list[int] = []
    for _, data, *rest in items:
        if rest == ["presence"]:
            continue
        strokes = data if rest == ["pack"] else data.get("strokes", [data])
        found += [int(each["points"][0][0]) for each in strokes if "points" in each]
    return found


async def test_a_late_page_misses_strokes_before_and_none_after() -> None:
    complete = list(range(1, 51))
    before, after = [await draw_while_others_come(form) for form in FORMS]
    assert len(before) == len(after) == 25
    assert all(each == complete for each in after)
    assert any(each != complete for each in before)


@pytest.mark.parametrize("form", FORMS)
async def test_the_vote(form: str) -> None:
    async with run(kind(f"Vote{form}")) as app:
        one, two = [await app.connect(session="ada") for _ in range(2)]
        assert await one.all() == await two.all() == [{"type": "result", "left": 60, "votes": {}}]
        await one.send({"type": "vote", "choice": "tea"})
        own = {"type": "own", "choice": "tea"}
        result = {"type": "result", "left": 60, "votes": {"tea": 1}}
        assert await two.all() == [result, own]
        assert await (await app.connect(session="ada")).all() == [result, own]
        for wrong in ("tea", {"type": "vote", "choice": "water"}):
            await one.send(wrong)
            assert (await one.next_error())["code"] == "malformed"
        await app.advance(60)
        assert (await two.all())[-1]["left"] == 0
        await two.send({"type": "vote", "choice": "coffee"})
        assert (await two.next_error())["code"] == "closed"


@pytest.mark.parametrize("form", FORMS)
async def test_the_game(form: str) -> None:
    async with run(kind(f"Game{form}")) as app:
        page = await app.connect(session="ada")
        await page.send({"type": "name", "name": "Ada"}, {"type": "steer", "speed": 2})
        await app.advance(0.1)
        assert (await page.all())[-1] == {"type": "world", "ships": [{"name": "Ada", "x": 4, "speed": 2}]}
        for wrong in ("left", {"type": "steer", "speed": 9}, {"type": "name", "name": 5}):
            await page.send(wrong)
            assert (await page.next_error())["code"] == "malformed"
        await page.leave()
        await app.advance(1)
        again = await app.connect(session="ada")
        await app.advance(0.1)
        assert [ship["name"] for ship in (await again.all())[-1]["ships"]] == ["Ada"]
        await again.leave()
        await app.advance(4.5)
        assert len(vars(app.application)["ships"]) == (form == "After")  # the first timer of the form before
        await app.advance(1)
        assert len(vars(app.application)["ships"]) == 0
