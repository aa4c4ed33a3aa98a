"""The paper: what everybody sees, and what a page that cheats gains: nothing."""

from __future__ import annotations

import json
from typing import Any
from unittest import IsolatedAsyncioTestCase

import pytest

from apps.draw import LINES, NAME, POINTS, STROKES, Draw, make_line
from thywill import RpcError
from thywill.testing import BrowserPage, run

DOT = "QAQA"
OUTBOX = 1024 * 1024
"""Bytes that wait for one page, and that one channel keeps, where nothing else is set."""


async def picture(page: BrowserPage) -> list[dict[str, Any]]:
    """Return the lines that a page sees: the sum of what it was told."""
    lines: list[dict[str, Any]] = []
    for each in await page.all():
        if each["type"] == "you":
            lines = []
        if each["type"] == "line":
            lines.append(each)
        if each["type"] in {"undo", "clear"}:
            lines = [
                line for line in lines if line["by"] != each["by"] or line["n"] != each.get("n", line["n"])
            ]
    return lines


def test_the_whole_picture_fits_into_what_is_kept_and_into_one_outbox() -> None:
    largest = json.dumps(make_line("f" * 24, 9999, 10, 3, DOT * POINTS), separators=(",", ":"))
    assert (len(largest) + 1) * LINES < 0.95 * OUTBOX


class TestDraw(IsolatedAsyncioTestCase):
    """The paper with its pages."""

    async def test_whoever_comes_late_sees_the_same_picture(self) -> None:
        async with run(Draw) as app:
            ann, bob = await app.connect(), await app.connect()
            await ann.call("line", 1, 2, 1, DOT)
            await bob.call("line", 1, 3, 0, DOT * POINTS)
            await ann.call("line", 2, 4, 3, DOT * 2)
            await ann.call("undo", 1)
            late = await app.connect()
            seen = await picture(late)
            assert seen == await picture(ann) == await picture(bob)
            assert [(line["by"], line["n"]) for line in seen] == [
                (bob.client.person_id, 1),
                (ann.client.person_id, 2),
            ]

    async def test_nobody_takes_back_the_lines_of_others(self) -> None:
        async with run(Draw) as app:
            ann, bob = await app.connect(), await app.connect()
            await ann.call("line", 1, 2, 1, DOT)
            await bob.call("undo", 1)
            await bob.call("clear")
            assert len(await picture(ann)) == 1
            second = await app.connect(session=ann.session)
            await second.call("clear")
            assert await picture(second) == []

    async def test_what_is_no_line_is_refused(self) -> None:
        async with run(Draw) as app:
            page, other = await app.connect(), await app.connect()
            await other.all()
            for bad in (
                [1, 2, 1, ""],
                [1, 2, 1, DOT * (POINTS + 1)],
                [1, 2, 1, "QAQ"],
                [1, 2, 1, "QAQ\n"],
                [1, 2, 1, f"{DOT}\n"],
                [1, 2, 1, "<b>="],
                [1, 2, 1, [[1e300, -5]]],
                [1, 11, 1, DOT],
                [1, -1, 1, DOT],
                [1, 2, 4, DOT],
                [0, 2, 1, DOT],
                [10**6, 2, 1, DOT],
                [1.5, 2, 1, DOT],
                ["1", 2, 1, DOT],
                [1, 2, 1, DOT, "somebody else"],
            ):
                with pytest.raises(RpcError, match="malformed"):
                    await page.call("line", *bad)
            assert await other.all() == []

    async def test_a_thousand_lines_in_a_second_are_sixty(self) -> None:
        async with run(Draw) as app:
            cheat, other = await app.connect(), await app.connect()
            replies = [await cheat.begin_call("line", n, 2, 1, DOT) for n in range(1, 1001)]
            refused = [reply for reply in replies if "error" in (reply() or {})]
            assert len(refused) == 1000 - STROKES
            assert len(await picture(other)) == STROKES
            await app.advance(10)
            await cheat.call("line", 1, 2, 1, DOT)

    async def test_the_oldest_lines_fade(self) -> None:
        async with run(Draw) as app:
            for n in range(LINES + 10):
                await app.application.publish("paper", make_line("clock", n, 2, 1, DOT * POINTS))
            late = await app.connect()
            assert [line["n"] for line in await picture(late)] == list(range(10, LINES + 10))
            assert late.lost == 0

    async def test_a_page_that_has_lost_something_gets_the_picture_anew(self) -> None:
        async with run(Draw) as app:
            page = await app.connect()
            await page.call("line", 1, 2, 1, DOT)
            await page.all()
            await page.call("show")
            await page.call("line", 2, 2, 1, DOT)
            assert [line["n"] for line in await picture(page)] == [1, 2]

    async def test_pens_are_seen_until_their_page_goes(self) -> None:
        async with run(Draw) as app:
            ann, bob = await app.connect(), await app.connect()
            await bob.all()
            await ann.send({"type": "pen", "at": DOT, "colour": 1, "width": 1, "points": DOT * 2})
            await ann.send({"type": "pen", "at": DOT, "colour": 1, "width": 1, "points": None})
            drawing, resting = await bob.all()
            assert (drawing["page"], drawing["by"]) == (ann.id, ann.client.person_id)
            assert (drawing["p"], "p" in resting) == (DOT * 2, False)
            await ann.leave()
            assert {"type": "pen", "page": ann.id} in await bob.all()

    async def test_a_slow_page_gets_the_newest_place_of_a_pen(self) -> None:
        async with run(Draw) as app:
            ann, bob = await app.connect(), await app.connect()
            await bob.all()
            await bob.go_away()
            for at in ("AAAA", "BBBB", "CCCC"):
                await ann.send({"type": "pen", "at": at, "colour": 1, "width": 1, "points": None})
            await bob.come_back()
            assert [each["at"] for each in await bob.all()] == ["CCCC"]

    async def test_a_name_stays_with_the_person_and_is_plain_text(self) -> None:
        async with run(Draw) as app:
            ann, bob = await app.connect(), await app.connect()
            await ann.send({"type": "name", "name": " <b>Ann</b>\n\u202e "})
            again, late = await app.connect(session=ann.session), await app.connect()
            for page in (bob, again, late):
                names = [each["names"] for each in await page.all() if each["type"] == "names"]
                assert names[-1] == {ann.client.person_id: "<b>Ann</b>"}
            await ann.send({"type": "name", "name": "x" * 100_000})
            assert [each["names"] for each in await bob.all()] == [{ann.client.person_id: "x" * NAME}]
            for page in (ann, again):
                await page.leave()
            await app.advance(6)
            assert {"type": "names", "names": {}} in await (await app.connect()).all()
