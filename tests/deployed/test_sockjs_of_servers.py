"""SockJS sessions of stock clients through nginx and three servers, of which one is killed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.proxied import Nginx
from tests.support.served import UNLIMITED, Served, page
from tests.support.serving import until
from tests.support.stock_page import StockPage
from tests.support.three_servers import ThreeServers
from tests.support.upstreams import for_several

SETTINGS = f"""
[application_interface]
applications = ["tests.support.probe"]

[push.sockjs]
response = 4_096
{UNLIMITED}
"""
BY_NAME = "        hash $thywill_session consistent;\n"
"""The line of conf/nginx.conf by which all requests of one session go to one server."""
pytestmark = pytest.mark.gen_test
TRANSPORTS = ("xhr_streaming", "xhr", "jsonp")
PAGES = 9
MESSAGES = 20
ALL = 1 + PAGES * MESSAGES
LONGEST = 200
"""Seconds to wait for what comes at last: the takeover and all messages, on a busy machine."""


class Cluster(ThreeServers):
    """Three servers, and nginx before them."""

    def __init__(self, folder: Path, *, by_name: bool) -> None:
        super().__init__(folder, SETTINGS)
        self.by_name = by_name
        first, *others = [self.add(name).port for name in ("one", "two", "three")]
        text = for_several(*others)
        assert BY_NAME in text
        self.nginx = Nginx(folder, first, None, text if by_name else text.replace(BY_NAME, ""))

    def home_of(self, session: str) -> int:
        """Return the process of the server that has a session; 0 if nobody has it."""
        name = self.redis.call("GET", f"thywill:name:{session}")
        rows = json.loads(page(self.running[0].port, "/thywill/servers"))["servers"]
        found = [row["process"] for row in rows if name is not None and row["name"] == name.decode()]
        return found[0] if found else 0

    def choose(self, *, leads: bool, sessions: Sequence[str]) -> tuple[Served, list[str]]:
        """Return the leader, or another server, and those of the sessions that it has."""
        leader = self.leader("probe")
        chosen = next(each for each in self.running if (each is leader) == leads)
        return chosen, [each for each in sessions if self.home_of(each) == chosen.process.pid]

    def close(self) -> None:
        self.nginx.stop()
        super().close()


@pytest.fixture(params=["by name", "in turns"])
def cluster(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    running = Cluster(tmp_path, by_name=request.param == "by name")
    yield running
    running.close()


class Talk:
    """Pages that live, and publish one message after another. After half of them they wait for ``go_on``."""

    def __init__(self, port: int) -> None:
        self.go_on = asyncio.Event()
        self.pages = [StockPage(port, TRANSPORTS[place % 3]) for place in range(PAGES)]
        self._tasks = [asyncio.ensure_future(page.live()) for page in self.pages]

    async def begin(self) -> None:
        """Wait until all pages are connected, then let them talk."""
        for each in self.pages:
            each.send({"echo": "here"})
        await self.until(1)
        self._tasks += [asyncio.ensure_future(self._talk(each)) for each in self.pages]

    async def _talk(self, each: StockPage) -> None:
        for number in range(MESSAGES):
            if number == MESSAGES // 2:
                await self.go_on.wait()
            each.send({"publish": [each.id, number]})
            await until(lambda number=number: [each.id, number] in each.got, LONGEST)  # type: ignore[misc]

    async def until(self, count: int) -> None:
        """Wait until each page has got ``count`` messages."""

        def is_reached() -> bool:
            for task in self._tasks:
                if task.done():
                    task.result()
            return all(len(each.got) >= count for each in self.pages)

        await until(is_reached, LONGEST)

    async def end(self) -> None:
        """End the pages."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.mark.parametrize("which", ["the leader", "another"])
async def test_a_server_is_killed(cluster: Cluster, which: str) -> None:
    talk = Talk(cluster.nginx.plain_port)
    try:
        await talk.begin()
        await talk.until(ALL // 3)
        sessions = [each.sessions[-1] for each in talk.pages]
        killed, lost = await asyncio.to_thread(cluster.choose, leads=which == "the leader", sessions=sessions)
        talk.go_on.set()
        await asyncio.to_thread(cluster.kill, killed)
        await talk.until(ALL)
    finally:
        await talk.end()
    check_messages(talk.pages)
    for each, first in zip(talk.pages, sessions, strict=True):
        if first in lost:
            assert len(each.sessions) >= 2, each.losses
        elif cluster.by_name:
            assert (len(each.sessions), each.losses) == (1, [])
        elif (
            each.transport == "jsonp"
        ):  # its GETs are not repeated, so more than one may meet the killed server
            assert len(each.sessions) <= 6, each.losses
        else:  # its request was at the killed server, which had forwarded it, or was not
            assert len(each.sessions) <= 2, each.losses
    assert [cluster.home_of(each.sessions[-1]) for each in talk.pages].count(0) == 0
    assert [each.lines("ERROR") for each in cluster.running] == [[], []]


def check_messages(pages: list[StockPage]) -> None:
    """Each page has got every message once, and all in the same order."""
    for each in pages:
        assert len(each.got) == ALL
        assert each.got[1:] == pages[0].got[1:]
        own = [number for name, number in each.got[1:] if name == each.id]
        assert own == list(range(MESSAGES))
