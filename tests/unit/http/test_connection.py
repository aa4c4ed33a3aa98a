"""One connection: what stays open, what is answered in which order, what becomes of a body."""

from __future__ import annotations

import pytest

from tests.support.serving import until
from tests.support.wire import chunked, request
from tests.unit.http.conftest import OURS, LogCollector, Serve
from thywill.http.reader import Limits

pytestmark = pytest.mark.gen_test

BOTH = pytest.mark.parametrize("target", ["/now", "/plain"])
IN_CHUNKS = "Transfer-Encoding: chunked"


class TestStaying:
    """Whether a connection stays open, and how the browser is told."""

    @BOTH
    async def test_it_stays(self, serve: Serve, target: str) -> None:
        wire = await (await serve()).connect()
        for _ in range(3):
            answer = await wire.ask(target)
            assert (answer.version, answer.status, answer.header("connection")) == ("HTTP/1.1", 200, None)
            assert answer.header("date")

    @BOTH
    async def test_it_closes_when_asked_to(self, serve: Serve, target: str) -> None:
        wire = await (await serve()).connect()
        assert (await wire.ask(target, "Connection: close")).header("connection") == "close"
        assert await wire.rest() == b""

    @BOTH
    @pytest.mark.parametrize("options", ["keep-alive, close", "Close ,x", "a,close,b"])
    async def test_it_closes_when_asked_to_in_a_list(self, serve: Serve, target: str, options: str) -> None:
        wire = await (await serve()).connect()
        assert (await wire.ask(target, f"Connection: {options}")).header("connection") == "close"
        assert await wire.rest() == b""

    @BOTH
    async def test_it_closes_before_http_1_1(self, serve: Serve, target: str) -> None:
        wire = await (await serve()).connect()
        answer = await wire.ask(target, version="1.0", host=None)
        assert answer.json["version"].endswith("1.0")
        assert answer.header("transfer-encoding") is None
        assert await wire.rest() == b""

    @BOTH
    async def test_it_stays_before_http_1_1_when_asked_to(self, serve: Serve, target: str) -> None:
        wire = await (await serve()).connect()
        for _ in range(3):
            answer = await wire.ask(target, "Connection: keep-alive", version="1.0")
            assert str(answer.header("connection")).lower() == "keep-alive"

    async def test_a_handler_closes_it(self, serve: Serve) -> None:
        wire = await (await serve()).connect()
        answer = await wire.ask("/goodbye")
        assert (answer.body, answer.header("connection")) == (b"goodbye", "close")

    @OURS  # Tornado tells of the close, and leaves it to the browser
    async def test_a_handler_closes_it_itself(self, serve: Serve) -> None:
        wire = await (await serve()).connect()
        await wire.ask("/goodbye")
        assert await wire.rest() == b""

    async def test_before_http_1_1_a_stream_ends_with_the_connection(self, serve: Serve) -> None:
        wire = await (await serve()).connect()
        answer = await wire.ask("/stream", version="1.0")
        assert (answer.body, answer.header("transfer-encoding")) == (b"onetwothree", None)

    @OURS  # Tornado promises to stay, and the browser waits for an end that does not come
    async def test_so_it_does_when_the_browser_would_have_stayed(self, serve: Serve) -> None:
        wire = await (await serve()).connect()
        answer = await wire.ask("/stream", "Connection: keep-alive", version="1.0")
        assert (answer.body, answer.header("connection")) == (b"onetwothree", "close")

    @OURS  # Tornado serves what it has read already, to nobody
    async def test_behind_the_last_request_nothing_is_served(self, serve: Serve) -> None:
        served = await serve()
        wire = await served.connect()
        await wire.send(request("/later?1", "Connection: close") + request("/now?2"))
        assert (await wire.answer()).json["target"] == "/later?1"
        assert await wire.rest() == b""
        assert served.place.asked == [b"/later?1"]


