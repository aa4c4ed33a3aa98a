"""The two clocks: what is due goes by the monotonic one, and a jump of the other changes nothing of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gate.environment import ROOT
from tests.support.hub_fakes import AWAY, SECRET, TIMING, WALL, World
from tests.support.parked import ask, connected, park
from tests.support.served import Served
from tests.support.serving import until
from thywill.client_interface.browser_sessions import COOKIE, BrowserSessions
from thywill.core.lifecycle import State
from thywill.core.signing import Signer
from thywill.errors import BadToken
from thywill.hub.leases import Timing

DAY = 86_400.0
YEAR = 365 * DAY
JUMPS = pytest.mark.parametrize("jump", [-YEAR, -DAY, -61.0, 61.0, DAY, YEAR])

WALL_CLOCK = {
    "thywill/client_interface/browser_sessions.py": "cookies outlive the process",
    "thywill/database/peewee.py": "records outlive the process",
    "thywill/log/line.py": "when it was, for people",
    "thywill/queue/durable/queue.py": "the log and its ids outlive the process",
    "thywill/queue/durable/restoring.py": "the log outlives the process",
    "thywill/queue/memory.py": "the first id",
    "thywill/queue/base.py": "the age of what is kept in a history",
    "thywill/queue/shared/queue.py": "the same",
    "thywill/queue/redis/queue.py": "the same",
    "thywill/application_interface/people.py": "what is kept of people outlives the process",
    "thywill/client_interface/identities.py": "tickets and identities outlive the process",
    "thywill/tickets.py": "tickets are read by another program",
    "thywill/server.py": "since when it runs, for people",
    "thywill/monitoring/status/__init__.py": "since when servers run, for people",
    "thywill/database/lease.py": "the fencing number",
    "thywill/push/sockjs/router.py": "the Expires header",
    "thywill/hub/room.py": "what records and tokens say",
    "thywill/http/server.py": "the Date header",
    "thywill/monitoring/gate.py": "a cookie",
    "thywill/monitoring/cluster.py": "how long ago records say that it was, for people",
    "thywill/monitoring/lookup.py": "the same",
    "thywill/http/tornado/server.py": "the Date header",
    "thywill/http/shared.py": "the Date header",
}
"""Who may ask what time of day it is, and what for. None of it is a lease."""


# The engine.


def course(jump: float) -> list[Any]:
    """Return what happens to three clients, and when, while the wall clock jumps in the middle."""
    world = World(Timing(grace=60, pause=5))
    parked, polled, silent = world.connect(), world.connect(), world.create()
    poll = world.poll(parked, hold=25)
    happened: list[Any] = []
    for step in range(2 * 120):
        if step == 3:
            world.jump = jump
        if step == 20:
            world.poll(polled, hold=0)
        world.sleep(0.5)
        happened.append([poll.calls[:], parked.state, polled.state, silent.state])
    assert happened[-1] == [["expire"], State.GONE, State.GONE, State.GONE]
    return happened


@JUMPS
def test_leases_and_holds_do_not_notice_a_jump(jump: float) -> None:
    assert course(jump) == course(0)


@JUMPS
def test_a_client_that_is_here_keeps_its_token(jump: float) -> None:
    world = World()
    client = world.connect()
    world.jump = jump
    assert world.hub.find(client.token) is client


def test_a_token_is_over_age_by_the_wall_clock_for_a_client_that_is_not_here() -> None:
    world = World()
    client = world.connect()
    world.hub.leave(client)
    world.jump = TIMING.token - 1
    assert world.reason(client) == AWAY
    world.jump += 2
    with pytest.raises(BadToken):
        world.hub.find(client.token)
    world.jump = -YEAR
    assert world.reason(client) == AWAY


@JUMPS
def test_a_record_says_the_new_time_as_soon_as_ever(jump: float) -> None:
    world = World(Timing(record=60))
    client = world.connect()
    world.jump = jump
    world.states_saved(client)
    for _ in range(60):
        world.sleep(1)
        world.poll(client, hold=0)
    (record, *_) = world.records.saved
    assert record.seen == pytest.approx(WALL + jump, abs=61)


# Cookies.


@pytest.mark.parametrize(
    ("jump", "known"), [(-YEAR, True), (-DAY, True), (29 * DAY, True), (31 * DAY, False)]
)
def test_a_browser_is_known_until_its_cookie_is_over_age(jump: float, known: bool) -> None:
    now = WALL
    sessions = BrowserSessions(Signer(SECRET), 30, wall=lambda: now)
    header = sessions.cookie("name", secure=False).partition(";")[0]
    assert header.startswith(f"{COOKIE}=")
    now += jump
    assert sessions.read(header.encode(), secure=False) == ("name" if known else None)


# Who asks.


def askers(root: Path) -> Iterator[str]:
    """Find the modules that name a wall clock."""
    for path in sorted(root.glob("thywill/**/*.py")):
        names = {ast.unparse(node) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                 if isinstance(node, ast.Attribute | ast.Call)}  # fmt: skip
        if names & {"time.time", "datetime.now", "datetime.utcnow", "formatdate(usegmt=True)"}:
            yield str(path.relative_to(root))


def test_nobody_else_asks_for_the_wall_clock() -> None:
    inside = {path for path in askers(ROOT) if not path.startswith("thywill/commands/")}
    assert inside <= set(WALL_CLOCK)
    assert "thywill/hub/room.py" in inside


# A whole server.


SHIFTED = """
import pathlib, time
real, jump = time.time, pathlib.Path({!r})
time.time = lambda: real() + float(jump.read_text())
"""


@pytest.mark.gen_test
@pytest.mark.parametrize("jump", [-YEAR, YEAR])
async def test_a_server_goes_on_when_its_clock_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    clock, settings = tmp_path / "jump", tmp_path / "settings.toml"
    clock.write_text("0")
    settings.write_text("[push.longpoll]\ngrace = 8.0\n[push.sockjs]\ngrace = 8.0\n")
    (tmp_path / "sitecustomize.py").write_text(SHIFTED.format(str(clock)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    served = Served(tmp_path, "--config", str(settings), "--applications", "apps.echo")
    try:
        async with connected(served.port) as parked, connected(served.port) as sending:
            told = await ask(parked, "connect", application="echo")
            await park(parked, told)
            for _ in range(2):  # the poll is parked by the second answer
                await sending.ask("/thywill/health")
            clock.write_text(str(jump))
            assert await ask(sending, "send", token=told["token"], messages=[[1, "a"]]) == {"received": 1}
            answer = (await parked.answer()).json
            [[cursor, text]] = answer["messages"]
            assert text == "a"
            again = await ask(parked, "poll", token=told["token"], cursor=cursor, hold=2)
            assert again == {"messages": [], "cursor": cursor}
            await until(lambda: "its grace time has passed" in served.log.read_text())
            gone = await ask(parked, "poll", token=told["token"], cursor=cursor)
            assert gone["error"]["code"] == ("gone" if jump < 0 else "bad_token")
    finally:
        status = served.stop()
        assert status == (0, "")
        assert served.lines("ERROR") == []
