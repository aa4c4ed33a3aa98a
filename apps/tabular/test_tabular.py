"""The rules of the table, and what pages that are wrong or malicious gain: nothing."""

from __future__ import annotations

import json
import unittest
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.tabular import EDITS, Tabular
from apps.tabular.picnic import COLUMNS, ROWS_AT_FIRST
from apps.tabular.sheet import KEPT, PAST, REMOVED, ROWS, Change, Column, Event, Sheet
from apps.tabular.words import TEXT, NotAllowed, clean_number, clean_text
from thywill import RpcError
from thywill.testing import BrowserPage, run

TWO = (Column("Name", "text"), Column("Count", "number"))


def by(who: str, mark: str = "") -> Change:
    return Change(who, 100.0, mark)


def sheet_of(*rows: tuple[Any, Any]) -> Sheet:
    sheet = Sheet(TWO)
    sheet.add(rows, by("Ada"))
    return sheet


def values(sheet: Sheet) -> dict[int, list[Any]]:
    return {
        row.id: [row.present(column)[:2] for column in range(len(sheet.columns))]
        for row in sheet.rows.values()
    }


def test_a_change_of_the_newest_version_is_made() -> None:
    sheet = sheet_of(("Salad", 1))
    event = sheet.write(1, 0, "Soup", 1, by("Bob"))
    assert event is not None
    assert sheet.rows[1].present(0)[:3] == ("Soup", 2, "Bob")


def test_of_two_changes_at_the_same_moment_the_second_changes_nothing() -> None:
    sheet = sheet_of(("Salad", 1))
    assert sheet.write(1, 0, "Soup", 1, by("Ada")) is not None
    assert sheet.write(1, 0, "Cake", 1, by("Bob")) is None
    assert sheet.rows[1].present(0).value == "Soup"
    assert sheet.write(1, 1, 2, 1, by("Bob")) is not None  # another cell is no conflict
    assert sheet.write(1, 0, "Cake", 2, by("Bob")) is not None


def test_a_version_that_does_not_exist_yet_is_none() -> None:
    assert sheet_of(("Salad", 1)).write(1, 0, "Soup", 99, by("Eve")) is None


def test_a_cell_remembers_its_last_values() -> None:
    sheet = sheet_of((None, None))
    for number in range(PAST + 5):
        sheet.write(1, 1, number, number, by("Ada"))
    assert [entry.value for entry in sheet.rows[1].cells[1]] == list(range(5, PAST + 5))


def test_a_removed_row_comes_back_with_its_past_and_only_the_last_ones_do() -> None:
    sheet = sheet_of(*[(f"row {number}", number) for number in range(REMOVED + 2)])
    before = values(sheet)
    for row in list(sheet.rows):
        sheet.remove(row, by("Ada"))
    assert list(sheet.removed) == list(range(3, REMOVED + 3))
    sheet.restore(3, by("Bob"))
    assert values(sheet) == {3: before[3]}


changes = st.lists(
    st.tuples(
        st.sampled_from(["write"] * 20 + ["add", "remove", "restore"]),
        st.integers(1, 12),
        st.integers(0, 1),
        st.one_of(st.none(), st.integers(-5, 5)),
    ),
    min_size=300,
    max_size=3000,
)


def carry_out(sheet: Sheet, kind: str, row: int, column: int, value: Any, mark: str) -> list[Event]:
    """Do something with a table as the application does; return the events."""
    event: Event | None = None
    if kind == "add" and len(sheet.rows) < 10:
        event = sheet.add([(None, value)], by("Ada", mark))
    elif kind == "write" and row in sheet.rows:
        value = value if column else str(value)
        event = sheet.write(row, column, value, sheet.rows[row].present(column).version, by("Ada", mark))
    elif kind == "remove" and row in sheet.rows:
        event = sheet.remove(row, by("Ada", mark))
    elif kind == "restore" and row in sheet.removed:
        event = sheet.restore(row, by("Ada", mark))
    return [event, *sheet.stale()] if event else []


