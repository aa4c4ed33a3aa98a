"""A session's requests meet several servers: what is forwarded, and what happens when that breaks."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from tornado.ioloop import IOLoop

from tests.served.sockjs.conftest import INTERRUPTED, OPEN
from tests.support.relays import FakeRelay, SharedNames
from tests.support.serving import stopping_at_once, until
from tests.support.sockjs import Service, Stream
from tests.support.wire import Ended
from tests.tools.conformance.server import Echo, Services
from thywill.push.sockjs import forwards as forwards_module
from thywill.push.sockjs.forwards import CLOSED, WINDOW, WRITE, Piece
from thywill.push.sockjs.router import Router
from thywill.push.sockjs.session import Session
from thywill.push.sockjs.states import SessionState
from thywill.wire.origins import Origins

pytestmark = pytest.mark.gen_test

NAME = "/000/x7"


class Two:
    """Two servers with an echo; ``here`` asks the one that gets the session, ``there`` the other one."""

    def __init__(self, http: str) -> None:
        self.shared = SharedNames()
        relays = [FakeRelay(self.shared, name) for name in ("one", "two")]
        settings = {"response_limit": 10**9}
        self.routers = [Router(Echo, "/echo", settings, Origins(["*"]), relay=relay) for relay in relays]
        self.services = [Services(http, 0, [router]) for router in self.routers]
        self.here, self.there = (Service(each.port, "/echo") for each in self.services)

    async def start(self) -> None:
        for each in self.services:
            await each.start()

    async def stop(self) -> None:
        for each in (self.here, self.there):
            each.close()
        for services in self.services:
            await services.stop()

    @property
    def session(self) -> Session:
        session = self.routers[0].sessions.find("x7")
        assert session is not None
        return session

    async def open(self) -> None:
        """Begin a session at the first server, which nobody asks at present."""
        assert await self.here.poll(NAME) == OPEN

    async def waits(self) -> None:
        await until(lambda: self.session.state is SessionState.WAITING)


@pytest.fixture
def two(io_loop: IOLoop, http: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Two]:
    monkeypatch.setattr(forwards_module, "CHECK_EVERY", 0.05)
    two = io_loop.run_sync(lambda: made(http))
    io_loop.run_sync(two.start)
    yield two
    with stopping_at_once():
        io_loop.run_sync(two.stop)


async def made(http: str) -> Two:
    return Two(http)


async def rest(stream: Stream) -> None:
    """Read a stream to its end."""
    while await stream.chunk():
        pass


async def test_messages_reach_the_server_of_their_session(two: Two) -> None:
    await two.open()
    for text in ("a", "b"):
        await two.there.send(NAME, f'["{text}"]')
        assert await two.there.poll(NAME) == f'a["{text}"]'.encode()
    assert list(two.shared.names.values()) == ["one"]
    assert two.routers[1].sessions.find("x7") is None


async def test_a_head_that_the_server_knows_can_be_forwarded(two: Two) -> None:
    await two.open()
    origin = "Origin: http://elsewhere.example"
    for text in ("a", "b", "c"):
        assert (await two.there.post(f"{NAME}/xhr_send", f'["{text}"]', origin)).status == 204
        answer = await two.there.post(f"{NAME}/xhr", b"", origin)
        assert answer.body == f'a["{text}"]\n'.encode()


async def test_a_session_that_nobody_has_is_not_begun_by_a_message(two: Two) -> None:
    assert (await two.there.post(f"{NAME}/xhr_send", "[]")).status == 404
    assert two.shared.names == {}


async def test_a_message_for_a_session_that_has_just_been_forgotten_is_refused(two: Two) -> None:
    two.shared.names["x7"] = "one"
    assert (await two.there.post(f"{NAME}/xhr_send", "[]")).status == 404
    assert (await two.there.post(f"{NAME}/xhr")).status == 404


async def test_a_broken_body_is_refused_as_by_one_server(two: Two) -> None:
    await two.open()
    answer = await two.there.post(f"{NAME}/xhr_send", "[")
    assert (answer.status, answer.body) == (500, b"Broken JSON encoding.")


async def test_the_session_ends_when_the_browser_breaks_off_elsewhere(two: Two) -> None:
    await two.open()
    stream, _ = await two.there.stream(f"{NAME}/xhr_streaming")
    await two.waits()
    stream.close()
    await until(lambda: not two.session.is_open)
    assert await two.there.poll(NAME) == INTERRUPTED


async def test_a_stream_is_cut_when_the_server_of_its_session_has_died(two: Two) -> None:
    await two.open()
    stream, _ = await two.there.stream(f"{NAME}/xhr_streaming")
    await two.waits()
    two.shared.dead.add("one")
    with pytest.raises(Ended):
        await rest(stream)
    assert await two.there.poll(NAME) == OPEN  # another session


@pytest.mark.parametrize("path", ["xhr", "xhr_send"])
async def test_a_request_for_a_server_that_has_just_died_is_refused_at_once(two: Two, path: str) -> None:
    await two.open()
    two.shared.deaf.add("one")  # it is still among the servers
    answer = await two.there.post(f"{NAME}/{path}", "[]")
    assert (answer.status, answer.header("retry-after")) == (503, "2")


async def test_a_session_ends_when_the_server_of_its_browser_has_died(two: Two) -> None:
    await two.open()
    await two.there.stream(f"{NAME}/xhr_streaming")
    await two.waits()
    two.shared.dead.add("two")
    await until(lambda: not two.session.is_open)


async def test_a_stream_is_cut_where_a_piece_is_missing(two: Two) -> None:
    await two.open()
    stream, _ = await two.there.stream(f"{NAME}/xhr_streaming")
    await two.waits()
    lost: list[bytes] = []

    def loses(note: bytes) -> bool:
        if not lost and msgspec.msgpack.decode(note, type=Piece).kind == WRITE:
            lost.append(note)
            return True
        return False

    two.shared.loses = loses
    for text in ("lost", "later"):
        await two.here.send(NAME, f'["{text}"]')
    with pytest.raises(Ended):
        await rest(stream)
    await until(lambda: not two.session.is_open)


async def test_a_browser_that_is_forgotten_elsewhere_ends_its_session(two: Two) -> None:
    await two.open()
    stream, _ = await two.there.stream(f"{NAME}/xhr_streaming")
    await two.waits()
    two.shared.loses = lambda note: msgspec.msgpack.decode(note, type=Piece).kind == CLOSED
    stream.close()
    await two.here.send(NAME, '["nobody reads this"]')
    two.shared.loses = lambda note: False
    await two.here.send(NAME, '["nor this"]')
    await until(lambda: not two.session.is_open)


async def test_a_browser_that_reads_slowly_blocks_its_session(two: Two) -> None:
    await two.open()
    stream = await two.there.park(f"{NAME}/xhr_streaming", slow=True)
    await two.waits()
    text = "x" * 50_000
    sent = 0
    while two.session.state is SessionState.WAITING:
        await two.here.send(NAME, f'["{text}"]')
        sent += 1
        assert sent < 500
    assert two.session.state is SessionState.BLOCKED
    await two.here.send(NAME, '["last"]')
    await stream.head()
    got = b""
    while b'"last"' not in got:
        got += await stream.chunk()
    assert got.count(text.encode()) == sent
    assert sent * len(text) > WINDOW
    await until(lambda: two.session.state is SessionState.WAITING)


async def test_a_server_that_stops_ends_what_it_passes_on_and_the_session_goes_on(two: Two) -> None:
    await two.open()
    for path in ("xhr_streaming", "xhr"):
        stream = await two.there.park(f"{NAME}/{path}")
        await two.waits()
        two.routers[1].drain()
        answer = await stream.answer()
        assert answer.body.endswith(b"h\n" if path == "xhr" else b"")
        assert two.session.state is SessionState.AWAY
    await two.here.send(NAME, '["a"]')
    assert await two.here.poll(NAME) == b'a["a"]'


async def test_requests_are_refused_while_nobody_knows_where_their_session_is(two: Two) -> None:
    await two.open()
    two.shared.away = True
    for path in ("xhr", "xhr_send"):
        answer = await two.there.post(f"{NAME}/{path}", "[]")
        assert (answer.status, answer.header("retry-after")) == (503, "2")


async def test_a_browser_that_has_gone_before_its_server_was_found_leaves_nothing(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[object] = []
    claim = FakeRelay.claim
    monkeypatch.setattr(FakeRelay, "claim", lambda self, name, then: found.append((self, name, then)))
    stream = await two.there.park(f"{NAME}/xhr")
    await until(lambda: bool(found))
    stream.close()
    relay, name, then = found[0]  # type: ignore[misc]
    await until(lambda: then.args[2].is_closed)
    claim(relay, name, then)
    await until(lambda: two.shared.names == {})
    assert two.routers[1].sessions.find("x7") is None
