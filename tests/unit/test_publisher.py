"""The publisher for other programs: when it tries again, and how it reads answers."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from thywill.publisher import AsyncPublisher, Destination, Publisher, PublishError, Sending

PLACE = Destination("http://127.0.0.1:8080/", "KEY")
ONE = [{"application": "chat", "channel": "lobby", "data": 1}]
AWAY = b'{"error":{"code":"unavailable","message":"away","retry":3}}'
OK = b'{"ids":[41]}'


def sending(timeout: float = 10.0) -> Sending:
    return Sending(PLACE, ONE, timeout, now=100.0)


class TestTries:
    """What follows from each outcome, by literal times."""

    def test_every_message_has_an_id_which_stays_the_same(self) -> None:
        messages = json.loads(Sending(PLACE, [*ONE, {**ONE[0], "id": "mine", "key": None}], 10.0, 0.0).body)
        first, second = messages["messages"]
        assert len(first.pop("id")) == 32
        assert (first, second) == (ONE[0], {**ONE[0], "id": "mine"})

    def test_null_is_data(self) -> None:
        body = json.loads(Sending(PLACE, [{**ONE[0], "data": None}], 10.0, 0.0).body)
        assert body["messages"][0]["data"] is None

    def test_the_answer_ends_it(self) -> None:
        assert sending().answered(200, OK, 101.0) == [41]

    def test_a_server_that_is_away_says_when_to_come_back(self) -> None:
        each = sending()
        assert each.answered(503, AWAY, 101.0) is None
        assert each.pause == 3.0
        assert each.answered(200, OK, 104.0) == [41]

    def test_an_answer_that_would_come_too_late_is_not_waited_for(self) -> None:
        with pytest.raises(PublishError, match="unavailable: away") as raised:
            sending(timeout=3.5).answered(503, AWAY, 101.0)
        assert raised.value.status == 503

    @pytest.mark.parametrize("status", [502, 503, 504])
    def test_a_proxy_says_that_the_server_is_away(self, status: int) -> None:
        each = sending()
        assert each.answered(status, b"<html>Bad Gateway</html>", 101.0) is None
        assert each.pause == 0.0
        assert each.answered(status, b"<html>Bad Gateway</html>", 101.0) is None
        assert each.pause == 0.1

    def test_a_broken_connection_is_tried_again_at_once_and_then_less_often(self) -> None:
        each, pauses = sending(timeout=60.0), []
        for _ in range(8):
            each.broke(ConnectionResetError("reset"), 101.0)
            pauses.append(each.pause)
        assert pauses == [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]

    def test_no_answer_in_time(self) -> None:
        each = sending()
        with pytest.raises(PublishError, match=r"unreachable: .* did not answer within 10 s"):
            each.broke(ConnectionRefusedError("refused"), 110.0)

    def test_a_wrong_certificate_is_not_tried_again(self) -> None:
        with pytest.raises(PublishError, match="unreachable"):
            sending().broke(ssl.SSLCertVerificationError("self-signed"), 101.0)

    @pytest.mark.parametrize(("status", "code"), [(400, "malformed"), (401, "bad_key"), (429, "too_many")])
    def test_a_refusal_is_final(self, status: int, code: str) -> None:
        body = json.dumps({"error": {"code": code, "message": "no", "retry": 1}}).encode()
        with pytest.raises(PublishError) as raised:
            sending().answered(status, body, 101.0)
        assert (raised.value.status, raised.value.code, raised.value.message) == (status, code, "no")

    @pytest.mark.parametrize(
        ("status", "body"),
        [(200, b"Hello"), (200, b'{"ids":[]}'), (200, b"[]"), (404, b"<html>"), (301, b"")],
    )
    def test_an_answer_of_another_server(self, status: int, body: bytes) -> None:
        with pytest.raises(PublishError, match="unexpected") as raised:
            sending().answered(status, body, 101.0)
        assert raised.value.status == status


@pytest.mark.parametrize("url", ["", "chat.example.org", "ftp://host/", "http:///x", "unix:/run/x"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        Publisher(url, "KEY")


@pytest.mark.parametrize("key", ["", "two\nlines", "schlüssel"])
def test_keys_that_cannot_be_sent(key: str) -> None:
    with pytest.raises(ValueError, match="a key is"):
        Publisher("http://host/", key)


@pytest.mark.parametrize("url", ["http://host/live/", "http://host/live", "http://host/live/thywill/publish"])
def test_a_server_below_a_path(url: str) -> None:
    assert Destination(url, "KEY").path == "/live/thywill/publish"


def test_data_that_is_no_json() -> None:
    for data in (object(), float("nan")):
        with pytest.raises((TypeError, ValueError)):
            Publisher("http://host/", "KEY").publish("chat", "lobby", data)


@pytest.mark.parametrize("receivers", [{}, {"client": "a", "user": "b"}])
def test_one_receiver_is_named(receivers: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="one receiver"):
        Publisher("http://host/", "KEY").send("chat", 1, **receivers)


# Over sockets.

CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"id\r\n8\r\ns":[41]}\r\n0\r\n\r\n'
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n" + OK
LAST = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 12\r\n\r\n" + OK
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"
UNTIL_CLOSED = b"HTTP/1.0 200 OK\r\n\r\n" + OK


class Script:
    """A server that answers as it is told: each connection has a list of them, and is closed after it."""

    def __init__(self, *connections: list[bytes]) -> None:
        self.bodies: list[Any] = []
        self._connections = connections
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for answers in self._connections:
            try:
                accepted, _ = self._socket.accept()
            except OSError:  # the test has failed before, and closes the socket
                return
            with accepted, accepted.makefile("rb") as file:
                for answer in answers:
                    self.bodies.append(_read(file))
                    accepted.sendall(answer)

    def close(self) -> None:
        """End the thread, which has served all of its connections unless the test has failed."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()