class TestOrder:
    """Pipelined requests are answered in their order."""

    async def test_fast_and_slow_ones(self, serve: Serve) -> None:
        served = await serve()
        wire = await served.connect()
        targets = ["/now?1", "/later?2", "/plain?3", "/park?4", "/now?5", "/waiting?6", "/stream?7", "/now?8"]
        await wire.send(b"".join(request(target) for target in targets))
        for target in targets[:3]:
            assert (await wire.answer()).json["target"] == target
        await served.parked(1)
        assert served.place.asked[-1] == b"/park?4"
        served.place.parked[0].reply.send(200, b"parked")
        assert (await wire.answer()).body == b"parked"
        assert (await wire.answer()).json["target"] == "/now?5"
        await until(lambda: served.place.memory.begun)
        assert served.place.asked[-1] == b"/now?5"
        served.place.memory.gate.set()
        assert [(await wire.answer()).body for _ in range(2)] == [b"waited", b"onetwothree"]
        assert (await wire.answer()).json["target"] == "/now?8"

    async def test_more_than_may_wait(self, serve: Serve) -> None:
        served = await serve(Limits(pipeline=4))
        wire = await served.connect()
        await wire.send(request("/park"))
        await served.parked(1)
        for number in range(50):
            await wire.send(request(f"/now?{number}"))
            await served.ask()  # the server has had time to read it
        served.place.parked[0].reply.send(200, b"parked")
        assert (await wire.answer()).body == b"parked"
        for number in range(50):
            assert (await wire.answer()).json["target"] == f"/now?{number}"

    @OURS  # Tornado reads the next request when the one before is answered
    async def test_while_too_many_wait_no_more_are_read(self, serve: Serve) -> None:
        served = await serve(Limits(pipeline=4, body=1000))
        for body, most in ((None, 4), (b"x" * 400, 3)):
            wire = await served.connect()
            await wire.send(request("/park"))
            await served.parked(len(served.place.parked) + 1)
            connection = served.inside(wire)
            for _ in range(20):
                await wire.send(request("/now", method="POST", body=body))
                await served.ask()
            assert len(connection._pending) == most
            served.place.parked[-1].reply.send(200, b"parked")
            assert [(await wire.answer()).status for _ in range(21)] == [200] * 21

    async def test_a_thousand_requests_at_once_do_not_recurse(self, serve: Serve) -> None:
        wire = await (await serve()).connect()
        await wire.send(request() * 500 + request("/plain") * 500)
        for _ in range(1000):
            assert (await wire.answer()).status == 200

    @OURS  # Tornado does not notice that it has gone while bytes of its are unread
    async def test_a_browser_that_goes_leaves_the_rest_unserved(self, serve: Serve) -> None:
        served = await serve()
        wire = await served.connect()
        await wire.send(request("/park") + request("/now"))
        await served.parked(1)
        wire.close()
        await served.empty()
        assert served.place.asked == [b"/park"]


