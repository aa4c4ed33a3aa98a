"""The table of heads: nobody can tell from the answers whether a head was parsed or found."""

from __future__ import annotations

import asyncio
import re
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.steady import STEADY
from tests.support.wire import chunked, request
from tests.unit.http.known_heads import (
    OTHER,
    PROXY,
    STRANGER,
    fields_of,
    find,
    found,
    keep,
    post,
    read,
    table,
)
from tests.unit.http.offences import LIMITS, OFFENCES
from tests.unit.http.place import Place
from tests.unit.http.scene import TIMES, Transport
from thywill.http.heads import AGE, LONGEST, LONGEST_SHARED, NUMBERS, Heads
from thywill.http.proxies import WARN_EVERY, TrustedProxies
from thywill.http.reader import Limits
from thywill.http.request import Request
from thywill.http.server import FastServer

IN_CHUNKS = "Transfer-Encoding: chunked"


def is_kept(data: bytes) -> bool:
    heads = table()
    keep(heads, data)
    return find(heads, data, STRANGER) is not None


class TestWhatIsFound:
    """The request that was parsed, with the body that has come."""

    def test_it_is_what_the_parser_would_have_read(self) -> None:
        heads, lines = table(), ("Origin: http://a", "Cookie: a=b ", "Y: v: w\t", "Z: \xe9")
        keep(heads, post("/now?a=b", *lines, body=b'{"n":1}'))
        data = post("/now?a=b", *lines, body=b'{"n":2}')
        parsed = read(data)
        parsed.peer = STRANGER
        assert fields_of(found(heads, data)) == fields_of(parsed)
        for name in (b"origin", b"cookie", b"y", b"z", b"host", b"content-length", b"a", b"ori", b"rigin"):
            assert found(heads, data).header(name) == parsed.header(name)

    def test_each_has_its_own_body_and_address(self) -> None:
        heads = table()
        keep(heads, post(body=b"ab"))
        first, second = found(heads, post(body=b"cd")), found(heads, post(body=b"ef"), OTHER)
        assert (first.body, first.peer) == (b"cd", STRANGER)
        assert (second.body, second.peer) == (b"ef", OTHER)

    @pytest.mark.parametrize(
        "data",
        [
            post(body=b"ab") + b"c",
            post(body=b"ab")[:-1],
            post(body=b"ab") + post(body=b"ab"),
            post("/now", "X: y", body=b"ab"),
            post("http://test/now", body=b"ab"),
            post("/now;a", body=b"ab"),
            post("/now#a", body=b"ab"),
            post("/%6eow", body=b"ab"),
            post("/now?a=b?c", body=b"ab"),
            post("/now", body=b"ab", version="1.0"),
            request("/now", method="PUT", body=b"ab"),
            post(body=b"ab").replace(b"POST ", b"POST  "),
            post(body=b"ab").replace(b" HTTP", b"  HTTP"),
            post(body=b"ab").replace(b"POST ", b"post "),
            post(body=b"ab").replace(b"Length: 2", b"Length: 02"),
            post(body=b"ab").replace(b"Length: 2", b"Length: +2"),
            post(body=b"ab").replace(b"Length: 2", b"Length:  2"),
            post(body=b"ab").replace(b"Length: 2", b"Length: 2 "),
            post(body=b"ab").replace(b"Length: 2", b"length: 2"),
            post(body=b"ab").replace(b"Length: 2", b"Length: \xb2"),
            post(body=b"ab").replace(b"Length: 2", b"Length: 1"),
            post(body=b"ab").replace(b"Length: 2", b"Length: 3"),
            post("/now", "Content-Length: 2", body=b"ab"),
            post(body=b"").replace(b"Content-Length: 0\r\n", b""),
            post("/now", body=b"ab").replace(b"Host", b"host"),
            b"\r\n" + post(body=b"ab"),
            b"",
            b"POST ",
            b"\r\n\r\n",
        ],
    )
    def test_anything_else_is_parsed(self, data: bytes) -> None:
        heads = table()
        keep(heads, post(body=b"ab"))
        assert find(heads, data, STRANGER) is None

    @pytest.mark.parametrize("target", ["/park", "/thywill/sockjs/000/a-b_c/xhr", "/", "/now?a=b&c=%20d.e"])
    @pytest.mark.parametrize("body", [b"", b"{}", b"x" * 100])
    def test_the_target_and_the_length_may_be_others(self, target: str, body: bytes) -> None:
        heads, data = table(), post(target, "Cookie: a", body=body)
        keep(heads, post("/now", "Cookie: a", body=b"abc"))
        parsed = read(data)
        parsed.peer = STRANGER
        assert fields_of(found(heads, data)) == fields_of(parsed)

    def test_a_longer_target_does_not_pass_the_limit_of_a_head(self) -> None:
        heads = table(limits=Limits(header=200))
        keep(heads, post("/now"))
        assert find(heads, post("/" + "a" * 100), STRANGER) is not None
        assert find(heads, post("/" + "a" * 200), STRANGER) is None

    def test_a_larger_body_does_not_pass_for_a_small_one(self) -> None:
        heads = table()
        keep(heads, post())
        assert find(heads, post(body=b"x" * LIMITS.small_body), STRANGER) is not None
        assert find(heads, post(body=b"x" * (LIMITS.small_body + 1)), STRANGER) is None

    def test_a_body_with_an_empty_line_is_parsed(self) -> None:
        heads, data = table(), post(body=b" \r\n\r\n{}")
        keep(heads, data)
        assert find(heads, data, STRANGER) is None
        # Its digest is of more than its head: what follows must not pass for its body.
        assert find(heads, data[:-2] + b"x" * len(b" \r\n\r\n{}"), STRANGER) is None


