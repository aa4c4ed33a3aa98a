"""A server that is killed, and the clients that it takes back: real processes, a real database's file."""

from __future__ import annotations

import http.client
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import wait_for
from tests.support.served import Serve, serving

DURABLE = ("--applications", "apps.echo,apps.chat", "--queue", "database")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with serving(tmp_path) as start:
        yield start


class Page:
    """A page's client on the wire, of whichever server listens at the port."""

    def __init__(self, port: int, application: str) -> None:
        self.port = port
        answer = self.ask("connect", {"application": application})
        self.token = answer["token"]
        self.cursor = answer["cursor"]
        self.sent = 0
        self.waiting: list[Any] = self.poll()

    def ask(self, what: str, fields: dict[str, Any]) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", f"/thywill/{what}", json.dumps(fields))
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def poll(self, hold: float = 0) -> list[Any]:
        answer = self.ask("poll", {"token": self.token, "cursor": self.cursor, "hold": hold})
        assert "error" not in answer, answer
        self.cursor = answer["cursor"]
        messages: list[Any] = answer["messages"]
        return messages

    def send(self, data: Any, *method: str) -> None:
        self.sent += 1
        item = [self.sent, data, *method]
        answer = self.ask("send", {"token": self.token, "messages": [item]})
        assert answer == {"received": self.sent}

    def find(self, word: str) -> Any:
        """Return the next message, or reply, in which ``word`` is the name of a field."""
        while True:
            self.waiting = self.waiting or self.poll(hold=10)
            item = self.waiting.pop(0) if self.waiting else []
            if f'"{word}"' in json.dumps(item):
                return item[1]

    def receive(self, count: int) -> list[Any]:
        """Return the next ``count`` items, without their ids."""
        items: list[Any] = []
        while len(items) < count:
            items += [item[1:] for item in self.poll(hold=10)]
        assert len(items) == count
        return items


def test_a_page_goes_on_after_a_kill(serve: Serve) -> None:
    served = serve(*DURABLE)
    page = Page(served.port, "echo")
    for number in range(20):
        page.send(number)
    served.process.kill()
    served.ended()
    serve(*DURABLE, port=served.port)
    assert page.receive(20) == [[number] for number in range(20)]
    page.send("after")
    assert page.receive(1) == [["after"]]


@pytest.mark.parametrize("flush", [0.005, 60.0])
def test_counts_in_client_data_are_right_after_every_kill(serve: Serve, tmp_path: Path, flush: float) -> None:
    config = tmp_path / "flush.toml"  # whether client records are ahead of the queue or behind it
    config.write_text(f"[database]\nflush = {flush}\n")
    options = ("--applications", "tests.support.probe", "--queue", "database", "--config", str(config))
    served = serve(*options)
    page = Page(served.port, "probe")
    counted: list[Any] = []
    for _ in range(3):
        for _ in range(20):
            page.send({"count": 1})
        served.kill()
        served = serve(*options, port=served.port)
        counted += page.receive(20)
    assert counted == [[number + 1] for number in range(60)]


def test_a_page_goes_on_after_a_restart_in_place(serve: Serve) -> None:
    served = serve(*DURABLE)
    page = Page(served.port, "echo")
    for number in range(5):
        page.send(number)
    served.process.send_signal(signal.SIGHUP)
    served.wait()
    assert page.receive(5) == [[number] for number in range(5)]
    page.send("after")
    assert page.receive(1) == [["after"]]


def test_people_are_in_their_rooms_after_a_restart(serve: Serve) -> None:
    served = serve(*DURABLE)
    ada, bob = Page(served.port, "chat"), Page(served.port, "chat")
    for page in (ada, bob):
        page.send(["Tea"], "enter")
        page.find("you")
    served.stop()
    serve(*DURABLE, port=served.port)
    ada.send(["Tea", "still here"], "say")
    assert bob.find("text")["text"] == "still here"
    (rooms,) = Page(served.port, "chat").find("rooms")
    assert {"name": "Tea", "people": 2} in rooms["rooms"]


def test_a_client_that_does_not_come_back_is_gone_after_its_grace(serve: Serve, tmp_path: Path) -> None:
    config = tmp_path / "grace.toml"
    config.write_text("[push.sockjs]\ngrace = 1\n[push.longpoll]\ngrace = 1\n")
    served = serve(*DURABLE)  # with a short grace, a busy machine might lose the page before it has polled
    page = Page(served.port, "echo")
    served.stop(signal.SIGKILL)
    again = serve(*DURABLE, "--config", str(config), port=served.port)
    client_id = page.token.partition(".")[0]
    wait_for(lambda: any(client_id in line and "is gone" in line for line in again.lines("INFO")))
    assert page.ask("poll", {"token": page.token, "cursor": 0})["error"]["code"] == "gone"
