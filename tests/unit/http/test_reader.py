"""The reader: bytes in, requests out, in whatever pieces the bytes come."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.steady import STEADY
from tests.support.wire import chunked, request
from thywill.http.message import Refusal
from thywill.http.reader import DIGITS, PIECE, Arrived, Limits, RequestReader
from thywill.http.request import Request
from thywill.process.compiled import form
from thywill.wire.refusals import code_of

SMALL = Limits(header=300, headers=5, body=100, pipeline=4)
IN_CHUNKS = "Transfer-Encoding: chunked"

ONE = {
    "plain": request("/a?b=c"),
    "old": request(version="1.0", host=None),
    "old that stays": request("/", "Connection: keep-alive", version="1.0"),
    "leaving": request("/", "Connection: close"),
    "with a body": request("/", method="POST", body=b"a body\r\n\r\nGET / HTTP/1.1"),
    "with an empty body": request("/", method="POST", body=b""),
    "in chunks": request("/", IN_CHUNKS, method="POST") + chunked(b"one", b"\r\n", b"0", b"x" * 20),
    "with extensions and trailers": request("/", IN_CHUNKS, method="POST")
    + b'3;a;b=c;d="e"\r\none\r\n0;last\r\nTrailer: x\r\nHost: no\r\n\r\n',
    "blanks around values": b"GET / HTTP/1.1\r\nHost: \t test \t\r\nX:\r\nY: \tv w\t \r\n\r\n",
    "an offer to upgrade": request("/", "Connection: Upgrade", "Upgrade: websocket"),
    "an upgrade with a body": request("/", "Connection: Upgrade", "Upgrade: h2c", method="POST", body=b"ab"),
    "behind empty lines": b"\r\n\r\n" + request(),
    "absolute": request("http://other:81/x?y"),
    "without a path": request("http://other?y"),
    "of the whole server": request("*", method="OPTIONS"),
    "a dead body on a GET": request("/", body=b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
}

REFUSED = {
    "rubbish": (b"rubbish\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "an unknown method": (request(method="FETCH"), 400),
    "a method in lower case": (request(method="get"), 400),
    "no path": (b"GET HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /\r\n\r\n", 505),
    "HTTP/2": (request(version="2.0"), 505),
    "HTTP/2 from the start": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/1.2": (request(version="1.2"), 400),
    "CONNECT": (request("there:443", method="CONNECT"), 405),
    "CONNECT to a path": (request("/", method="CONNECT"), 405),
    "CONNECT to an absolute address": (request("http://there/", method="CONNECT"), 405),
    "CONNECT with an offer to upgrade": (
        request("/", "Connection: Upgrade", "Upgrade: h2c", method="CONNECT"),
        405,
    ),
    "no host": (request(host=None), 400),
    "two hosts": (request("/", "hOST: other"), 400),
    "a folded header": (request("/", "X: a\r\n b"), 400),
    "bare line feeds": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "a bare line feed": (b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
    "a bare carriage return": (b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400),
    "NUL in a value": (request("/", "X: a\0b"), 400),
    "NUL in the address": (request("/\0"), 400),
    "a blank before the colon": (request("/", "X : a"), 400),
    "a header without a colon": (request("/", "X"), 400),
    "a header without a name": (request("/", ": x"), 400),
    "two lengths": (request("/", "Content-Length: 1", method="POST", body=b"a"), 400),
    "a list of lengths": (request("/", "Content-Length: 1, 1"), 400),
    "a signed length": (request("/", "Content-Length: +1"), 400),
    "a negative length": (request("/", "Content-Length: -1"), 400),
    "an empty length": (request("/", "Content-Length:"), 400),
    "a length with many zeros": (request("/", f"Content-Length: {'0' * DIGITS}1"), 413),
    "a length beyond 64 bits": (request("/", f"Content-Length: {2**64}"), 400),
    "length and chunks": (request("/", "Content-Length: 5", IN_CHUNKS) + chunked(), 400),
    "chunks and length": (request("/", IN_CHUNKS, "Content-Length: 5") + chunked(), 400),
    "chunks twice": (request("/", IN_CHUNKS, IN_CHUNKS) + chunked(), 400),
    "chunks before HTTP/1.1": (request("/", IN_CHUNKS, version="1.0") + chunked(), 400),
    "another encoding": (request("/", "Transfer-Encoding: gzip"), 501),
    "another encoding in chunks": (request("/", "Transfer-Encoding: gzip, chunked") + chunked(), 501),
    "nearly chunks": (request("/", "Transfer-Encoding: xchunked") + chunked(), 501),
    "a chunk's size that is no number": (request("/", IN_CHUNKS) + b"x\r\n", 400),
    "a chunk's size in C": (request("/", IN_CHUNKS) + b"0x1\r\na\r\n", 400),
    "a chunk's size beyond 64 bits": (request("/", IN_CHUNKS) + b"1" + b"0" * 16 + b"\r\n", 400),
    "a blank behind a chunk's size": (request("/", IN_CHUNKS) + b"1 \r\na\r\n", 400),
    "a chunk's size and a bare line feed": (request("/", IN_CHUNKS) + b"1\na\r\n", 400),
    "a chunk longer than its size": (request("/", IN_CHUNKS) + b"1\r\nab\r\n", 400),
}


def describe(item: Request | Refusal) -> Any:
    if isinstance(item, Refusal):
        return item.status
    values = {name: getattr(item, name) for name in dir(item) if not name.startswith("_")}
    return {name: value for name, value in values.items() if not callable(value)}


def feed(pieces: list[bytes], limits: Limits | None = None) -> list[Any]:
    reader = RequestReader(limits or Limits())
    arrived: Arrived = [item for piece in pieces for item in reader.feed(piece)]
    while reader.unread:
        arrived += reader.feed(b"")
    return [describe(item) for item in arrived]


def one(data: bytes, limits: Limits | None = None) -> Request:
    (item,) = RequestReader(limits or Limits()).feed(data)
    assert isinstance(item, Request)
    return item


def one_refusal(data: bytes, limits: Limits = SMALL) -> Refusal:
    (item,) = RequestReader(limits).feed(data)
    assert isinstance(item, Refusal)
    return item


def cut(data: bytes, places: list[int]) -> list[bytes]:
    return [data[start:end] for start, end in pairwise([0, *sorted(places), len(data)])]


@st.composite
def cuts(draw: st.DrawFn, data: bytes) -> list[bytes]:
    return cut(data, draw(st.lists(st.integers(0, len(data)), max_size=8)))


@pytest.mark.parametrize("name", ONE)
def test_a_request_is_the_same_whole_and_byte_by_byte(name: str) -> None:
    whole = feed([ONE[name]])
    assert len(whole) == 1
    assert isinstance(whole[0], dict)
    assert feed([bytes([byte]) for byte in ONE[name]]) == whole


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_the_same_whole_and_byte_by_byte(name: str) -> None:
    data, status = REFUSED[name]
    assert feed([data])[-1] == status
    assert feed([bytes([byte]) for byte in data])[-1] == status


@given(st.data(), st.lists(st.sampled_from([data for name, data in ONE.items() if name != "leaving"])))
@STEADY
def test_pipelined_requests_are_the_same_in_any_pieces(data: st.DataObject, requests: list[bytes]) -> None:
    # Those that close are the last of their connection.
    staying = [piece for piece in requests if piece != ONE["old"]]
    apart = [item for piece in staying for item in feed([piece])]
    assert feed(data.draw(cuts(b"".join(staying))), Limits(pipeline=100)) == apart


@given(st.data(), st.sampled_from(sorted(REFUSED)))
@STEADY
def test_a_refusal_comes_after_the_requests_before_it(data: st.DataObject, name: str) -> None:
    before = ONE["plain"] + ONE["in chunks"]
    offence, status = REFUSED[name]
    arrived = feed(data.draw(cuts(before + offence)))
    assert arrived[:2] == feed([before])
    assert arrived[-1] == status


@given(st.lists(st.binary(max_size=200)))
@STEADY
def test_any_bytes_are_read_or_refused(pieces: list[bytes]) -> None:
    arrived = feed(pieces, SMALL)
    assert all(isinstance(item, dict) for item in arrived[:-1])


class TookTooLong(Exception):
    """A call used more processor time than it may."""


@contextlib.contextmanager
def watchdog(seconds: float) -> Iterator[None]:
    """Raise ``TookTooLong`` once the process has used ``seconds`` of processor time.

    It counts the time of the process and not of the clock, so that a busy machine does not set it off.
    """

    def bark(*_: object) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGVTALRM, bark)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def feed_watched(pieces: list[bytes]) -> None:
    reader = RequestReader(Limits())
    for piece in pieces:
        with watchdog(1.0):
            reader.feed(piece)


TARGETS = ("/", "*", "a:1", "http://a/", "?", "")
METHODS = ("GET", "POST", "CONNECT", "OPTIONS", "PRI", "SOURCE", "M-SEARCH")
HEADER_LINES = (
    "Connection: Upgrade", "Connection: close", "Upgrade: h2c", "upgrade: websocket", "Upgrade:", IN_CHUNKS,
    "Content-Length: 3", "Expect: 100-continue", "Proxy-Connection: upgrade",
)  # fmt: skip


@st.composite
def odd_requests(draw: st.DrawFn) -> bytes:
    """Requests that mix methods, targets and headers which decide how the parser goes on."""
    heads = st.builds(
        lambda target, method, lines, version: request(target, *lines, method=method, version=version),
        st.sampled_from(TARGETS),
        st.sampled_from(METHODS),
        st.lists(st.sampled_from(HEADER_LINES), max_size=4),
        st.sampled_from(["1.1", "1.0", "2.0"]),
    )
    return b"".join(draw(st.lists(heads | st.just(b"abc") | st.just(chunked(b"abc")), max_size=6)))


@given(st.data(), odd_requests() | st.sampled_from([data for data, _ in REFUSED.values()]))
@settings(STEADY, max_examples=500)
def test_every_feed_comes_to_an_end(data: st.DataObject, sent: bytes) -> None:
    feed_watched(data.draw(cuts(sent)))


@pytest.mark.parametrize("name", [*ONE, *REFUSED])
def test_every_feed_comes_to_an_end_wherever_it_is_cut(name: str) -> None:
    sent = ONE[name] if name in ONE else REFUSED[name][0]
    for place in range(len(sent)):
        feed_watched([sent[:place], sent[place:]])


@pytest.mark.skipif(form() == "compiled", reason="compiled methods call each other, whatever the class holds")
def test_a_head_that_upgrades_without_an_offer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RequestReader, "_check_target", lambda *_: None)  # which refuses CONNECT
    with watchdog(1.0):
        assert feed([ONE["plain"] + request("/", method="CONNECT")])[1:] == [400]


def test_what_a_request_holds() -> None:
    found = one(request("/a/b?c=d&c=e&f", "X-One: 1", "x-one: 2", method="PUT", body=b"body"))
    assert (found.method, found.target, found.version) == (b"PUT", b"/a/b?c=d&c=e&f", "1.1")
    assert (found.path, found.query()) == (b"/a/b", {"c": "e", "f": ""})
    assert (found.host, found.body, found.keep_alive) == (b"test", b"body", True)
    assert (found.header(b"x-one"), found.header(b"x-two")) == (b"1", None)


def test_blanks_around_a_value_do_not_count() -> None:
    found = one(ONE["blanks around values"])
    assert [found.host, found.header(b"x"), found.header(b"y")] == [b"test", b"", b"v w"]


@pytest.mark.parametrize(
    ("name", "stays"),
    [("plain", True), ("leaving", False), ("old", False), ("old that stays", True)],
)
def test_whether_the_connection_stays(name: str, stays: bool) -> None:
    assert one(ONE[name]).keep_alive is stays


def test_nothing_is_read_behind_the_last_request_of_a_connection() -> None:
    assert [type(item) for item in feed([ONE["leaving"] + ONE["plain"]])] == [dict, int]


def test_chunks_become_one_body_without_extensions_and_trailers() -> None:
    assert one(ONE["in chunks"]).body == b"one\r\n0" + b"x" * 20
    found = one(ONE["with extensions and trailers"])
    assert (found.body, found.header(b"trailer"), found.host) == (b"one", None, b"test")


def test_an_upgrade_is_a_plain_request_with_its_body() -> None:
    first = request(
        "/1", "Connection: Upgrade", "Upgrade: h2c", method="POST", body=b"GET /no HTTP/1.1\r\n\r\n"
    )
    arrived = feed([first + request("/2") + first + first])
    assert [item["target"] for item in arrived] == [b"/1", b"/2", b"/1", b"/1"]
    assert arrived[0]["body"] == b"GET /no HTTP/1.1\r\n\r\n"
    assert all(name.lower() != b"upgrade" for name, _ in arrived[0]["headers"])


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        ("http://other:81/x?y", b"/x?y", b"other:81"),
        ("HTTPS://[::1]/", b"/", b"[::1]"),
        ("http://other", b"/", b"other"),
        ("http://other?y=/", b"/?y=/", b"other"),
    ],
)
def test_an_absolute_address_names_the_host(target: str, path: bytes, host: bytes) -> None:
    found = one(request(target, "X: y"))
    assert (found.target, found.host) == (path, host)
    assert found.headers == [(b"Host", host), (b"X", b"y")]


class TestLimits:
    """What is over a limit is refused, and as soon as that can be known."""

    def test_at_the_limits_all_is_well(self) -> None:
        head = request("/", "A: 1", "B: 2", "C: 3", body=b"x" * SMALL.body)
        assert one(head, SMALL).body == b"x" * SMALL.body
        assert len(feed([ONE["plain"] * SMALL.pipeline], SMALL)) == SMALL.pipeline
        exact = Limits(header=len("/") + len("Host") + len("test") + 4)
        assert one(request("/"), exact)
        assert one_refusal(request("/a"), exact).status == 431

    def test_too_many_headers(self) -> None:
        refusal = one_refusal(request("/", *["A: 1"] * SMALL.headers))
        assert (refusal.status, code_of(refusal)) == (431, "too_large")

    def test_a_header_without_an_end(self) -> None:
        reader = RequestReader(SMALL)
        assert fed_until_refused(reader, b"GET / HTTP/1.1\r\nX: ", b"y" * 50).status == 431
        assert fed_until_refused(RequestReader(SMALL), b"GET /", b"y" * 50).status == 431
        assert fed_until_refused(RequestReader(SMALL), b"GET / HTTP/1.1\r\n", b"y" * 50).status == 431

    def test_a_header_that_is_too_large_but_whole(self) -> None:
        assert one_refusal(request("/", "X: " + "y" * SMALL.header)).status == 431
        behind = feed([ONE["plain"] + request("/", "X: " + "y" * SMALL.header)], SMALL)
        assert [type(item) for item in behind] == [dict, int]

    def test_a_large_body_does_not_count_as_header(self) -> None:
        limits = Limits(header=300, body=10_000)
        data = request("/", method="POST", body=b"x" * 10_000) + request("/2")
        for size in (1, 7, 299, 301, 10_050, len(data)):
            pieces = [data[start : start + size] for start in range(0, len(data), size)]
            assert [item["target"] for item in feed(pieces, limits)] == [b"/", b"/2"]

    def test_a_length_over_the_limit_is_refused_before_the_body(self) -> None:
        refusal = one_refusal(b"POST / HTTP/1.1\r\nContent-Length: 101\r\nX")
        assert (refusal.status, code_of(refusal)) == (413, "too_large")

    def test_chunks_over_the_limit(self) -> None:
        reader = RequestReader(SMALL)
        assert reader.feed(request("/", IN_CHUNKS)) == []
        fed = fed_until_refused(reader, b"", b"1\r\nx\r\n")
        assert (fed.status, code_of(fed)) == (413, "too_large")
        assert one_refusal(request("/", IN_CHUNKS) + b"fff\r\n" + b"x" * 101).status == 413

    def test_a_million_tiny_chunks_take_no_time(self) -> None:
        limits = Limits(body=2**20)
        head, chunk = request("/", IN_CHUNKS, method="POST"), b"2\r\nxy\r\n"
        data = head + chunk * 2**19 + b"0\r\n\r\n"
        pieces = [data[start : start + 65536] for start in range(0, len(data), 65536)]
        assert feed(pieces, limits)[0]["body"] == b"xy" * 2**19

    @pytest.mark.parametrize("endless", [b"1;", b"1\r\nx\r\n0\r\nX: ", b"1\r\nx\r\n0\r\nX: y\r\nZ"])
    def test_an_extension_or_trailer_without_an_end(self, endless: bytes) -> None:
        reader = RequestReader(SMALL)
        assert reader.feed(request("/", IN_CHUNKS)) == []
        assert fed_until_refused(reader, endless, b"y" * 50).status == 431

    def test_trailers_without_number(self) -> None:
        reader = RequestReader(SMALL)
        assert reader.feed(request("/", IN_CHUNKS) + b"0\r\n") == []
        assert fed_until_refused(reader, b"", b"X: y\r\n").status == 431

    def test_while_too_many_requests_wait_the_rest_is_left_unread(self) -> None:
        reader = RequestReader(SMALL)
        data = ONE["plain"] * 10_000
        batch, count = reader.feed(data), 0
        while batch:
            assert len(batch) <= PIECE / len(ONE["plain"]) + SMALL.pipeline
            assert reader.between is not reader.unread
            count += len(batch)
            batch = reader.feed(b"")
        assert (count, reader.between, reader.unread) == (10_000, True, False)

    def test_behind_a_refusal_nothing_is_read(self) -> None:
        reader = RequestReader(SMALL)
        reader.feed(b"rubbish\r\n")
        assert reader.feed(ONE["plain"]) == []
        assert not reader.between


def fed_until_refused(reader: RequestReader, start: bytes, endless: bytes) -> Refusal:
    """Feed ``start``, then ``endless`` until it is refused, which has to be soon."""
    for piece in pieces_of(start, endless):
        arrived = reader.feed(piece)
        if arrived:
            assert isinstance(arrived[0], Refusal)
            return arrived[0]
    raise AssertionError("it was never refused")


def pieces_of(start: bytes, endless: bytes) -> Iterator[bytes]:
    yield start
    for _ in range((SMALL.header + SMALL.body) // len(endless) + 200):
        yield endless


class TestParts:
    """Where the reader is, which decides on deadlines and on ``100 Continue``."""

    def test_between_requests_it_may_go_to_another_connection(self) -> None:
        reader = RequestReader(SMALL)
        assert reader.between
        reader.feed(b"G")
        assert (reader.between, reader.in_body) == (False, False)
        reader.feed(b"ET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")
        assert (reader.between, reader.in_body) == (False, True)
        assert len(reader.feed(b"x")) == 1
        assert (reader.between, reader.in_body) == (True, False)

    @pytest.mark.parametrize("name", ["leaving", "old", "an offer to upgrade", "an upgrade with a body"])
    def test_the_last_request_of_a_connection_leaves_it_fit_for_another(self, name: str) -> None:
        reader = RequestReader(SMALL)
        for data in (ONE[name], ONE["plain"], ONE[name], ONE["in chunks"]):
            assert [describe(item) for item in reader.feed(data)] == feed([data])
            assert reader.between

    @pytest.mark.parametrize("value", ["100-continue", "100-Continue", " 100-continue "])
    def test_the_expectation_is_met_once(self, value: str) -> None:
        reader = RequestReader(SMALL)
        head = request("/", f"Expect: {value}", "Content-Length: 2", method="POST")
        reader.feed(head[:-1])
        assert not reader.take_expectation()
        reader.feed(head[-1:])
        assert reader.take_expectation()
        assert not reader.take_expectation()

    @pytest.mark.parametrize(
        "data",
        [
            request("/", "Expect: 100-continue", "Content-Length: 2", version="1.0"),
            request("/", "Expect: 100-continue", "Content-Length: 2") + b"x",
            request("/", "Expect: 200-ok", "Content-Length: 2"),
            request("/", "Content-Length: 2"),
            request("/", "Expect: 100-continue"),
        ],
        ids=["HTTP/1.0", "the body comes", "another", "none", "no body"],
    )
    def test_no_expectation(self, data: bytes) -> None:
        reader = RequestReader(SMALL)
        reader.feed(data)
        assert not reader.take_expectation()