class TestWhatIsKept:
    """Only what the parser has accepted whole, and of which nothing else depends."""

    @pytest.mark.parametrize("body", [b"", b"{}", b"x" * 1000])
    def test_posts_for_the_paths_of_endpoints_are(self, body: bytes) -> None:
        assert is_kept(post(body=body))
        assert is_kept(post("/now?query", body=body))
        assert is_kept(request("/park", method="POST"))

    @pytest.mark.parametrize(
        "data",
        [
            request("/now"),
            request("/now", body=b"ab"),
            request("/now", method="PUT", body=b"ab"),
            post("http://test/now"),
            post(body=b"x" * (LIMITS.small_body + 1)),
            post("/now", "Connection: close"),
            post("/now", "Connection: keep-alive", version="1.0"),
            post("/now", "Expect: 100-continue"),
            post("/now", "EXPECT: 200-ok"),
            post("/now", "X:"),
            post("/now", "X:y"),
            post("/now", "X: \ty"),
            post("/now", "X:  y"),
            post("/now", "Upgrade: h2c"),
            request("/now", IN_CHUNKS, method="POST") + chunked(b"ab"),
            b"\r\n" + post(),
            post("/now", f"Origin: http://{'x' * LONGEST_SHARED}"),
        ],
    )
    def test_others_are_not(self, data: bytes) -> None:
        assert not is_kept(data)

    def test_a_request_that_came_with_others_is_not(self) -> None:
        heads, data = table(), post()
        for whole in (data + data, data[:20], data + b"x"):
            for _ in range(3):
                assert find(heads, whole, STRANGER) is None
                heads.keep(whole, read(data), STRANGER, trusted=False)

    def test_a_long_one_is_parsed(self) -> None:
        heads, data = table(limits=Limits()), post("/now", "X: " + "y" * LONGEST)
        keep(heads, data)
        assert find(heads, data, STRANGER) is None


