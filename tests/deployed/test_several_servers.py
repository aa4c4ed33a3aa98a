"""``conf/nginx.conf`` in the real nginx before several servers: turns, a server that is killed, repeats."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.browser.drivers import require
from tests.gate.environment import ROOT
from tests.support.proxied import Nginx
from tests.support.served import Served
from tests.support.shared_queue import SHARED
from tests.support.upstreams import Upstream, for_two

CONNECT = b'{"application": "echo"}'
GETS = ("/jsonp", "/eventsource", "/htmlfile", "/info")


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Nginx, list[Served]]]:
    """Two servers of one shared queue, and nginx before them."""
    config = tmp_path / "thywill.toml"
    config.write_text(f'[queue]\ncomponent = "{SHARED}"\n')
    with ExitStack() as running:
        environment = {"PYTHONPATH": str(ROOT)}
        options = ("--config", str(config), "--applications", "apps.echo")
        servers = [
            running.enter_context(Served(tmp_path, *options, environment=environment)) for _ in range(2)
        ]
        nginx = Nginx(tmp_path, servers[0].port, None, for_two(servers[1].port))
        running.callback(nginx.stop)
        yield nginx, servers


def ask(url: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Return status and body of the answer to a GET, or to a POST of ``body``."""
    try:
        with urlopen(Request(url, data=body), timeout=60) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def test_servers_take_turns_and_one_that_is_killed_is_not_missed(both: tuple[Nginx, list[Served]]) -> None:
    nginx, servers = both
    program = require("nginx", "nginx-light")
    command = [program, "-t", "-p", str(nginx.config.parent), "-c", str(nginx.config)]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (tried.returncode, "warn" in tried.stderr) == (0, False), tried.stderr

    met = set()
    for _ in range(8):
        (row,) = json.loads(ask(f"{nginx.address}thywill/servers")[1])["servers"]
        met.add(row["process"])
    assert met == {each.process.pid for each in servers}

    for number in range(6):
        session = f"{nginx.address}thywill/sockjs/000/session{number}/"
        assert ask(f"{session}xhr", b"") == (200, b"o\n")
        assert ask(f"{session}xhr_send", b'["x"]')[0] == 204

    servers[0].kill()
    answers = [ask(f"{nginx.address}thywill/connect", CONNECT)[0] for _ in range(8)]
    assert answers == [200] * 8
    servers[1].process.send_signal(signal.SIGKILL)
    servers[1].ended()
    status, body = ask(f"{nginx.address}thywill/health")
    assert (status, json.loads(body)["error"]["code"]) == (503, "draining")


@pytest.mark.parametrize(
    ("path", "status", "repeated"),
    [
        ("thywill/send", 0, True),
        ("thywill/connect", 0, True),
        ("thywill/send", 503, True),
        ("thywill/send", 500, False),
        ("thywill/sockjs/000/session{}/xhr_send", 0, False),
        ("thywill/sockjs/000/session{}/xhr", 0, False),
        ("thywill/sockjs/000/session{}/jsonp?c=f", 0, False),
        ("thywill/sockjs/000/session{}/eventsource", 0, False),
        ("thywill/sockjs/000/session{}/htmlfile?c=f", 0, False),
        ("thywill/sockjs/info?{}", 0, True),
        ("thywill/publish", 0, False),
    ],
)
def test_what_nginx_repeats_at_the_next_server(
    tmp_path: Path, path: str, status: int, repeated: bool
) -> None:
    with Upstream(status) as faulty, Upstream(200) as good:
        nginx = Nginx(tmp_path, faulty.port, None, for_two(good.port, "max_fails=0"))
        try:
            body = None if path.partition("?")[0].endswith(GETS) else b"{}"
            answers = [ask(nginx.address + path.format(n), body)[0] for n in range(12)]
        finally:
            nginx.stop()
    assert faulty.paths
    assert len(good.paths) == answers.count(200)
    if repeated:
        assert answers == [200] * 12
    else:
        assert set(answers) == {200, status or 503}
        assert len(good.paths) + len(faulty.paths) == 12
