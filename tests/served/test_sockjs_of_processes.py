"""SockJS sessions of a stock client on one port that three processes share: each request meets any one."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.support.redis_servers import RedisServer
from tests.support.served import UNLIMITED, Served

SETTINGS = """
[queue]
component = "redis"
url = "{url}"

[application_interface]
applications = ["tests.support.probe"]

[push.sockjs]
response = 4_096
"""
MESSAGES = 60


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder, redis = tmp_path_factory.mktemp("processes"), RedisServer("redis")
    try:
        (folder / "settings.toml").write_text(SETTINGS.format(url=redis.url()) + UNLIMITED)
        with Served(folder, "--config", str(folder / "settings.toml"), "--processes", "3") as served:
            yield served.port
    finally:
        redis.close()


class StockClient:
    """A page with a stock SockJS client. Each of its requests has a connection of its own.

    ``got`` has the messages that it has got, ``requests`` counts the requests that waited for them.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        _, body = self.ask("/thywill/connect", json.dumps({"application": "probe"}))
        answer = json.loads(body)
        self.token, self.cursor = answer["token"], answer["cursor"]
        self.base = f"/thywill/sockjs/000/{uuid.uuid4()}"
        self.got: list[Any] = []
        self.received = 0
        self.requests = 0

    def ask(self, path: str, body: str = "") -> tuple[int, bytes]:
        """Return status and body of an answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)) as connection:
            connection.request("POST", path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def send(self, **fields: Any) -> None:
        """Send a frame, once."""
        assert self.ask(f"{self.base}/xhr_send", json.dumps([json.dumps(fields)])) == (204, b"")

    def wait(self, transport: str) -> Iterator[str]:
        """Yield the frames of one request that waits for them."""
        self.requests += 1
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)) as connection:
            connection.request("POST", f"{self.base}/{transport}")
            answer = connection.getresponse()
            assert answer.status == 200
            while line := answer.readline():
                if line.strip(b"h\n"):
                    yield line.decode().rstrip("\n")
            answer.close()

    def open(self) -> None:
        """Begin the session."""
        assert list(self.wait("xhr")) == ["o"]
        self.send(token=self.token, cursor=self.cursor)

    def take(self, frame: str) -> None:
        """Take the messages of a frame."""
        assert frame[0] == "a", frame
        for text in json.loads(frame[1:]):
            said = json.loads(text)
            assert "error" not in said
            self.received = max(self.received, said.get("received", 0))
            for number, data, *_ in said.get("messages", []):
                assert number > self.cursor
                self.cursor = number
                self.got.append(data)


@pytest.mark.parametrize("transport", ["xhr_streaming", "xhr"])
def test_a_stock_client_gets_each_message_once_whichever_server_it_asks(port: int, transport: str) -> None:
    page = StockClient(port)
    page.open()
    sent = 0
    while len(page.got) < MESSAGES:
        for frame in page.wait(transport):
            page.take(frame)
            if len(page.got) == MESSAGES:
                break
            if sent < MESSAGES:
                sent += 1
                page.send(cursor=page.cursor, messages=[[sent, {"echo": [sent, "x" * 300]}]])
    assert [number for number, _ in page.got] == list(range(1, MESSAGES + 1))
    assert page.received == MESSAGES
    assert page.requests > 5  # the stream was begun anew, or there was a poll for each frame


def test_many_sessions_of_three_processes(port: int) -> None:
    pages = [StockClient(port) for _ in range(10)]
    for page in pages:
        page.open()
        page.send(messages=[[1, {"echo": page.token}]])
    for page in pages:
        while page.got != [page.token]:
            for frame in page.wait("xhr"):
                page.take(frame)
                page.send(cursor=page.cursor)


def test_a_session_that_nobody_has_is_not_found(port: int) -> None:
    page = StockClient(port)
    assert page.ask(f"{page.base}/xhr_send", '["x"]')[0] == 404
