"""The attack tool itself, small: every flood begins and ends, its table can be read. No time is asserted."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.gate.environment import ROOT, Unprepared
from tests.tools.attack import __main__ as command
from tests.tools.attack import refusals
from tests.tools.attack.attack import Result, Times, as_fields, attack, middle_and_tail
from tests.tools.attack.floods import FLOODS, Flood
from tests.tools.attack.table import render
from tests.tools.attack.target import Target

RESULT = Result(
    "forms",
    "direct",
    (1.0, 2.0),
    (3.0, float("inf")),
    (50.0, 60.5, 51.0),
    2,
    1234.5,
    ("429 x",),
    0.5,
    (0.4, 0.03, 0.02),
)


@pytest.mark.parametrize("way", ["direct", "nginx"])
def test_an_attack(way: str) -> None:
    result = asyncio.run(attack(ROOT, "connects", Times(1, 2, 0.5), through_nginx=way == "nginx"))
    assert (result.flood, result.way) == ("connects", way)
    assert result.before[0] > 0
    assert result.requests > 0
    assert result.memory[0] > 1
    assert result.processor[0] > 0


def test_every_flood_begins_and_ends(tmp_path: Path) -> None:
    async def flood(port: int) -> None:
        for worker, _ in FLOODS.values():
            flood = Flood(port, "127.0.0.2")
            await flood.prepare()
            await flood.run(worker, 2, 0.3)
            assert not [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]

    with Target(ROOT, tmp_path, through_nginx=False) as target:
        asyncio.run(flood(target.port))


def test_results_are_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps([as_fields(RESULT)]))
    assert command.load(path) == [RESULT]


def test_the_cost_of_every_refusal_is_measured() -> None:
    for address in refusals.KINDS.values():
        measured = {name: refusals.cost(refuse, 1) for name, refuse in refusals.refusals(address)}
        assert len(measured) == 7
        assert min(measured.values()) > 0


def test_the_table() -> None:
    alone, both = render([RESULT]).splitlines(), render([RESULT], [RESULT]).splitlines()
    assert alone[2] == (
        "| forms | direct | 1.0 / 2.0 | 3.0 / nothing | 50 → 60 → 51 | 0.5 | 2 | 1,234 | 40% / 3%, 2% |"
    )
    assert [line.split(" | ")[2] for line in both[2:]] == ["earlier", "now"]
    assert len({line.count("|") for line in alone}) == len({line.count("|") for line in both}) == 1


def test_where_nothing_arrives_delays_are_infinite() -> None:
    assert middle_and_tail([]) == (float("inf"), float("inf"))
    assert middle_and_tail([0.001] * 100) == (1.0, 1.0)


def test_unknown_floods_and_ways_are_named() -> None:
    with pytest.raises(Unprepared, match="no flood is called 'tea'; there are slow headers"):
        command.read_arguments(["--floods", "tea"])