class TestBodies:
    """Bodies of requests, and of answers that have none."""

    @BOTH
    async def test_with_a_length(self, serve: Serve, target: str) -> None:
        wire = await (await serve()).connect()
        for body in (b"", b"a", b"x" * 100_000, bytes(range(256)), request("/plain")):
            assert (await wire.ask(target, method="POST", body=body)).json["body"] == body.decode("latin-1")

    @BOTH
    async def test_in_chunks(self, serve: Serve, target: str) -> None:
        wire = await (await serve()).connect()
        for chunks in ([], [b"a"], [b"one", b"\r\n0\r\n\r\n", b"x" * 70_000], [b"y"] * 1000):
            await wire.send(request(target, IN_CHUNKS, method="POST") + chunked(*chunks))
            assert (await wire.answer()).json["body"].encode() == b"".join(chunks)

    @OURS  # Tornado takes neither
    @BOTH
    async def test_extensions_and_trailers_are_skipped(self, serve: Serve, target: str) -> None:
        wire = await (await serve()).connect()
        body = b'3;a;b=c;d="e"\r\none\r\n0;last\r\nTrailer: x\r\nHost: no\r\n\r\n'
        await wire.send(request(target, IN_CHUNKS, method="POST") + body)
        told = (await wire.answer()).json
        assert (told["body"], dict(told["headers"])["host"]) == ("one", "test")
        assert "trailer" not in dict(told["headers"])

    @BOTH
    async def test_byte_by_byte(self, serve: Serve, target: str) -> None:
        served = await serve()
        wire = await served.connect()
        for byte in request(target, "X: y", IN_CHUNKS, method="POST") + chunked(b"one", b"two"):
            await wire.send(bytes([byte]))
            await served.ask()
        assert (await wire.answer()).json["body"] == "onetwo"

    @BOTH
    async def test_it_waits_for_100_continue(self, serve: Serve, target: str) -> None:
        wire = await (await serve()).connect()
        for chunks in (False, True):
            length = IN_CHUNKS if chunks else "Content-Length: 4"
            await wire.send(request(target, "Expect: 100-continue", length, method="POST"))
            assert (await wire.answer()).status == 100
            await wire.send(chunked(b"body") if chunks else b"body")
            answer = await wire.answer()
            assert (answer.status, answer.json["body"]) == (200, "body")

    async def test_100_continue_comes_behind_the_answers_before(self, serve: Serve) -> None:
        served = await serve()
        wire = await served.connect()
        await wire.send(request("/park") + request("/now", "Expect: 100-continue", "Content-Length: 1"))
        await served.parked(1)
        served.place.parked[0].reply.send(200, b"parked")
        assert (await wire.answer()).body == b"parked"
        assert (await wire.answer()).status == 100
        await wire.send(b"x")
        assert (await wire.answer()).json["body"] == "x"

    @OURS  # Tornado asks even HTTP/1.0 for it
    async def test_no_100_continue_before_http_1_1_or_for_nothing(self, serve: Serve) -> None:
        wire = await (await serve()).connect()
        await wire.send(
            request("/now", "Expect: 100-continue", "Connection: keep-alive", body=b"", version="1.0")
        )
        assert (await wire.answer()).status == 200
        await wire.send(request("/now", "Expect: 100-continue", body=b"here"))
        assert (await wire.answer()).json["body"] == "here"

    @BOTH
    async def test_head_has_the_headers_of_get_and_no_body(self, serve: Serve, target: str) -> None:
        wire = await (await serve()).connect()
        # The method's name is a part of the answer, and one letter longer.
        length = int(str((await wire.ask(target)).header("content-length")))
        answer = await wire.ask(target, method="HEAD")
        assert (answer.status, answer.header("content-length")) == (200, str(length + 1))
        assert (await wire.ask(target)).json["method"] == "GET"

    async def test_head_of_a_stream(self, serve: Serve) -> None:
        wire = await (await serve()).connect()
        assert (await wire.ask("/stream", method="HEAD")).status == 405
        assert (await wire.ask()).status == 200


class TestAddresses:
    """Forms of the request's target."""

    @OURS  # Tornado takes all of it for a path
    @BOTH
    async def test_an_absolute_one_names_the_host(self, serve: Serve, target: str) -> None:
        told = (await (await serve()).ask(f"http://other:81{target}?a=b")).json
        assert told["target"] == f"{target}?a=b"
        assert dict(told["headers"])["host"] == "other:81"

    async def test_the_whole_server(self, serve: Serve) -> None:
        wire = await (await serve()).connect()
        assert (await wire.ask("*", method="OPTIONS")).status == 404
        assert (await wire.ask()).status == 200

    @BOTH
    @pytest.mark.parametrize("protocol", ["websocket", "h2c"])
    async def test_an_offer_to_upgrade_is_ignored(self, serve: Serve, target: str, protocol: str) -> None:
        wire = await (await serve()).connect()
        offer = ("Connection: Upgrade", f"Upgrade: {protocol}", "Sec-WebSocket-Key: x")
        first = request(target, *offer, method="POST", body=request("/now?smuggled"))
        await wire.send(first + request(target + "?2", *offer) + request(target + "?3"))
        answer = await wire.answer()
        assert (answer.status, answer.header("upgrade")) == (200, None)
        assert answer.json["body"].encode() == request("/now?smuggled")
        assert (await wire.answer()).json["target"] == target + "?2"
        assert (await wire.answer()).json["target"] == target + "?3"


