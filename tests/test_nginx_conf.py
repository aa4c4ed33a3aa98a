"""``conf/nginx.conf`` in the real nginx: files, limits, a thousand clients, and restarts below them."""

from __future__ import annotations

import asyncio
import collections
import json
import re
import secrets
import signal
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.browsers import require
from tests.conftest import Start
from tests.crowd import Visitor
from tests.proxied import DEFAULTS, RIGHT, Nginx
from tests.served import Served
from tests.serving import until
from thywill.commands.asking import Asker
from thywill.commands.streams import POLLS, STREAMS

COUNT = 1000


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Served, Nginx]]:
    """A server with the probe and the echo behind an nginx with the settings of conf/."""
    served = Served(tmp_path, "--applications", "tests.probe,apps.echo")
    nginx = Nginx(tmp_path, served.port, None)
    yield served, nginx
    nginx.stop()
    served.kill()


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Return an answer's status, its headers with names in lower case, and its body."""
    context = ssl._create_unverified_context()
    try:
        with urlopen(Request(url, headers=headers), context=context) as answer:
            return (
                answer.status,
                {name.lower(): value for name, value in answer.headers.items()},
                answer.read(),
            )
    except HTTPError as error:
        with error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()


def test_nginx_says_which_certificate_is_missing(tmp_path: Path, site: tuple[Served, Nginx]) -> None:
    program = require("nginx", "nginx-light")
    _, nginx = site
    text = nginx.config.read_text().replace("/certificate.pem", "/nowhere.pem")
    (tmp_path / "bad.conf").write_text(text)
    command = [program, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "bad.conf")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "/nowhere.pem" in result.stderr
    command[-1] = str(nginx.config)
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "warn" not in result.stderr
    assert result.returncode == 0


def test_files_come_from_nginx_while_the_server_is_away(site: tuple[Served, Nginx]) -> None:
    served, nginx = site
    page = get(nginx.secure_address + "echo/")[2].decode()
    script = nginx.secure_address + page.partition('src="../')[2].partition('"')[0]
    assert script.endswith("/client.js")
    before = get(script, **{"Accept-Encoding": "gzip"})
    assert before[1]["content-encoding"] == "gzip"
    assert "immutable" in before[1]["cache-control"]
    assert len(before[2]) < 30_000
    served.stop()
    status, headers, body = get(script)
    assert (status, headers["cache-control"]) == (200, before[1]["cache-control"])
    assert b"thywill" in body
    status, headers, body = get(nginx.secure_address + "echo/")
    assert (status, headers["retry-after"], headers["cache-control"]) == (503, "3", "no-store")
    assert b'http-equiv="refresh"' in body
    status, headers, body = get(nginx.secure_address + "thywill/health")
    assert (status, headers["retry-after"]) == (503, "2")
    assert json.loads(body)["error"]["code"] == "draining"


def test_a_file_of_another_version_is_not_kept(site: tuple[Served, Nginx]) -> None:
    _, nginx = site
    assert get(nginx.secure_address + "static/0/echo/echo.js")[1]["cache-control"] == "no-cache"


def test_pages_are_compressed_and_kept_by_nobody(site: tuple[Served, Nginx]) -> None:
    _, nginx = site
    answers = [get(nginx.secure_address + "echo/", **{"Accept-Encoding": "gzip"}) for _ in range(2)]
    assert {answer[1]["cache-control"] for answer in answers} == {"no-store"}
    assert {answer[1]["content-encoding"] for answer in answers} == {"gzip"}
    assert answers[0][2] != answers[1][2]