def _read(file: Any) -> Any:
    length = 0
    while line := file.readline().strip():
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    return json.loads(file.read(length))


Play = Callable[..., Script]


@pytest.fixture
def play() -> Iterator[Play]:
    scripts: list[Script] = []

    def start(*connections: list[bytes]) -> Script:
        scripts.append(Script(*connections))
        return scripts[-1]

    yield start
    for script in scripts:
        script.close()


def publish_twice(kind: str, url: str) -> list[int]:
    """Return what two calls of a publisher return."""
    if kind == "sync":
        with Publisher(url, "KEY") as publisher:
            return [publisher.publish("chat", "lobby", 1), publisher.publish("chat", "lobby", 2)]

    async def run() -> list[int]:
        async with AsyncPublisher(url, "KEY") as publisher:
            return [await publisher.publish("chat", "lobby", 1), await publisher.publish("chat", "lobby", 2)]

    return asyncio.run(run())


@pytest.mark.parametrize("kind", ["sync", "async"])
class TestOverSockets:
    @pytest.mark.parametrize("answer", [WHOLE, CHUNKED])
    def test_a_connection_is_used_again(self, play: Play, kind: str, answer: bytes) -> None:
        script = play([answer, answer])
        assert publish_twice(kind, script.url) == [41, 41]

    @pytest.mark.parametrize("answer", [LAST, UNTIL_CLOSED])
    def test_an_answer_may_be_the_last_of_its_connection(self, play: Play, kind: str, answer: bytes) -> None:
        script = play([answer], [answer])
        assert publish_twice(kind, script.url) == [41, 41]

    def test_a_connection_that_was_closed_is_replaced(self, play: Play, kind: str) -> None:
        script = play([WHOLE], [WHOLE])
        assert publish_twice(kind, script.url) == [41, 41]

    @pytest.mark.parametrize("broken", [b"", HALF, b"nonsense\r\n\r\n"])
    def test_the_same_message_is_sent_again(self, play: Play, kind: str, broken: bytes) -> None:
        script = play([broken], [WHOLE, WHOLE])
        assert publish_twice(kind, script.url) == [41, 41]
        first, again, second = (body["messages"][0] for body in script.bodies)
        assert first == again
        assert (second["data"], second["id"] != first["id"]) == (2, True)
