"""What ``conf/nginx.conf`` allows one address, in the real nginx, and how it refuses the rest."""

from __future__ import annotations

import asyncio
import collections
import json
import re
import time
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.support.proxied import TEXT, Nginx, behind_nginx

HERE = "127.0.0.1"


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """An nginx with the settings of conf/ before a server with the echo. Each flood has its own address."""
    folder = tmp_path_factory.mktemp("limits")
    with behind_nginx(folder, "--applications", "apps.echo") as (_, nginx):
        yield nginx


def post(nginx: Nginx, path: str, size: int) -> tuple[int, bool]:
    """Return the status of an answer to a body of so many bytes, and whether nginx gave it."""
    body = json.dumps({"token": "x", "padding": "x" * size}).encode()
    request = Request(f"{nginx.address}thywill/{path}", body, {"Content-Type": "text/plain"})
    try:
        with urlopen(request) as answer:
            return answer.status, False
    except HTTPError as error:
        with error:
            text = error.read()
            assert b"<center>nginx</center>" not in text
            return error.code, b'"message":"nginx takes' in text


@pytest.mark.parametrize("path", ["connect", "poll", "status/"])
def test_a_large_body_comes_through_only_where_messages_are_sent(nginx: Nginx, path: str) -> None:
    assert post(nginx, path, 20_000) == (413, True)
    assert post(nginx, path, 100)[1] is False


def test_a_farewell_brings_the_last_messages(nginx: Nginx) -> None:
    assert post(nginx, "leave", 65_536) == (401, False)
    assert post(nginx, "leave", 140_000) == (413, True)


def test_messages_come_through_up_to_the_limit_of_the_server(nginx: Nginx) -> None:
    for path in ("send", "sockjs/test/session/xhr_send"):
        assert post(nginx, path, 1_000_000)[1] is False
        assert post(nginx, path, 1_100_000) == (413, True)


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("path", "source"),
    [("echo/", "127.0.0.2"), ("thywill/connect?application=echo&callback=f", "127.0.0.3")],
)
async def test_one_address_gets_a_share_of_all_clients(nginx: Nginx, path: str, source: str) -> None:
    began = time.monotonic()
    text = await flood(nginx, path, 2600, source)
    assert set(statuses_in(text)) <= {b"200", b"429"}
    # The server has limits of its own.
    passed = 2600 - text.count(b"<center>nginx</center>") - text.count(b"nginx takes no more requests")
    assert 2000 <= passed <= 2001 + 51 * (time.monotonic() - began)
    assert statuses_in(await flood(nginx, "thywill/health", 1, source)) == {b"200": 1}
    if path.startswith("thywill"):
        refused = re.findall(rb"Retry-After: 5\r\n.*?\r\n\r\n(\{.*?\}\})", text, re.DOTALL)
        assert {json.loads(each)["error"]["code"] for each in refused} == {"too_many"}


@pytest.mark.parametrize(
    ("address", "share"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2"),
        ("2001:db8:1:2::6", "2001:db8:1:2"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2"),
        ("2001:db8:1::6", "2001:db8:1"),  # zeros among the first 64 bits: a larger network
        ("2001:db8::3:4:5:6", "2001:db8"),
        ("::1", "::1"),
    ],
)
def test_an_ipv6_address_counts_by_its_network(address: str, share: str) -> None:
    """nginx writes addresses as the system does: in small letters, with the longest zeros as ``::``."""
    patterns = re.findall(r'"~(\^\S+)" \$(\w+);', TEXT)
    assert len(patterns) == 2
    found = [(re.match(pattern.replace("?<", "?P<"), address), name) for pattern, name in patterns]
    assert next((match[name] for match, name in found if match), address) == share


def statuses_in(text: bytes) -> collections.Counter[bytes]:
    """Return how often each status was answered."""
    return collections.Counter(re.findall(rb"HTTP/1\.1 (\d+) ", text))


async def flood(nginx: Nginx, path: str, count: int, source: str) -> bytes:
    """Ask ``count`` times on one connection from the address ``source``; return all answers."""
    reader, writer = await asyncio.open_connection(HERE, nginx.plain_port, local_addr=(source, 0))
    head = f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1:{nginx.plain_port}\r\n"
    head += f"Referer: http://127.0.0.1:{nginx.plain_port}/\r\n"
    writer.write(f"{head}\r\n".encode() * (count - 1) + f"{head}Connection: close\r\n\r\n".encode())
    text = await reader.read(-1)
    writer.close()
    return text


@pytest.mark.gen_test
async def test_a_flood_from_one_address_waits_for_its_turns(nginx: Nginx) -> None:
    began = time.monotonic()
    # An address that nginx answers itself: the server of a busy machine may be slower than the limit.
    assert statuses_in(await flood(nginx, "thywill/metrics", 2000, "127.0.0.4")) == {b"403": 2000}
    assert time.monotonic() - began > 0.9


@pytest.mark.gen_test
@pytest.mark.parametrize(("chunked", "source"), [(False, "127.0.0.5"), (True, "127.0.0.6")])
async def test_large_bodies_of_one_address_wait_for_their_turns(
    nginx: Nginx, chunked: bool, source: str
) -> None:
    head = f"POST /thywill/send HTTP/1.1\r\nHost: 127.0.0.1:{nginx.plain_port}\r\n"
    length, body = ("Transfer-Encoding: chunked", "1\r\nx\r\n0\r\n\r\n")
    if not chunked:
        length, body = "Content-Length: 100000", "x" * 100_000
    reader, writer = await asyncio.open_connection(HERE, nginx.plain_port, local_addr=(source, 0))
    began, seen = time.monotonic(), b""
    writer.write(f"{head}{length}\r\n\r\n{body}".encode() * 35)
    while statuses_in(seen)[b"400"] < 35:
        seen += await reader.read(65_536)
    assert time.monotonic() - began > 0.5
    writer.close()