def test_http_leads_to_https(site: tuple[Served, Nginx]) -> None:
    _, nginx = site
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}"]
    command = [require("curl", "curl"), *command[1:], f"http://127.0.0.1:{nginx.redirect_port}/echo/"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "301 https://127.0.0.1/echo/"


# Every transport, with HTTP/1.1 and HTTP/1.0 to the server.


async def carry(asker: Asker, transport: str, token: str) -> None:
    """Send a message to the probe and receive what it says back."""
    base, text = f"thywill/sockjs/test/{secrets.token_hex(12)}", f"by {transport}"
    query = "?c=d" if transport in ("htmlfile", "jsonp") else ""
    body = b"" if transport.startswith("xhr") else None
    opening = f"{base}/{transport}{query}"

    async def say(said: object) -> None:
        frames = json.dumps([json.dumps(said)]).encode()
        if transport == "jsonp":
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            await asker.ask(f"{base}/jsonp_send", headers=form, body=b"d=" + frames)
        else:
            await asker.ask(f"{base}/xhr_send", headers={"Content-Type": "text/plain"}, body=frames)

    first = asker.begin(opening, body=body)
    if transport in POLLS:
        await first.done()
    else:
        assert await first.sees(STREAMS[transport], 10)
    await say({"token": token, "cursor": 0})
    await say({"messages": [[1, {"echo": text}]]})
    for _ in range(5):
        if await first.sees(text.encode(), 10):
            break
        first = asker.begin(opening, body=body)
    assert text.encode() in first.answer.body
    await say({"leave": True})
    await first.done()


@pytest.mark.gen_test
@pytest.mark.parametrize("settings", [None, RIGHT, DEFAULTS], ids=["conf/nginx.conf", "1.1", "1.0"])
async def test_every_transport(start: Start, tmp_path: Path, settings: str | None) -> None:
    running = await start()
    nginx = Nginx(tmp_path, int(running.base.rstrip("/").rpartition(":")[2]), settings)
    asker = Asker(nginx.secure_address, insecure=True)
    try:
        for transport in (*POLLS, *STREAMS):
            connected = await asker.ask("thywill/connect", body={"application": "probe"})
            await carry(asker, transport, connected.json["token"])
    finally:
        asker.close()
        nginx.stop()


# Many.

Together = Callable[[], Awaitable[None]]


@asynccontextmanager
async def crowd(port: int, count: int) -> AsyncIterator[tuple[list[Visitor], collections.Counter[int]]]:
    """Have ``count`` pages with a poll that waits."""
    statuses: collections.Counter[int] = collections.Counter()
    visitors = [Visitor(port, "probe", statuses) for _ in range(count)]
    tasks = [asyncio.ensure_future(visitor.run()) for visitor in visitors]
    try:
        yield visitors, statuses
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def all_hear(visitors: list[Visitor], text: str) -> None:
    """Have the first say something that all hear, once each."""
    await until(lambda: all(visitor.polls for visitor in visitors), 60)
    await visitors[0].say({"publish": text})
    await until(lambda: all(text in visitor.heard for visitor in visitors), 60)
    assert all(visitor.heard.count(text) == 1 for visitor in visitors)


@pytest.mark.gen_test(timeout=200)
async def test_a_thousand_clients_and_a_restart_below_them(
    site: tuple[Served, Nginx], tmp_path: Path
) -> None:
    served, nginx = site
    async with crowd(nginx.plain_port, COUNT) as (visitors, statuses):
        await all_hear(visitors, "before")
        assert set(statuses) == {200}

        # In place: no connection is refused.
        served.process.send_signal(signal.SIGHUP)
        await asyncio.to_thread(served.wait)
        await until(lambda: statuses[401] + statuses[410] >= COUNT, 60)
        await all_hear(visitors, "after a restart in place")
        assert set(statuses) <= {200, 401, 410}

        # From nothing, at the same port: pages are told to come back.
        await asyncio.to_thread(served.kill)
        anew = await asyncio.to_thread(
            lambda: Served(tmp_path, "--applications", "tests.probe,apps.echo", port=served.port)
        )
        try:
            await until(lambda: statuses[401] + statuses[410] >= 2 * COUNT, 60)
            await all_hear(visitors, "after a crash")
        finally:
            anew.kill()
    assert set(statuses) <= {200, 401, 410, 503, 0, 429}
    assert statuses[0] == 0


@pytest.mark.gen_test(timeout=60)
async def test_a_flood_from_one_address_is_stopped(site: tuple[Served, Nginx]) -> None:
    _, nginx = site
    reader, writer = await asyncio.open_connection("127.0.0.1", nginx.plain_port)
    asked = 20_000
    head = f"GET /thywill/health HTTP/1.1\r\nHost: 127.0.0.1:{nginx.plain_port}\r\n"
    writer.write(f"{head}\r\n".encode() * asked + f"{head}Connection: close\r\n\r\n".encode())
    text = await reader.read(-1)
    writer.close()
    counted = collections.Counter(re.findall(rb"HTTP/1\.1 (\d+) ", text))
    assert set(counted) == {b"200", b"429"}
    assert counted[b"200"] >= 10_000
