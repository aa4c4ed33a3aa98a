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
from contextlib import ExitStack, asynccontextmanager, closing
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.browser.drivers import require
from tests.conftest import Start
from tests.support.polling_visitor import Visitor
from tests.support.proxied import DEFAULTS, RIGHT, Nginx, behind_nginx
from tests.support.served import UNLIMITED, Served
from tests.support.serving import until
from thywill.commands.http_client import HttpClient, PendingRequest
from thywill.commands.streams import POLLS, STREAMS

COUNT = 1000
APPLICATIONS = ("--applications", "tests.support.probe,apps.echo")


def unlimited(folder: Path) -> tuple[str, ...]:
    """Return the options of a server that does not limit the clients of one address."""
    config = folder / "unlimited.toml"
    config.write_text(UNLIMITED)
    return (*APPLICATIONS, "--config", str(config))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Served, Nginx]]:
    """A server with the probe and the echo behind an nginx with the settings of conf/."""
    with behind_nginx(tmp_path, *APPLICATIONS) as both:
        yield both


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[tuple[Served, Nginx]]:
    """A server like that of ``site`` that does not limit the clients of one address."""
    with behind_nginx(tmp_path, *unlimited(tmp_path)) as both:
        yield both


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


def test_a_file_of_another_version_is_not_cached(site: tuple[Served, Nginx]) -> None:
    _, nginx = site
    assert get(nginx.secure_address + "static/0/echo/echo.js")[1]["cache-control"] == "no-cache"


def test_pages_are_compressed_and_never_cached(site: tuple[Served, Nginx]) -> None:
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


# What only operators may see.

KEY = "a-key-of-the-tests"
OUTSIDE = "127.0.0.2"
HERE = "127.0.0.1"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Callable[[str], Nginx]]:
    """A function that starts a server with this key, or none, behind an nginx with the settings of conf/."""
    with ExitStack() as ending:

        def start(key: str) -> Nginx:
            config = tmp_path / "thywill.toml"
            config.write_text(f'[monitoring]\nkey = "{key}"\n')
            served = Served(tmp_path, "--config", str(config))
            ending.callback(served.kill)
            nginx = Nginx(tmp_path, served.port, None)
            ending.callback(nginx.stop)
            return nginx

        yield start


Answered = tuple[int, Message, str]


def ask(nginx: Nginx, source: str, path: str, body: str | None = None, **headers: str) -> Answered:
    """Return the status, the headers and the body of an answer to a request from the address ``source``."""
    connection = HTTPConnection(HERE, nginx.plain_port, timeout=60, source_address=(source, 0))
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    with closing(connection):
        connection.request("POST" if body else "GET", f"/thywill/{path}", body, {**kind, **headers})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()


def test_metrics_are_closed_to_the_outside(watched: Callable[[str], Nginx]) -> None:
    nginx = watched(KEY)
    key = {"Authorization": f"Bearer {KEY}"}
    status, _, body = ask(nginx, OUTSIDE, "metrics", **key)
    assert (status, "<center>nginx</center>" in body) == (403, True)
    assert ask(nginx, HERE, "metrics")[0] == 401
    status, _, body = ask(nginx, HERE, "metrics", **key)
    assert (status, "\nthywill_info{" in body) == (200, True)


def test_the_status_page_is_reached_with_its_key(watched: Callable[[str], Nginx]) -> None:
    nginx = watched(KEY)
    assert ask(nginx, OUTSIDE, "status/")[0] == 401
    assert ask(nginx, OUTSIDE, "status/", "key=not-the-key")[0] == 401
    status, headers, _ = ask(nginx, OUTSIDE, "status/", f"key={KEY}")
    assert status == 303
    cookie = {"Cookie": headers["Set-Cookie"].partition(";")[0]}
    status, _, page = ask(nginx, OUTSIDE, "status/", **cookie)
    found = re.search(r'id="thywill-bootstrap">(.*?)</script>', page)
    assert (status, found is not None) == (200, True)
    assert found is not None
    figures_come(nginx, json.loads(found[1]), cookie)


