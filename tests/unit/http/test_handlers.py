"""Tornado's handlers, unchanged: what they send arrives, and what goes wrong in them hurts nobody else."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from tests.support.serving import until
from tests.support.wire import Ended, chunked, request
from tests.unit.http.conftest import OURS, LogCollector, Serve
from tests.unit.http.handlers import CHUNK

pytestmark = pytest.mark.gen_test

IN_CHUNKS = "Transfer-Encoding: chunked"


class TestAnswers:
    """Every way to answer."""

    async def test_what_the_handler_sees(self, serve: Serve) -> None:
        served = await serve()
        headers = ("X-One: 1", "x-two: 2", "X-One: 3", "X-Blank:", "X-Latin: \xe9 \t")
        told = (await served.ask("/plain?a=b&c", *headers, method="PUT", body=b"\x00\xff")).json
        assert (told["method"], told["target"], told["version"]) == ("PUT", "/plain?a=b&c", "HTTP/1.1")
        assert (told["body"], told["address"], told["scheme"]) == ("\x00\xff", "127.0.0.1", "http")
        assert told["headers"] == [
            ["content-length", "2"], ["host", "test"], ["x-blank", ""], ["x-latin", "\xe9"],
            ["x-one", "1"], ["x-one", "3"], ["x-two", "2"],
        ]  # fmt: skip

    async def test_later(self, serve: Serve) -> None:
        served = await serve()
        wire = await served.connect()
        await wire.send(request("/waiting"))
        await until(lambda: served.place.memory.begun)
        served.place.memory.gate.set()
        assert (await wire.answer()).body == b"waited"
        assert (await wire.ask()).status == 200

    async def test_in_pieces(self, serve: Serve) -> None:
        wire = await (await serve()).connect()
        for _ in range(2):
            answer = await wire.ask("/stream")
            assert (answer.chunks, answer.header("content-length")) == ([b"one", b"two", b"three"], None)

    async def test_a_piece_comes_when_it_is_flushed(self, serve: Serve) -> None:
        served = await serve()
        wire = await served.connect()
        await wire.send(request("/gated-stream", version="1.0"))
        head = await wire.exactly(len(b"HTTP/1.1 200 OK\r\n"))
        assert head == b"HTTP/1.1 200 OK\r\n"
        seen = b""
        while not seen.endswith(b"before"):
            seen += await wire.exactly(1)
        served.place.memory.gate.set()
        assert await wire.rest() == b"after"

    async def test_nothing(self, serve: Serve) -> None:
        wire = await (await serve()).connect()
        answer = await wire.ask("/empty")
        assert (answer.status, answer.header("content-length"), answer.header("transfer-encoding")) == (
            204,
            None,
            None,
        )
        assert (await wire.ask()).status == 200

    async def test_not_modified(self, serve: Serve) -> None:
        wire = await (await serve()).connect()
        tag = (await wire.ask("/page?size=10")).header("etag")
        answer = await wire.ask("/page?size=10", f"If-None-Match: {tag}")
        assert (answer.status, answer.header("etag")) == (304, tag)
        assert (await wire.ask("/page?size=10", 'If-None-Match: "x"')).body == b"p" * 10

    async def test_elsewhere(self, serve: Serve) -> None:
        wire = await (await serve()).connect()
        answer = await wire.ask("/moved")
        assert (answer.status, answer.header("location")) == (302, "/plain?from=moved")
        assert (await wire.ask("/plain?from=moved")).status == 200

    async def test_not_found(self, serve: Serve) -> None:
        wire = await (await serve()).connect()
        assert (await wire.ask("/nowhere")).status == 404
        assert (await wire.ask("/%zz%00")).status == 404
        assert (await wire.ask("/stream", method="DELETE")).status == 405
        assert (await wire.ask()).status == 200

    @pytest.mark.parametrize("size", [0, 1, 65_536, 5_000_000])
    async def test_a_page_of_any_size_in_one_piece(self, serve: Serve, size: int) -> None:
        served = await serve()
        wire = await served.connect()
        for _ in range(2):
            assert (await wire.ask(f"/page?size={size}")).body == b"p" * size
        assert served.place.memory.finished == 2

    async def test_a_download(self, serve: Serve) -> None:
        wire = await (await serve()).connect()
        assert len((await wire.ask("/download?size=3000000")).body) >= 3_000_000
        assert (await wire.ask()).status == 200

    @OURS  # Tornado goes on until the kernel takes no more
    async def test_a_download_lets_others_run(self, serve: Serve) -> None:
        served = await serve()
        wire = await served.connect()
        await wire.send(request("/download?size=1000000"))
        memory, seen = served.place.memory, [0]
        while memory.written < 1_000_000:
            await asyncio.sleep(0)
            seen.append(memory.written)
        assert max(after - before for before, after in pairwise(seen)) <= 2 * CHUNK


class TestUploads:
    """Handlers that take the body in pieces."""

    async def test_it_arrives(self, serve: Serve) -> None:
        served = await serve()
        wire = await served.connect()
        for body in (b"one", b"", b"x" * 300_000):
            served.place.memory.pieces.clear()
            assert (await wire.ask("/upload", method="POST", body=body)).body == body
        served.place.memory.pieces.clear()
        await wire.send(request("/upload", IN_CHUNKS, method="POST") + chunked(b"a", b"b"))
        assert (await wire.answer()).body == b"ab"

    async def test_the_handler_waits_before_it_takes_any(self, serve: Serve) -> None:
        served = await serve()
        wire = await served.connect()
        await wire.send(request("/upload?wait=1", method="POST", body=b"body"))
        await until(lambda: served.place.memory.begun)
        assert served.place.memory.pieces == []
        served.place.memory.gate.set()
        assert (await wire.answer()).body == b"body"

    async def test_the_handler_refuses_it(self, serve: Serve) -> None:
        served = await serve()
        assert (await served.ask("/upload?refuse=1", method="POST", body=b"body")).status == 403
        assert served.place.memory.pieces == []

    @pytest.mark.parametrize("end", ["close", "reset"])
    async def test_the_browser_goes_while_the_handler_waits(self, serve: Serve, end: str) -> None:
        served = await serve()
        wire = await served.connect()
        await wire.send(request("/upload?wait=1", method="POST", body=b"body"))
        await until(lambda: served.place.memory.begun)
        getattr(wire, end)()
        if not served.tornado:  # which notices when the handler is ready for the body
            await until(lambda: served.place.memory.closed)
        served.place.memory.gate.set()
        await served.empty()

    async def test_the_handler_fails_while_it_takes_it(self, serve: Serve, logged: LogCollector) -> None:
        served = await serve()
        wire = await served.connect()
        await wire.send(request("/upload?break=1", method="POST", body=b"body"))
        if served.tornado:  # which closes
            assert await wire.rest() == b""
        else:
            assert (await wire.answer()).status == 500
        wire.close()
        await served.empty()
        logged.expect("broken while it took the body")


class TestFailures:
    """What goes wrong in a handler."""

    async def test_it_raises(self, serve: Serve, logged: LogCollector) -> None:
        wire = await (await serve()).connect()
        assert (await wire.ask("/broken")).status == 500
        assert (await wire.ask()).status == 200
        logged.expect("RuntimeError: broken")

    async def test_it_raises_before_tornado_catches_anything(
        self, serve: Serve, logged: LogCollector
    ) -> None:
        served = await serve()
        wire = await served.connect()
        await wire.send(request("/broken-at-once"))
        if served.tornado:  # which closes
            assert await wire.rest() == b""
        else:
            answer = await wire.answer()
            assert (answer.status, answer.code) == (500, "internal")
            assert await wire.rest() == b""
        assert (await served.ask()).status == 200
        logged.expect("broken at once")

    async def test_it_raises_behind_others_that_are_answered(
        self, serve: Serve, logged: LogCollector
    ) -> None:
        wire = await (await serve()).connect()
        await wire.send(request("/later") + request("/broken-at-once") + request("/now?3"))
        assert (await wire.answer()).json["target"] == "/later"
        assert b"/now?3" not in await wire.rest()
        logged.expect("broken at once")

    @pytest.mark.parametrize(
        "target", ["/broken-later", "/too-short", "/too-long?promise=3", "/too-long?promise=0"]
    )
    async def test_an_answer_that_cannot_be_whole_is_the_end(
        self, serve: Serve, logged: LogCollector, target: str
    ) -> None:
        served = await serve()
        wire = await served.connect()
        await wire.send(request(target) + request("/now?2"))
        with pytest.raises(Ended) as ended:
            await wire.answer()
        assert b"/now?2" not in ended.value.args[0]
        await served.empty()
        assert (await served.ask()).status == 200
        logged.expect(target.partition("?")[0])
        for text in ("Cannot send error response after headers written", "Failed to flush partial response"):
            logged.forget(text)

    async def test_the_browser_goes_while_a_handler_waits(self, serve: Serve) -> None:
        served = await serve()
        for end in ("close", "reset", "finish_sending"):
            served.place.memory.closed = served.place.memory.begun = 0
            wire = await served.connect()
            await wire.send(request("/waiting"))
            await until(lambda: served.place.memory.begun)
            getattr(wire, end)()
            await until(lambda: served.place.memory.closed)
        served.place.memory.gate.set()
        await served.empty()
        assert served.place.memory.closed == 1

    @OURS  # it looks into our own objects
    async def test_pages_do_not_hang_on_to_their_handlers(self, serve: Serve) -> None:
        served = await serve()
        wire = await served.connect()
        await wire.ask("/plain")
        (connection,) = served.server._connections
        assert (connection._exchange, connection._reader, connection._pending) == (None, None, None)