@settings(max_examples=20, deadline=None)
@given(changes)
def test_the_last_events_are_enough_to_make_the_table_anew(steps: list[tuple[str, int, int, Any]]) -> None:
    sheet = Sheet(TWO)
    log = [sheet.add([("first", number) for number in range(8)], by("Ada"))]
    for number, step in enumerate(steps):
        log += carry_out(sheet, *step, mark=f"ada {number}")
    again = Sheet(TWO)
    for event in log[-KEPT:]:
        again.apply(json.loads(json.dumps(event)))
    assert values(again) == values(sheet)
    for mark in [f"ada {number}" for number in range(len(steps) - 100, len(steps))]:
        assert again.outcome(mark) == sheet.outcome(mark)


def test_a_hundred_rows_that_are_full_of_text_are_within_the_last_events() -> None:
    sheet = Sheet(TWO)
    text = "\U0001f600" * TEXT
    log = [sheet.add([(text, 1)], by("x" * 24)) for _ in range(ROWS)]
    for number in range(3000):
        log += carry_out(sheet, "write", 1, 0, f"{text[:-4]}{number}"[-TEXT:], f"m {number}")
    again = Sheet(TWO)
    for event in log[-KEPT:]:
        again.apply(json.loads(json.dumps(event)))
    assert values(again) == values(sheet)
    assert max(len(json.dumps(event, ensure_ascii=False).encode()) for event in log) < 64 * 1024


@pytest.mark.parametrize("value", [None, 1, ["a"], {"a": 1}, True, "x" * (TEXT + 1), "x" * 100_000])
def test_what_cannot_be_a_text(value: object) -> None:
    with pytest.raises(NotAllowed):
        clean_text(value, TEXT)


def test_a_text_is_one_line_and_turns_nothing_around() -> None:
    assert clean_text(" a\n\tb\x00\u202ec\u2066\ud800 ", TEXT) == "a bc"
    for text in ("<b>&amp;</b>", "\u05d0\u05d1", "\U0001f469\u200d\U0001f680"):
        assert clean_text(text, TEXT) == text


@pytest.mark.parametrize("value", ["1", True, float("nan"), float("inf"), 1e16, 10**400, [1], {}])
def test_what_cannot_be_a_number(value: object) -> None:
    with pytest.raises(NotAllowed):
        clean_number(value)


