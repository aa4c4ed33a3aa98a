"""A small audit with all faults for a few seconds, and audits of broken servers, which must find breaches."""

from __future__ import annotations

import asyncio
import gc
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from tests.browser.drivers import require
from tests.gate.environment import ROOT
from tests.tools.audit.audit import Audit, Outcome, Scale
from tests.tools.audit.rows import BY_NAME, CLUSTER, CLUSTER_BY_NAME

# asyncio.open_connection that is cancelled at the last moment leaves its connection to the collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning")

# A busy machine has all the time that it needs.
SMALL = Scale(clients=10, messages=1000, seconds=2.0, stretch=60.0)


def audit(
    name: str, queue: str, folder: Path, root: Path = ROOT, scale: Scale = SMALL, past: int = 0
) -> Outcome:
    require("node", "nodejs")

    async def run() -> Outcome:
        row = (CLUSTER_BY_NAME if queue == CLUSTER else BY_NAME)[name]
        outcome = await Audit(row, queue, scale, "ci", folder, root, past).run()
        # uvloop fails to close while a stream that nobody holds any more is being closed.
        gc.collect()
        for _ in range(10):
            await asyncio.sleep(0)
        return outcome

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


@pytest.mark.parametrize("queue", ["memory", "database"])
def test_nothing_is_lost_or_doubled(queue: str, tmp_path: Path) -> None:
    outcome = audit("mixed", queue, tmp_path)
    assert len(outcome.faults) > 5
    assert outcome.messages >= SMALL.messages
    assert not outcome.counts, outcome.examples


def test_nothing_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    outcome = audit("kill", "database", tmp_path, scale=Scale(clients=10, messages=3000, seconds=6.0))
    assert outcome.faults["kills"]
    assert not outcome.told
    assert not outcome.counts, outcome.examples


@pytest.mark.parametrize("name", ["frozen-leader", "cut-off", "failover-behind"])
def test_three_servers_lose_nothing_without_a_word(name: str, tmp_path: Path) -> None:
    scale = Scale(clients=10, messages=2000, seconds=15.0, stretch=4.0)
    outcome = audit(name, CLUSTER, tmp_path, scale=scale)
    assert outcome.faults
    assert bool(outcome.told) == (name == "failover-behind")
    assert not outcome.counts, outcome.examples


@pytest.mark.parametrize("queue", ["memory", "database"])
def test_late_clients_and_people_are_told_exactly(queue: str, tmp_path: Path) -> None:
    scale = Scale(clients=10, messages=5000, seconds=12.0)
    outcome = audit("kill", queue, tmp_path, scale=scale, past=200)
    assert outcome.faults["kills"]
    assert not outcome.counts, outcome.examples


BREAKS = {
    "a server that forgets what it has written": (
        "thywill/core/outbox.py",
        "    def next_answer(self) -> bytes:",
        "    def next_answer(self) -> bytes:\n"
        "        answer = self.once()\n"
        "        if self.in_flight:\n"
        "            self.acknowledge(self.entries[self.in_flight - 1].id)\n"
        "        return answer\n\n"
        "    def once(self) -> bytes:",
        "response-cut",
        "lost",
    ),
    "a browser that gives new numbers to what it repeats": (
        "static/thywill/sender.js",
        "this.requester.retry(error.retry);",
        "this.received = this.sent; this.requester.retry(error.retry);",
        "response-cut",
        "doubled",
    ),
    "a browser that takes what it has had": (
        "static/thywill/receiver.js",
        "if (item[0] > this.cursor) {",
        "if (item[0]) {",
        "stale-answer",
        "doubled",
    ),
}


BREAKS_OF_THE_PAST = {
    "a past whose last messages are missing": (
        "thywill/core/history.py",
        "return [message.data for message in ring.messages]",
        "return [message.data for message in ring.messages][:-2]",
        "memory",
        "lost",
    ),
    "a server that forgets whom a message excludes": (
        "thywill/hub/delivery.py",
        "if message.exclude is not None:",
        "if not message:",
        "memory",
        "wrong",
    ),
    "a list of people that has those who are about to be told": (
        "thywill/core/presence.py",
        'return [each for each in people if each["id"] not in self.joined] + list(self.left.values())',
        "return list(people)",
        "database",
        "doubled",
    ),
}


def broken(folder: Path, path: str, old: str, new: str) -> Path:
    """Return the root of a copy of the project in which ``old`` is replaced."""
    root = folder / "copy"
    root.mkdir()
    for part in ("run.py", "thywill", "static", "apps"):
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, root / part)
    file = root / path
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    (folder / "audit").mkdir()
    return root


@pytest.mark.parametrize("name", BREAKS)
def test_a_breach_is_found(name: str, tmp_path: Path) -> None:
    path, old, new, row, kind = BREAKS[name]
    root = broken(tmp_path, path, old, new)
    outcome = audit(row, "memory", tmp_path / "audit", root, replace(SMALL, browsers=1.0, settle=1.0))
    assert outcome.counts[kind], outcome


@pytest.mark.parametrize("name", BREAKS_OF_THE_PAST)
def test_a_breach_of_the_past_is_found(name: str, tmp_path: Path) -> None:
    path, old, new, queue, kind = BREAKS_OF_THE_PAST[name]
    root = broken(tmp_path, path, old, new)
    scale = Scale(clients=10, messages=5000, seconds=12.0, settle=1.0)
    outcome = audit("kill", queue, tmp_path / "audit", root, scale, past=50)
    assert outcome.counts[kind], outcome