def figures_come(nginx: Nginx, client: dict[str, Any], cookie: dict[str, str]) -> None:
    """Poll as the status page does, until it has its figures."""
    cursor, text = client["cursor"], ""
    while '"figures"' not in text:
        poll = json.dumps({"token": client["token"], "cursor": cursor})
        status, _, text = ask(nginx, OUTSIDE, "thywill/poll", poll, **cookie)
        assert status == 200
        cursor = json.loads(text)["cursor"]
    assert ask(nginx, OUTSIDE, "thywill/poll", poll)[0] == 401


def test_without_a_key_nobody_outside_sees_either(watched: Callable[[str], Nginx]) -> None:
    nginx = watched("")
    for path in ("metrics", "status/"):
        assert ask(nginx, OUTSIDE, path, Host="chat.example.org")[0] == 403
        assert ask(nginx, HERE, path)[0] == 200


# Every transport, with HTTP/1.1 and HTTP/1.0 to the server.


class Session:
    """A SockJS session of a new client of the probe.

    Args:
        http: asks.
        transport: by which it receives.
    """

    def __init__(self, http: HttpClient, transport: str) -> None:
        self._http = http
        self._transport = transport
        self._base = f"thywill/sockjs/test/{secrets.token_hex(12)}"

    async def open(self) -> PendingRequest:
        """Open the session and send a token; return the first parked request."""
        token = (await self._http.fetch("thywill/connect", body={"application": "probe"})).json["token"]
        first = self.receive()
        if self._transport in POLLS:
            await first.done()
        else:
            assert await first.wait_for(STREAMS[self._transport], 60)
        await self.say({"token": token, "cursor": 0})
        return self.receive() if self._transport in POLLS else first

    def receive(self) -> PendingRequest:
        """Begin a request that receives."""
        query = "?c=d" if self._transport in ("htmlfile", "jsonp") else ""
        body = b"" if self._transport.startswith("xhr") else None
        return self._http.begin(f"{self._base}/{self._transport}{query}", body=body, timeout=90)

    async def say(self, said: object) -> None:
        """Send a message of the wire."""
        frames = json.dumps([json.dumps(said)]).encode()
        if self._transport == "jsonp":
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            await self._http.fetch(f"{self._base}/jsonp_send", headers=form, body=b"d=" + frames)
        else:
            kind = {"Content-Type": "text/plain"}
            await self._http.fetch(f"{self._base}/xhr_send", headers=kind, body=frames)


async def carry(http: HttpClient, transport: str) -> None:
    """Send a message to the probe and receive its echo."""
    text = f"by {transport}"
    session = Session(http, transport)
    waiting = await session.open()
    await session.say({"messages": [[1, {"echo": text}]]})
    for _ in range(5):
        if await waiting.wait_for(text.encode(), 10):
            break
        waiting = session.receive()
    assert text.encode() in waiting.answer.body
    await session.say({"leave": True})
    await waiting.done()


@pytest.mark.gen_test
@pytest.mark.parametrize("settings", [None, RIGHT, DEFAULTS], ids=["conf/nginx.conf", "1.1", "1.0"])
async def test_every_transport(start: Start, tmp_path: Path, settings: str | None) -> None:
    running = await start()
    nginx = Nginx(tmp_path, int(running.base.rstrip("/").rpartition(":")[2]), settings)
    http = HttpClient(nginx.secure_address, insecure=True)
    try:
        for transport in (*POLLS, *STREAMS):
            await carry(http, transport)
    finally:
        http.close()
        nginx.stop()


# Silence: a short hold, and read time-outs that are far enough from it for a busy machine.