class TestProxies:
    """What a proxy says is believed of the same proxy alone."""

    DATA = post("/now", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https")

    def test_its_browser_is_known(self) -> None:
        heads = table()
        keep(heads, self.DATA, PROXY)
        known = found(heads, self.DATA, PROXY)
        assert (known.peer, known.scheme, known.forwarded) == ("203.0.113.9", "https", True)

    def test_nobody_else_may_say_the_same(self) -> None:
        heads = table()
        keep(heads, self.DATA, PROXY)
        assert find(heads, self.DATA, STRANGER) is None

    def test_nor_the_same_address_on_a_connection_that_is_not_trusted(self) -> None:
        heads = table()
        keep(heads, self.DATA, PROXY)
        assert heads.find(self.DATA, PROXY, trusted=False) is None

    def test_what_a_stranger_says_is_known_but_not_believed(self) -> None:
        heads = table()
        keep(heads, self.DATA, STRANGER)
        known = found(heads, self.DATA, STRANGER)
        assert (known.peer, known.scheme) == (STRANGER, "http")
        assert find(heads, self.DATA, PROXY) is None

    def test_the_same_bytes_have_an_address_for_each_kind_of_sender(self) -> None:
        heads = table()
        for peer in (STRANGER, PROXY):
            keep(heads, self.DATA, peer)
        assert (found(heads, self.DATA, OTHER).peer, found(heads, self.DATA, OTHER).scheme) == (OTHER, "http")
        for proxy in (PROXY, "192.0.2.3"):
            known = heads.find(self.DATA, proxy, trusted=True)
            assert known is not None
            assert (known.peer, known.scheme) == ("203.0.113.9", "https")

    def test_a_stranger_that_is_known_is_logged_each_minute(self, caplog: pytest.LogCaptureFixture) -> None:
        now = [0.0]
        heads = Heads(LIMITS, TrustedProxies([PROXY], clock=lambda: now[0]), 100)
        keep(heads, self.DATA, STRANGER)
        for time in (1.0, 2.0, WARN_EVERY + 1, WARN_EVERY + 2):
            now[0] = time
            found(heads, self.DATA, STRANGER)
        lines = [record.getMessage() for record in caplog.records]
        assert len(lines) == 2
        assert all(line.startswith(f"{STRANGER} sends X-Forwarded-For but is not trusted") for line in lines)

    def test_a_browser_on_the_machine_of_the_proxy_is_known(self) -> None:
        heads, data = table(), post("/now", f"X-Forwarded-For: {PROXY}")
        keep(heads, data, PROXY)
        assert found(heads, data, PROXY).peer == PROXY

    def test_a_proxy_that_names_no_browser_counts_as_the_browser(self) -> None:
        heads, data = table(), post("/now", "X-Forwarded-Proto: https")
        keep(heads, data, PROXY)
        for proxy in (PROXY, "192.0.2.3"):
            known = heads.find(data, proxy, trusted=True)
            assert known is not None
            assert (known.peer, known.scheme) == (proxy, "https")

    @pytest.mark.parametrize("named", ["nonsense", "203.0.113.9, unknown", ""])
    def test_a_head_that_names_no_address_is_not_kept(self, named: str) -> None:
        heads, data = table(), post("/now", f"X-Forwarded-For: {named}")
        keep(heads, data, PROXY)
        assert find(heads, data, PROXY) is None


class TestBounds:
    """It stays small, and what comes again stays in it."""

    def test_what_is_used_survives_those_that_come_once(self) -> None:
        heads = table(entries=10)
        keep(heads, post())
        for number in range(100):
            keep(heads, post("/now", f"Cookie: {number}"))
            assert find(heads, post(), STRANGER)
            assert len(heads) <= 20

    def test_bodies_of_all_lengths_take_little(self) -> None:
        heads = table(limits=Limits(small_body=10**6))
        for size in range(2 * NUMBERS):
            find(heads, post(body=b"x" * size), STRANGER)
        assert len(heads._numbers) <= NUMBERS

    def test_what_is_not_used_goes_after_two_ages(self) -> None:
        heads = table()
        heads.age(1000)
        keep(heads, post())
        heads.age(1000 + AGE - 1)
        assert len(heads) == 1
        heads.age(1000 + AGE)
        assert find(heads, post(), STRANGER)
        heads.age(1000 + 2 * AGE)
        heads.age(1000 + 3 * AGE)
        assert len(heads) == 0

    @pytest.mark.parametrize("peer", [STRANGER, PROXY])
    def test_a_browser_costs_no_more_than_200_bytes(self, peer: str) -> None:
        # The addresses are remembered by whoever reads X-Forwarded-For, with or without this table.
        proxies, count = TrustedProxies([PROXY]), 4_000
        fill(Heads(Limits(), proxies), count, peer)
        heads = Heads(Limits(), proxies)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        fill(heads, count, peer)
        taken = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert len(heads) == count
        assert taken / count <= 200


def fill(heads: Heads, count: int, peer: str) -> None:
    """Keep the head of so many browsers."""
    for number in range(count):
        lines = [f"Cookie: session={number:050}", *["X: " + "y" * 40] * 5]
        if peer == PROXY:
            lines.append(f"X-Forwarded-For: 203.0.{number // 250}.{number % 250}")
        keep(heads, post("/now", *lines), peer)


DATE = re.compile(rb"Date: [^\r]*\r\n")
Conversation = list[list[bytes]]
"""The pieces that arrive on each of some connections."""


async def answers(conversation: Conversation, kind: type[CountingHeads], peer: str) -> tuple[list[Any], int]:
    """Return what each connection is answered and how it ends, and how many requests were not parsed."""
    place = Place()
    server = FastServer(place.site(), LIMITS, TIMES, TrustedProxies([PROXY]))
    heads = server.shared.heads = kind(LIMITS, TrustedProxies([PROXY]))
    ends = []
    for pieces in conversation:
        transport, connection = Transport(), server._connect()
        transport.get_extra_info = lambda name: (peer, 1)  # type: ignore[method-assign]
        connection.connection_made(transport)  # type: ignore[arg-type]
        for piece in pieces:
            if not transport.closing:
                connection.data_received(piece)
            await settle(place)
        written = DATE.sub(b"", transport.written)
        ends.append((written, transport.closing, transport.ended, connection.state))
        connection.connection_lost(None)
    return [*ends, place.asked], heads.hits


class CountingHeads(Heads):
    hits = 0

    def find(self, data: bytes, peer: str, places: int = 0, *, trusted: bool) -> Request | None:
        known = super().find(data, peer, places, trusted=trusted)
        self.hits += known is not None
        return known


class NoHeads(CountingHeads):
    def find(self, data: bytes, peer: str, places: int = 0, *, trusted: bool) -> Request | None:
        return None


async def settle(place: Place) -> None:
    for _ in range(6):
        await asyncio.sleep(0)
        while place.parked:
            place.parked.pop().reply.send(200, b"parked")


def compare(conversation: Conversation, peer: str = STRANGER) -> int:
    """Check that the answers are the same with the table and without; return how often it was used."""
    with asyncio.Runner() as runner:
        parsed, none = runner.run(answers(conversation, NoHeads, peer))
        looked_up, hits = runner.run(answers(conversation, CountingHeads, peer))
    assert looked_up == parsed
    assert none == 0
    return hits


KNOWN = [
    post(),
    post("/park", "Cookie: a=b"),
    post("/now", "Origin: http://a", body=b'{"token":"x"}'),
    post("/park", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"),
    request("/now", method="POST"),
]
OTHERS = [
    request("/now"),
    post("/plain", body=b"a=b"),
    post("/later"),
    post("/now", "Connection: close"),
    post("/now", "Expect: 100-continue"),
    post("/now", "Connection: Upgrade", "Upgrade: h2c"),
    request("/now", IN_CHUNKS, method="POST") + chunked(b"one", b"two"),
    post("/now", body=b" \r\n\r\n"),
    post("http://other/now"),
    b"\r\n",
]


@pytest.mark.parametrize("peer", [STRANGER, PROXY])
@pytest.mark.parametrize("name", OFFENCES)
def test_an_offence_is_the_same_among_known_heads(name: str, peer: str) -> None:
    data = OFFENCES[name].data
    known = [*KNOWN, *KNOWN, *KNOWN]
    assert compare([[*known, data], [data, *known], [*known, data + KNOWN[0]], [KNOWN[0] + data]], peer)


@pytest.mark.parametrize("name", OFFENCES)
def test_an_offence_that_looks_like_a_known_head_is_refused_each_time(name: str) -> None:
    data = OFFENCES[name].data.replace(b"GET ", b"POST ")
    compare([[KNOWN[0]] * 3, *[[data]] * 4])


@pytest.mark.parametrize("number", range(len(KNOWN)))
def test_a_known_request_is_the_same_wherever_it_is_cut(number: int) -> None:
    data = KNOWN[number]
    for place in range(len(data) + 1):
        compare([[data] * 3, [data[:place], data[place:], data], [data + data[:place], data[place:]]])


@st.composite
def pieces(draw: st.DrawFn) -> list[bytes]:
    """Requests one after another, many known, some spoiled at one place, cut at any or between them."""
    asked = draw(st.lists(st.sampled_from(KNOWN[:2] * 6 + KNOWN + OTHERS), min_size=1, max_size=8))
    cut: list[bytes] = []
    for data in asked:
        if draw(st.integers(0, 4)) == 0:
            start = draw(st.integers(0, len(data)))
            end = min(len(data), start + draw(st.integers(0, 3)))
            data = data[:start] + draw(st.sampled_from(SPOILT) | st.binary(max_size=2)) + data[end:]
        places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=draw(st.integers(0, 2)))))
        cut += [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    joined = draw(st.lists(st.booleans(), min_size=len(cut), max_size=len(cut)))
    for index in range(len(cut) - 1, 0, -1):
        if joined[index] and draw(st.booleans()):
            cut[index - 1 : index + 1] = [cut[index - 1] + cut[index]]
    return [piece for piece in cut if piece]


SPOILT = [
    b"", b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"0", b"1", b"\r\n\r\n", b"Content-Length: 3\r\n",
    b"Content-Length: 2\r\n", b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Host: a\r\n",
    b"Connection: close\r\n", b"/", b"?", b"POST ", b"X-Forwarded-For: 192.0.2.1\r\n",
]  # fmt: skip

used: list[int] = []


@given(st.lists(pieces(), min_size=1, max_size=4), st.sampled_from([STRANGER, PROXY]))
@settings(STEADY, max_examples=300)
def test_any_bytes_in_any_pieces_are_answered_the_same(conversation: Conversation, peer: str) -> None:
    used.append(compare([[*KNOWN, *KNOWN], *conversation], peer))


def test_it_was_used_meanwhile() -> None:
    assert sum(1 for hits in used if hits) > len(used) / 2
