"""The stock sockjs-client, two versions of it, on each of its HTTP transports: in Node.js and in Chromium."""

from __future__ import annotations

import functools
import http.server
import json
import socket
import socketserver
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.browser.drivers import Browser
from tests.browser.drivers.programs import provide, require
from tests.gate import environment
from tests.support.proxy import pump, shut
from tests.support.redis_servers import RedisServer
from tests.support.served import Served

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent / "stock"
FOLDER = environment.NODE_TOOLS / "sockjs"
VERSIONS = ("1.5.2", "1.6.1")
PACKAGES = tuple(f"sockjs-client-{version}@npm:sockjs-client@{version}" for version in VERSIONS)
TEXT = "ä \u2028 \U0001f600 </script> \x00"

IN_NODE = ("xhr-streaming", "eventsource", "xhr-polling")
SAME_ORIGIN = ("htmlfile", "xhr-streaming", "eventsource", "xhr-polling", "jsonp-polling")
OTHER_ORIGIN = (
    "xhr-streaming", "eventsource", "iframe-eventsource", "iframe-htmlfile", "xhr-polling",
    "iframe-xhr-polling", "jsonp-polling",
)  # fmt: skip


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a word. Its pages isolate themselves, and so may show fewer frames than others."""

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module", params=VERSIONS)
def package(request: pytest.FixtureRequest) -> Path:
    """The folder of each version."""
    provide(lambda: environment.prepare_node(FOLDER, PACKAGES))
    return FOLDER / "node_modules" / f"sockjs-client-{request.param}"


@pytest.fixture(scope="module")
def elsewhere(package: Path) -> Iterator[str]:
    """Another origin, which serves the client's files."""
    handler = functools.partial(Quiet, directory=str(package / "dist"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module", params=["fast", "tornado", "processes"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, elsewhere: str
) -> Iterator[Served]:
    """A server that allows that origin, with short responses; or three processes on one port."""
    folder = tmp_path_factory.mktemp("server")
    settings = folder / "thywill.toml"
    several = request.param == "processes"
    with ExitStack() as stack:
        if several:
            redis = RedisServer("redis")
            stack.callback(redis.close)
        settings.write_text(
            f'server.http = "{"fast" if several else request.param}"\n'
            f"server.processes = {3 if several else 1}\n"
            'application_interface.applications = ["tests.support.probe"]\n'
            f'client_interface.origins = ["{elsewhere}"]\n'
            f'push.sockjs = {{ response = 1500, client = "{elsewhere}/sockjs.min.js" }}\n'
            + (f'queue = {{ component = "redis", url = "{redis.url()}" }}\n' if several else "")
        )
        yield stack.enter_context(Served(folder, "--config", str(settings)))


class Stripped(socketserver.BaseRequestHandler):
    """Passes on what is asked for below ``/live/``, as a proxy does that has a path for the server."""

    server: Below

    def handle(self) -> None:
        with socket.create_connection(self.server.target) as upstream:
            back = threading.Thread(target=pump, args=(upstream, self.request))
            back.start()
            while data := self.request.recv(65536):
                upstream.sendall(data.replace(b" /live/", b" /"))
            shut(upstream)
            back.join()


class Below(socketserver.ThreadingTCPServer):
    """A proxy that serves a server below ``/live/``."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), Stripped)
        self.target = ("127.0.0.1", port)
        self.address = f"http://127.0.0.1:{self.server_address[1]}/live/"


@pytest.fixture
def below(server: Served) -> Iterator[str]:
    """The server's address behind that proxy."""
    with Below(server.port) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.02,))
        thread.start()
        yield proxy.address
        proxy.shutdown()
        thread.join()


def options(server: Served, transport: str) -> dict[str, Any]:
    """Return what a visit needs, with the token of a new client."""
    connect = urllib.request.Request(server.address + "thywill/connect", b'{"application":"probe"}')
    with urllib.request.urlopen(connect) as response:
        answer = json.load(response)
    chosen = {"token": answer["token"], "cursor": answer["cursor"]}
    return {"base": server.address + "thywill/sockjs", "transport": transport, **chosen}


def check(outcome: dict[str, Any], transport: str) -> None:
    """Everything arrived once and in order, by that transport, over two sessions, and the end was told."""
    data = outcome["data"]
    assert (outcome["failure"], data[0], data[-1]) == (None, TEXT, "moved")
    assert [each[0] for each in data[1:-1]] == list(range(1, 20))
    assert outcome["transports"] == [transport, transport]
    assert outcome["errors"] == [{"code": "gone", "message": "the page has left"}]
    assert outcome["closes"] == [[1000, "Normal closure"], [4010, "the page has left"]]


def visit_in_node(package: Path, chosen: dict[str, Any]) -> dict[str, Any]:
    """Return what a visit by Node.js came to."""
    command = [require("node", "nodejs"), str(HERE / "in_node.js"), str(package), json.dumps(chosen)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    outcome: dict[str, Any] = json.loads(output)
    return outcome


@pytest.mark.parametrize("transport", IN_NODE)
def test_in_node(package: Path, server: Served, transport: str) -> None:
    check(visit_in_node(package, options(server, transport)), transport)


@pytest.mark.parametrize("transport", IN_NODE)
def test_below_a_path_of_a_proxy(package: Path, server: Served, below: str, transport: str) -> None:
    chosen = {**options(server, transport), "base": below + "thywill/sockjs"}
    check(visit_in_node(package, chosen), transport)


def visit(browser: Browser, package: Path, address: str, chosen: dict[str, Any]) -> dict[str, Any]:
    """Return what a visit from the page at ``address`` came to."""
    page = browser.new_page()
    page.open(address)
    for script in (package / "dist" / "sockjs.min.js", HERE / "scenario.js"):
        page.evaluate(f"(function () {{ {script.read_text(encoding='utf-8')}\n}}.call(window), 1)")
    outcome: dict[str, Any] = page.evaluate(f"visitWith(SockJS, {json.dumps(chosen)})")
    return outcome


@pytest.mark.parametrize("transport", SAME_ORIGIN)
def test_in_a_page_of_ours(chromium: Browser, package: Path, server: Served, transport: str) -> None:
    chosen = options(server, transport)
    check(visit(chromium, package, server.address + "thywill/sockjs", chosen), transport)


@pytest.mark.parametrize("transport", OTHER_ORIGIN)
def test_in_a_page_of_another_origin(
    chromium: Browser, package: Path, server: Served, elsewhere: str, transport: str
) -> None:
    chosen = options(server, transport)
    check(visit(chromium, package, f"{elsewhere}/", chosen), transport)