HOLD, SHORT = 5.0, RIGHT.replace("read_timeout 60s", "read_timeout 20s")
SHORTER = RIGHT.replace("read_timeout 60s", "read_timeout 2s")
HEARTBEATS = {
    "xhr": re.compile(rb"^h$", re.MULTILINE),
    "jsonp": re.compile(rb'd\("h"\)'),
    "xhr_streaming": re.compile(rb"^h$", re.MULTILINE),
    "eventsource": re.compile(rb"^data: h", re.MULTILINE),
    "htmlfile": re.compile(rb'p\("h"\)'),
}


async def heartbeats(http: HttpClient, transport: str) -> int:
    """Return how many of two heartbeats arrive by a transport without messages."""
    session = Session(http, transport)
    answers = [await session.open()]

    def count() -> int:
        return sum(len(HEARTBEATS[transport].findall(each.answer.body)) for each in answers)

    if transport in STREAMS:
        await until(lambda: count() == 2 or answers[0].ended is not None, 12 * HOLD)
    while transport in POLLS and count() < 2:
        await answers[-1].done()
        if answers[-1].answer.status != 200:
            break
        answers.append(session.receive())
    return count()


@pytest.mark.gen_test
@pytest.mark.parametrize(("settings", "enough"), [(SHORT, True), (SHORTER, False)], ids=["20 s", "2 s"])
async def test_a_read_time_out_above_the_hold_is_enough(
    start: Start, tmp_path: Path, settings: str, enough: bool
) -> None:
    running = await start(push={"longpoll": {"hold": HOLD}, "sockjs": {"hold": HOLD}})
    port = int(running.base.rstrip("/").rpartition(":")[2])
    nginx = Nginx(tmp_path, port, settings)
    http = HttpClient(nginx.secure_address, insecure=True)
    statuses: collections.Counter[int] = collections.Counter()
    visitor = Visitor(nginx.plain_port, "probe", statuses)
    polling = asyncio.ensure_future(visitor.run())
    try:
        beats = await asyncio.gather(*(heartbeats(http, name) for name in HEARTBEATS))
        if enough:
            # The first was not held.
            await until(lambda: visitor.polls >= 3, 12 * HOLD)
            assert set(statuses) == {200}
            assert beats == [2] * len(HEARTBEATS)
        else:
            await until(lambda: statuses[504], 12 * HOLD)
            assert beats == [0] * len(HEARTBEATS)
    finally:
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        http.close()
        nginx.stop()


# Many.

Together = Callable[[], Awaitable[None]]


@asynccontextmanager
async def crowd(port: int, count: int) -> AsyncIterator[tuple[list[Visitor], collections.Counter[int]]]:
    """Open ``count`` pages, each with a parked poll."""
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
    """Let the first page send a message, and wait until all have received it once."""
    await until(lambda: all(visitor.polls for visitor in visitors), 120)
    await visitors[0].send({"publish": text})
    await until(lambda: all(text in visitor.received for visitor in visitors), 120)
    assert all(visitor.received.count(text) == 1 for visitor in visitors)


@pytest.mark.gen_test(timeout=280)
async def test_a_thousand_clients_and_a_restart_below_them(
    patient: tuple[Served, Nginx], tmp_path: Path
) -> None:
    served, nginx = patient
    async with crowd(nginx.plain_port, COUNT) as (visitors, statuses):
        await all_hear(visitors, "before")
        assert set(statuses) == {200}

        # In place: no connection is refused.
        served.process.send_signal(signal.SIGHUP)
        await asyncio.to_thread(served.wait)
        await until(lambda: statuses[401] + statuses[410] >= COUNT, 120)
        await all_hear(visitors, "after a restart in place")
        assert set(statuses) <= {200, 401, 410}

        # From nothing, at the same port: pages are told to come back.
        await asyncio.to_thread(served.kill)
        anew = await asyncio.to_thread(lambda: Served(tmp_path, *unlimited(tmp_path), port=served.port))
        try:
            await until(lambda: statuses[401] + statuses[410] >= 2 * COUNT, 120)
            await all_hear(visitors, "after a crash")
        finally:
            anew.kill()
    assert set(statuses) <= {200, 401, 410, 503, 0, 429}
    assert statuses[0] == 0