class TestEndings:
    """Browsers that go, well or badly."""

    @BOTH
    @pytest.mark.parametrize("part", [b"", b"G", b"GET / HTTP/1.1\r\nHost", b"\r\n"])
    async def test_a_request_cut_in_the_middle(self, serve: Serve, target: str, part: bytes) -> None:
        served = await serve()
        for end in ("close", "reset", "finish_sending"):
            wire = await served.connect()
            await wire.send(request(target))
            await wire.answer()
            await wire.send(part)
            getattr(wire, end)()
        await served.empty()

    @BOTH
    async def test_a_body_cut_in_the_middle(self, serve: Serve, target: str) -> None:
        served = await serve()
        for head in (request(target, "Content-Length: 9"), request(target, IN_CHUNKS) + b"9\r\n"):
            for end in ("close", "reset", "finish_sending"):
                wire = await served.connect()
                await wire.send(head + b"half")
                getattr(wire, end)()
        await served.empty()
        assert served.place.asked == []

    @pytest.mark.parametrize("end", ["close", "reset", "finish_sending"])
    async def test_the_end_of_a_parked_browser_is_reported_once(self, serve: Serve, end: str) -> None:
        served = await serve()
        wire = await served.connect()
        await wire.send(request("/park"))
        await served.parked(1)
        getattr(wire, end)()
        (parked,) = served.place.parked
        await until(lambda: parked.closings)
        await served.empty()
        parked.reply.send(200, b"too late")
        assert parked.closings == 1
        assert parked.reply.owner is None

    async def test_the_end_of_an_answered_browser_is_not_reported(self, serve: Serve) -> None:
        served = await serve()
        wire = await served.connect()
        await wire.send(request("/park"))
        await served.parked(1)
        served.place.parked[0].reply.send(200, b"parked")
        await wire.answer()
        wire.reset()
        await served.empty()
        assert served.place.parked[0].closings == 0

    async def test_an_answer_comes_once(self, serve: Serve) -> None:
        served = await serve()
        wire = await served.connect()
        await wire.send(request("/park"))
        await served.parked(1)
        for body in (b"first", b"second"):
            served.place.parked[0].reply.send(200, body)
        assert (await wire.answer()).body == b"first"
        assert (await wire.ask()).json["target"] == "/now"

    async def test_a_browser_that_stops_sending_reads_what_was_sent_before(self, serve: Serve) -> None:
        wire = await (await serve()).connect()
        await wire.send(request())
        assert (await wire.answer()).status == 200
        wire.finish_sending()
        assert await wire.rest() == b""


class TestErrors:
    """What endpoints raise."""

    async def test_an_error_of_the_wire(self, serve: Serve, logged: LogCollector) -> None:
        wire = await (await serve()).connect()
        assert (await wire.ask("/gone")).status == 410
        answer = await wire.ask("/too-many")
        assert (answer.status, answer.code, answer.header("retry-after")) == (429, "too_many", "7")
        assert (await wire.ask()).status == 200
        logged.expect("refused: 410 gone")

    async def test_an_error_of_our_own(self, serve: Serve, logged: LogCollector) -> None:
        wire = await (await serve()).connect()
        answer = await wire.ask("/fails")
        assert (answer.status, answer.code) == (500, "internal")
        assert (await wire.ask()).status == 200
        logged.expect("an endpoint that fails")

    async def test_head_of_an_error_has_no_body(self, serve: Serve) -> None:
        wire = await (await serve()).connect()
        assert (await wire.ask("/gone", method="HEAD")).status == 410
        assert (await wire.ask()).status == 200