class TestTabular(unittest.IsolatedAsyncioTestCase):
    """The table with its pages."""

    async def write(self, page: BrowserPage, row: int, column: int, value: Any, base: int) -> Any:
        self.number = getattr(self, "number", 0) + 1
        return await page.call("write", row, column, value, base, self.number)

    async def of(self, page: BrowserPage, kind: str) -> list[Any]:
        return [message for message in await page.all() if message["type"] == kind]

    async def test_who_comes_late_gets_the_same_events(self) -> None:
        async with run(Tabular) as app:
            ada = await app.connect()
            assert await self.write(ada, 1, 0, "Juice", 1) == {"version": 2}
            first = await self.of(ada, "rows") + await self.of(ada, "cell")
            assert len(first[0]["rows"]) == len(ROWS_AT_FIRST)
            bob = await app.connect()
            late = await bob.all()
            assert [each["type"] for each in late[:3]] == ["rows", "cell", "here"]
            assert {each["id"] for each in late[2]["people"]} == {ada.id, bob.id}

    async def test_the_second_of_two_learns_what_the_first_has_written(self) -> None:
        async with run(Tabular) as app:
            ada, bob = await app.connect(), await app.connect()
            await ada.send({"type": "name", "name": "Ada"})
            assert await self.write(ada, 1, 0, "Juice", 1) == {"version": 2}
            answer = await self.write(bob, 1, 0, "Tea", 1)
            assert answer["conflict"][:3] == ["Juice", 2, "Ada"]
            assert await self.write(bob, 1, 0, "Juice", 1) == {"version": 2}  # they agree
            assert await self.write(bob, 1, 0, "Tea", 2) == {"version": 3}
            assert [entry[0] for entry in await ada.call("entries", 1, 0)] == ["Tea", "Juice", "Lemonade"]

    async def test_a_change_that_comes_again_is_made_once(self) -> None:
        async with run(Tabular) as app:
            ada, bob = await app.connect(), await app.connect()
            assert await ada.call("write", 1, 0, "Juice", 1, 7) == {"version": 2}
            assert await self.write(bob, 1, 0, "Tea", 2) == {"version": 3}
            assert await ada.call("write", 1, 0, "Juice", 1, 7) == {"version": 2}
            row = await ada.call("add", 8)
            assert await ada.call("add", 8) == row
            await ada.call("remove", row, 9)
            await bob.call("restore", row, 9)
            await ada.call("remove", row, 9)
            assert row in app.application.sheet.rows
            assert app.application.sheet.rows[1].present(0).value == "Tea"

    async def test_wrong_changes_are_refused_and_change_nothing(self) -> None:
        async with run(Tabular) as app:
            page, other = await app.connect(), await app.connect()
            before = values(app.application.sheet)
            await other.all()
            wrong: list[tuple[Any, ...]] = [
                (999, 0, "x", 0), (1, 99, "x", 0), (-1, 0, "x", 0), ("1", 0, "x", 0), (1.5, 0, "x", 1),
                (1, 0, 5, 1), (1, 2, "x", 1), (1, 2, 1e300, 1), (1, 0, "x" * 10_000, 1), (1, 0, {"a": []}, 1),
                (2**60, 0, "x", 1),
            ]  # fmt: skip
            for place in wrong:
                with pytest.raises(RpcError):
                    await self.write(page, *place)
                await app.advance(1)
            bad: list[Any] = [
                {"type": "cursor", "row": 1},
                {"type": "name", "name": 5},
                {"type": "rows"},
                [],
                None,
            ]
            for message in bad:
                await page.send(message)
                assert (await page.next_error())["code"] == "malformed"
            assert values(app.application.sheet) == before
            assert await other.all() == []

    async def test_a_thousand_edits_a_second_are_not_made(self) -> None:
        async with run(Tabular) as app:
            page = await app.connect()
            outcomes = [await page.begin_call("write", 1, 2, n, n + 1, n) for n in range(1000)]
            codes = Counter((outcome() or {}).get("error", {"code": ""})["code"] for outcome in outcomes)
            assert codes == {"": EDITS, "too_many": 1000 - EDITS}
            assert app.application.sheet.rows[1].present(2).version <= EDITS + 1

    async def test_a_name_stays_with_the_person_and_shows_on_each_page(self) -> None:
        async with run(Tabular) as app:
            ada, bob = await app.connect(), await app.connect()
            await ada.send({"type": "name", "name": "  Ada\u202e <b>"})
            assert (await self.of(bob, "cursor"))[-1]["name"] == "Ada <b>"
            second = await app.connect(session=ada.session)
            people = (await self.of(second, "here"))[0]["people"]
            assert [each["name"] for each in people if each["id"] == second.id] == ["Ada <b>"]
            await ada.send({"type": "name", "name": "x" * 25})
            assert (await ada.next_error())["code"] == "name"

    async def test_the_others_see_where_somebody_is_until_they_leave(self) -> None:
        async with run(Tabular) as app:
            ada, bob = await app.connect(), await app.connect()
            await bob.all()
            await ada.send({"type": "cursor", "row": 3, "column": 2, "editing": True})
            (cursor,) = await self.of(bob, "cursor")
            assert (cursor["id"], cursor["row"], cursor["column"], cursor["editing"]) == (ada.id, 3, 2, True)
            await ada.leave()
            assert await self.of(bob, "left") == [{"type": "left", "id": ada.id}]

    async def test_the_table_has_an_end(self) -> None:
        async with run(Tabular) as app:
            page = await app.connect()
            for number in range(ROWS - len(ROWS_AT_FIRST)):
                await page.call("add", number)
                await app.advance(0.1)
            with pytest.raises(RpcError, match="100 rows"):
                await page.call("add", ROWS)

    async def test_what_is_no_event_in_the_channel_does_no_harm(self) -> None:
        async with run(Tabular) as app:
            await app.application.publish("table", {"type": "cell"})
            await app.application.publish("table", ["x"])
            await app.application.on_start()
            assert len(app.application.sheet.rows) == len(ROWS_AT_FIRST)
            assert all(len(row.cells) == len(COLUMNS) for row in app.application.sheet.rows.values())

    async def test_people_without_a_name_have_different_ones(self) -> None:
        async with run(Tabular) as app:
            pages = [await app.connect() for _ in range(8)]
            again = await app.connect(session=pages[0].session)
            people = (await self.of(again, "here"))[0]["people"]
            names = {each["id"]: each["name"] for each in people}
            assert len({names[page.id] for page in pages}) == len(pages)
            assert names[again.id] == names[pages[0].id]
