"""Three servers, each a process, that share a Redis; each request of a page meets one of them at random."""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import wait_for
from tests.support.redis_servers import RedisServer
from tests.support.served import UNLIMITED, Served, page

SETTINGS = """
[application_interface]
applications = ["apps.chat", "apps.draw", "apps.vote", "tests.support.probe"]
"""
MESSAGES = 40
PAGES = 4


class Servers:
    """The servers that run; ``ports`` has their ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.redis = RedisServer("redis", "appendonly yes")
        settings = self.redis.settings(folder / "secret") + SETTINGS + UNLIMITED
        (folder / "settings.toml").write_text(settings)
        self.running: list[Served] = []
        self._number = 0

    def add(self) -> Served:
        self._number += 1
        folder = self.folder / f"server{self._number}"
        folder.mkdir()
        served = Served(folder, "--config", str(self.folder / "settings.toml"))
        self.running.append(served)
        return served

    def kill(self, served: Served) -> None:
        """End it as ``kill -9`` does."""
        self.running.remove(served)
        served.kill()

    @property
    def ports(self) -> list[int]:
        return [served.port for served in self.running]

    def rows(self) -> list[dict[str, Any]]:
        """Return the servers as they are listed."""
        rows: list[dict[str, Any]] = json.loads(page(self.ports[0], "/thywill/servers"))["servers"]
        return rows

    def leader(self, application: str) -> Served | None:
        leading = [row["process"] for row in self.rows() if application in row["leads"]]
        found = [served for served in self.running if [served.process.pid] == leading]
        return found[0] if found else None

    def leading(self, application: str) -> Served:
        """Return the leader; wait until the list of servers, which is up to 2 s old, has it."""
        found: list[Served] = []
        wait_for(lambda: [found.append(each) for each in [self.leader(application)] if each] and found)
        return found[0]

    def close(self) -> None:
        for served in self.running:
            served.kill()
        self.redis.close()


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    running = Servers(tmp_path)
    try:
        for _ in range(3):
            running.add()
        yield running
    finally:
        running.close()


class Visitor:
    """A page that asks another server with each request, and repeats what fails, as the browser client does.

    ``got`` has the data of all messages, each id once; ``replies`` those to its own messages by number.
    """

    def __init__(self, servers: Servers, application: str, seed: int) -> None:
        self._servers = servers
        self._chance = random.Random(seed)
        self._sent = 0
        self._sending = threading.Lock()
        self.got: list[Any] = []
        self.ids: list[int] = []
        self.replies: dict[int, Any] = {}
        self.lost = 0
        self.failure: BaseException | None = None
        answer = self._ask("connect", {"application": application})
        self.id, self.token, self.cursor = answer["client"], answer["token"], answer["cursor"]

    def _ask(self, operation: str, fields: dict[str, Any]) -> dict[str, Any]:
        while True:
            connection = http.client.HTTPConnection(
                "127.0.0.1", self._chance.choice(self._servers.ports), timeout=60
            )
            try:
                connection.request("POST", f"/thywill/{operation}", json.dumps(fields))
                response = connection.getresponse()
                answer: dict[str, Any] = json.loads(response.read())
            except (OSError, http.client.HTTPException):
                continue  # that server was killed
            finally:
                connection.close()
            if response.status not in (429, 503):
                assert response.status == 200, (operation, answer)
                return answer

    def send(self, *items: Any) -> None:
        """Send one message, or a call if it has a method; return when it is accepted."""
        with self._sending:
            self._sent += 1
            answer = self._ask("send", {"token": self.token, "messages": [[self._sent, *items]]})
            assert answer["received"] >= self._sent

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the application, and return its result."""
        self.send(list(arguments), method)
        number = self._sent
        self.receive(lambda: number in self.replies)
        return self.replies[number]["result"]

    def receive(self, enough: Any) -> None:
        """Poll until ``enough()``."""
        while not enough():
            answer = self._ask("poll", {"token": self.token, "cursor": self.cursor, "hold": 1})
            self.lost += answer.get("lost", 0)
            for number, data, *reply in answer["messages"]:
                if number <= self.cursor:
                    continue
                self.ids.append(number)
                if reply == ["pack"]:
                    self.got += data
                elif reply:
                    self.replies[reply[0]] = data
                else:
                    self.got.append(data)
            self.cursor = max(self.cursor, answer["cursor"])

    def start(self, work: Any) -> threading.Thread:
        """Run ``work`` in a thread; ``failure`` has what it raises."""

        def run() -> None:
            try:
                work()
            except BaseException as error:
                self.failure = error

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread


def talk(visitor: Visitor) -> None:
    for number in range(MESSAGES):
        visitor.send({"publish": [visitor.id, number]})


def test_the_loss_of_a_leader_and_of_a_follower_loses_nothing(servers: Servers) -> None:
    pages = [Visitor(servers, "probe", seed) for seed in range(PAGES)]
    chatting = [Visitor(servers, "chat", seed) for seed in (10, 11)]
    for each in pages:
        each.receive(lambda: True)
    for each in pages:
        each.send({"echo": "here"})
        each.receive(lambda each=each: each.got == ["here"])
    names = [each.call("enter", "Tea")["you"] for each in chatting]
    everything = PAGES * MESSAGES + 1
    threads = [each.start(lambda each=each: talk(each)) for each in pages]
    threads += [
        each.start(lambda each=each: each.receive(lambda: len(each.got) >= everything)) for each in pages
    ]
    wait_for(lambda: any(each.failure for each in pages) or len(pages[0].got) > PAGES * MESSAGES // 4)
    servers.kill(servers.leading("probe"))
    servers.add()
    wait_for(lambda: any(each.failure for each in pages) or len(pages[0].got) > PAGES * MESSAGES // 2)
    follower = next(served for served in servers.running if served is not servers.leader("probe"))
    servers.kill(follower)
    for thread in threads:
        thread.join(120)
    assert [each.failure for each in pages] == [None] * PAGES
    # Nothing is lost, doubled or in another order.
    for each in pages:
        assert (each.got[1:], each.lost) == (pages[0].got[1:], 0)
        own = [number for name, number in each.got[1:] if name == each.id]
        assert own == list(range(MESSAGES))
        assert each.ids == sorted(set(each.ids))
    # The chat knows its people on the new leader, and goes on.
    assert names == [each.call("enter", "Tea")["you"] for each in chatting]
    chatting[0].call("say", "Tea", "still here")
    chatting[1].receive(lambda: "still here" in [each.get("text") for each in chatting[1].got])
    assert sorted(len(each.lines("ERROR")) for each in servers.running) == [0, 0]


def test_the_picture_and_the_votes_outlive_their_leaders(servers: Servers) -> None:
    drawing = [Visitor(servers, "draw", seed) for seed in (20, 21)]
    voting = [Visitor(servers, "vote", seed) for seed in (22, 23)]
    for number in range(1, 4):
        for each in drawing:
            each.call("line", number, 2, 1, "QAQAwAwA")
    drawing[0].call("undo", 2)
    for answer, each in enumerate(voting):
        each.call("vote", 1, answer)
    for application in ("draw", "vote"):
        servers.kill(servers.leading(application))
        servers.add()
    # A page that was there goes on, and one that comes later sees everything.
    drawing[1].call("line", 4, 2, 1, "QAQAwAwA")
    voting[1].call("vote", 1, 3)
    late = Visitor(servers, "draw", 24)
    late.receive(lambda: len(told(late, "line")) >= 7)
    assert [line["n"] for line in told(late, "line")] == [1, 1, 2, 2, 3, 3, 4]
    assert [undone["n"] for undone in told(late, "undo")] == [2]
    voter = Visitor(servers, "vote", 25)
    voter.receive(lambda: told(voter, "poll"))
    assert told(voter, "poll")[-1]["counts"] == [1, 0, 0, 1]


def told(visitor: Visitor, kind: str) -> list[dict[str, Any]]:
    """Return the messages of a type that a page has got."""
    return [each for each in visitor.got if each["type"] == kind]
