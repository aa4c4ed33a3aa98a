"""Whose word is taken for the browser's address and scheme."""

from __future__ import annotations

import socket
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.steady import STEADY
from tests.support.wire import request
from tests.unit.http.conftest import LogCollector, Serve
from thywill.core.address import normalize
from thywill.errors import SettingsError
from thywill.http.proxies import WARN_EVERY, TrustedProxies, peer_of
from thywill.http.request import Request

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: a close becomes a reset."""
PROXIES = TrustedProxies(["10.0.0.0/8", "fd00::/8"])


def resolved(*headers: tuple[str, str], proxies: TrustedProxies = PROXIES) -> tuple[str, str]:
    request = Request()
    request.peer = "10.0.0.1"
    request.headers = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    proxies.resolve(request)
    return request.peer, request.scheme


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("10.255.0.1", True),
        ("11.0.0.1", False),
        ("fd00::1", True),
        ("fe80::1", False),
        ("", False),
        ("localhost", False),
        ("::ffff:10.1.2.3", True),
        ("unix:", False),
    ],
)
def test_an_address_in_a_network_is_trusted(address: str, trusted: bool) -> None:
    assert PROXIES.trusts(address) is trusted


def test_without_a_proxy_nobody_is_trusted() -> None:
    assert not TrustedProxies([]).trusts("127.0.0.1")


@pytest.mark.parametrize("text", ["10.0.0.0/40", "", "10.0.0.1:80", "a b", "proxy.invalid", "300.1.1.1"])
def test_an_invalid_network_is_one_line(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^\[server\] trusted_proxies: .*$"):
        TrustedProxies([text], resolve=nobody)


def nobody(name: str) -> list[str]:
    raise OSError(f"{name} is not known")


def test_names_unix_sockets_and_networks_of_both_kinds_are_trusted() -> None:
    found = {"proxy": ["192.0.2.7", "2001:db8::7"]}
    trusted = ["proxy", "unix:", "::ffff:10.0.0.0/104", "::ffff:127.0.0.1"]
    proxies = TrustedProxies(trusted, resolve=found.__getitem__)
    for address in ("192.0.2.7", "2001:db8::7", "unix:", "10.255.0.1", "127.0.0.1", "::ffff:192.0.2.7"):
        assert proxies.trusts(address), address
    for address in ("192.0.2.8", "11.0.0.1", "127.0.0.2", "", "proxy"):
        assert not proxies.trusts(address), address


@pytest.mark.parametrize(
    ("peername", "peer"),
    [
        (("127.0.0.1", 5), "127.0.0.1"),
        (("::ffff:127.0.0.1", 5, 0, 0), "127.0.0.1"),
        (("fe80::1%eth0", 5, 0, 2), "fe80::1"),
        ("", "unix:"),
        (b"\0name", "unix:"),
        (None, "unix:"),
    ],
)
def test_a_peer_has_one_spelling(peername: object, peer: str) -> None:
    assert peer_of(peername) == peer


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (["1.2.3.4"], "1.2.3.4"),
        (["2001:db8::1"], "2001:db8::1"),
        (["9.9.9.9, 1.2.3.4"], "1.2.3.4"),
        (["9.9.9.9,1.2.3.4 , 10.0.0.2"], "1.2.3.4"),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (["1.2.3.4, unknown"], "10.0.0.1"),
        (["1.2.3.4, unknown, 10.0.0.2"], "10.0.0.2"),
        (["1.2.3.4, <script>"], "10.0.0.1"),
        (["unix:"], "10.0.0.1"),
        (["fe80::1%" + "A" * 3000], "10.0.0.1"),
        (["203.0.113.9:51234"], "203.0.113.9"),
        (["[2001:db8::1]:443, ::ffff:10.0.0.9"], "2001:db8::1"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        ([""], "10.0.0.1"),
        ([], "10.0.0.1"),
        # A proxy that adds a header of its own leaves the browser's before it.
        (["9.9.9.9", "1.2.3.4"], "1.2.3.4"),
        (["9.9.9.9", "1.2.3.4", "10.0.0.2"], "1.2.3.4"),
    ],
)
def test_the_last_address_that_is_not_a_proxy_is_the_browser(forwarded: list[str], address: str) -> None:
    headers = [("x-Forwarded-FOR", value) for value in forwarded]
    assert resolved(*headers)[0] == address


def test_what_cannot_be_read_is_a_line_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    times = [0.0]
    proxies = TrustedProxies(["10.0.0.0/8"], clock=lambda: times[-1])
    for now in (0.0, 1.0, WARN_EVERY - 1, WARN_EVERY, WARN_EVERY + 1):
        times.append(now)
        for name in ("unix:", "y" * 3000):
            request = Request()
            request.peer, request.headers = "10.0.0.1", [(b"X-Forwarded-For", name.encode())]
            proxies.resolve(request)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert all("the proxy 10.0.0.1 sends X-Forwarded-For with 'unix:', which is no" in line for line in lines)


def test_a_browser_on_the_machine_of_a_proxy_is_nothing_to_log(caplog: pytest.LogCaptureFixture) -> None:
    proxies = TrustedProxies(["10.0.0.0/8", "127.0.0.1"])
    for address in ("10.0.0.1", "127.0.0.1"):
        assert resolved(("X-Forwarded-For", address), proxies=proxies)[0] == address
    assert not caplog.records


def test_a_proxy_that_counts_as_the_browser_is_a_line_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    times = [0.0]
    proxies = TrustedProxies(["10.0.0.0/8"], clock=lambda: times[-1])
    for now in (0.0, 1.0, WARN_EVERY, WARN_EVERY + 1):
        times.append(now)
        assert resolved(("X-Forwarded-For", "10.0.0.3, 10.0.0.2"), proxies=proxies)[0] == "10.0.0.3"
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert all(
        line.startswith("the proxy 10.0.0.1 names 10.0.0.3 as the browser, which is") for line in lines
    )


@pytest.mark.parametrize(
    ("schemes", "scheme"),
    [
        (["https"], "https"),
        (["HTTPS "], "https"),
        (["http"], "http"),
        (["https, http"], "http"),
        (["https", "http"], "http"),
        (["gopher"], "http"),
        ([""], "http"),
        ([], "http"),
    ],
)
def test_the_last_scheme_counts(schemes: list[str], scheme: str) -> None:
    assert resolved(*[("X-Forwarded-Proto", value) for value in schemes])[1] == scheme


@given(st.lists(st.text(st.characters(max_codepoint=255), max_size=30), max_size=4))
@STEADY
def test_whatever_is_forwarded_the_address_is_one(values: list[str]) -> None:
    address, scheme = resolved(
        *[(name, value) for value in values for name in ("X-Forwarded-For", "X-Forwarded-Proto")]
    )
    assert TrustedProxies([address])
    assert scheme in ("http", "https")


NAMES = [
    "X-Forwarded-For",
    "x-forwarded-for",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "Forwarded",
    "X-Forwarded-Host",
]
PARTS = [
    "10.0.0.2", "9.9.9.9", "9.9.9.9:80", "[2001:db8::1]:443", "::ffff:9.9.9.9", "fe80::1%" + "A" * 3000,
    "unix:", "_hidden", "for=9.9.9.9;proto=https",
    'for="[2001:db8::1]"', "https", "HTTP", "javascript", "unknown",
    "10.0.0.2," * 500, "," * 9000, "",
]  # fmt: skip


@given(
    st.lists(
        st.tuples(
            st.sampled_from(NAMES),
            st.lists(
                st.sampled_from(PARTS) | st.text(st.characters(max_codepoint=255), max_size=9), max_size=5
            ),
        ),
        max_size=5,
    )
)
@STEADY
def test_any_headers_of_proxies_name_the_last_one_or_a_browser(headers: list[tuple[str, list[str]]]) -> None:
    began = time.process_time()
    address, scheme = resolved(*[(name, ", ".join(parts)) for name, parts in headers])
    assert time.process_time() - began < 1
    written = ",".join(",".join(parts) for name, parts in headers if name.lower() == "x-forwarded-for")
    assert address in {"10.0.0.1", *map(normalize, written.split(","))}
    assert scheme == "http" or any("https" in parts for name, parts in headers if "Proto" in name)


@pytest.mark.gen_test
@pytest.mark.parametrize("target", ["/now", "/plain"])
async def test_headers_of_a_trusted_proxy_reach_endpoints_and_handlers(serve: Serve, target: str) -> None:
    served = await serve(proxies=("127.0.0.1",))
    wire = await served.connect()
    headers = ("X-Forwarded-For: 9.9.9.9", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https")
    told = (await wire.ask(target, *headers)).json
    assert (told["address"], told["scheme"]) == ("1.2.3.4", "https")
    # The next request on the connection may be another browser's.
    told = (await wire.ask(target)).json
    assert (told["address"], told["scheme"]) == ("127.0.0.1", "http")


@pytest.mark.gen_test
@pytest.mark.parametrize("target", ["/now", "/plain"])
async def test_headers_of_anybody_else_are_not_believed(serve: Serve, target: str) -> None:
    served = await serve(proxies=("10.0.0.0/8",))
    told = (await served.ask(target, "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https")).json
    assert (told["address"], told["scheme"]) == ("127.0.0.1", "http")


def asked(peer: str, *names: str) -> Request:
    request = Request()
    request.peer = peer
    request.headers = [(name.encode(), b"1.2.3.4") for name in names]
    return request


def doubts(logged: LogCollector) -> list[str]:
    return [text for text in map(logged.format, logged.records) if "trusted_proxies" in text]


def test_an_untrusted_proxy_is_logged_once_a_minute(logged: LogCollector) -> None:
    now = [100.0]
    proxies = TrustedProxies([], clock=lambda: now[0])
    for index in range(100):
        proxies.warn_untrusted(asked(f"192.0.2.{index}", "Host", "X-Forwarded-FOR", "X-Forwarded-For"))
    assert len(doubts(logged)) == 1
    assert doubts(logged)[0].startswith("192.0.2.0 sends X-Forwarded-For")
    now[0] += WARN_EVERY - 0.1
    proxies.warn_untrusted(asked("192.0.2.1", "X-Forwarded-For"))
    assert len(doubts(logged)) == 1
    now[0] += 0.1
    proxies.warn_untrusted(asked("192.0.2.1", "X-Forwarded-For"))
    assert doubts(logged)[1].startswith("192.0.2.1 sends")


def test_where_names_are_trusted_the_line_says_how_to_look_them_up_again(logged: LogCollector) -> None:
    proxies = TrustedProxies(["proxy"], resolve=lambda name: ["192.0.2.7"])
    proxies.warn_untrusted(asked("192.0.2.8", "X-Forwarded-For"))
    assert doubts(logged)[0].endswith("send SIGHUP: then the server looks up the names again")


def test_a_browser_without_the_header_is_not_logged(logged: LogCollector) -> None:
    TrustedProxies([]).warn_untrusted(asked("192.0.2.1", "Host", "Accept-Encoding", "X-Forwarded-Proto"))
    assert not doubts(logged)


@pytest.mark.gen_test
@pytest.mark.parametrize("target", ["/now", "/plain"])
@pytest.mark.parametrize(("trusted", "count"), [(("10.0.0.0/8",), 1), (("127.0.0.1",), 0)])
async def test_the_line_says_what_to_do(
    serve: Serve, logged: LogCollector, target: str, trusted: tuple[str, ...], count: int
) -> None:
    served = await serve(proxies=trusted)
    for _ in range(3):
        await served.ask(target, "X-Forwarded-For: 1.2.3.4")
    line = (
        "127.0.0.1 sends X-Forwarded-For but is not trusted, so it counts as the browser:"
        " if it is your proxy,"
        " add it to trusted_proxies in [server]"
    )
    assert doubts(logged) == [line] * count


@pytest.mark.gen_test
async def test_nobody_is_a_proxy_who_resets_before_he_is_accepted(serve: Serve) -> None:
    served = await serve(proxies=("unix:",))
    for _ in range(20):  # the loop does not run meanwhile, so none of them is accepted
        with socket.create_connection(("127.0.0.1", served.port)) as sock:
            sock.sendall(request("/park", "X-Forwarded-For: 9.9.9.9", method="POST", body=b"x"))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    assert (await served.ask()).status == 200
    await served.empty()
    assert served.place.park_peers <= {"127.0.0.1"}
