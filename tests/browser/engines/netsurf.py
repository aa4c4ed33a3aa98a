"""NetSurf: a browser that is maintained and has no XMLHttpRequest.

It has no debugging interface. A server between it and the page puts a script into the page, which loads
commands as scripts and tells what came of them in addresses of further scripts.
"""

from __future__ import annotations

import http.client
import http.server
import json
import queue
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.browser.drivers import DriverError, ScriptError, programs
from tests.browser.drivers.programs import Process
from tests.browser.engines.base import Engine
from tests.browser.engines.runner import COMMAND_TIMEOUT, EVALUATE
from tests.browser.engines.screen import Screen

NO_REQUEST = "it has no XMLHttpRequest"
UNCAUGHT = re.compile(r"Uncaught error in JS: (.*)")
PARK = 10.0
FAILED = -1  # in the place of a command's number
LOOP = """(function () {
  var count = 0;
  function load(address) {
    var script = document.createElement('script');
    script.src = '/__engine/' + address;
    document.getElementsByTagName('head')[0].appendChild(script);
  }
  function next() {
    count += 1;
    load('next?' + count);
  }
  function run(source) {
    try {
      return new Function(source)();
    } catch (exception) {
      return '{"thrown": "the script could not be read"}';
    }
  }
  window.__engine = function (number, source) {
    if (source) { load('result?' + number + '&' + encodeURIComponent(run(source))); }
    next();
  };
  next();
}());"""


class Between(http.server.ThreadingHTTPServer):
    """Passes requests on to a server and puts scripts into its pages.

    Args:
        target: the host and port of the server.
        before: a script that runs before those of the page.
    """

    daemon_threads = True

    def __init__(self, target: str, before: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.target = target
        self.scripts = f"<script>{before}\n</script><script>{LOOP}</script>"
        self.commands: queue.Queue[str] = queue.Queue()
        self.results: queue.Queue[tuple[int, str]] = queue.Queue()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: an engine that ends lets go of its requests."""

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Between

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/__engine/next":
            self.answer_script(self.next_command())
        elif address.path == "/__engine/result":
            number, _, text = address.query.partition("&")
            self.server.results.put((int(number), unquote(text)))
            self.answer_script("")
        else:
            self.pass_on()

    def next_command(self) -> str:
        try:
            return self.server.commands.get(timeout=PARK)
        except queue.Empty:
            return "__engine(0);"

    def pass_on(self) -> None:
        connection = http.client.HTTPConnection(self.server.target, timeout=60)
        try:
            connection.request("GET", self.path, headers=dict(self.told()))
            response = connection.getresponse()
            kind, body = response.headers.get("Content-Type", ""), response.read()
        except OSError as error:
            self.server.results.put((FAILED, f"{self.path}: {error}"))
            raise
        finally:
            connection.close()
        if kind.startswith("text/html"):
            body = body.replace(b"<head>", b"<head>" + self.server.scripts.encode(), 1)
        self.answer(response.status, kind, body)

    def told(self) -> Iterator[tuple[str, str]]:
        # A server admits scripts of its own pages by the two together.
        for name in ("Cookie", "Host", "Referer"):
            if name in self.headers:
                yield name, self.headers[name]

    def answer_script(self, text: str) -> None:
        self.answer(200, "text/javascript; charset=UTF-8", text.encode())

    def answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        pass


class Window(Process):
    """A process that does not end by itself."""

    def stop(self) -> None:
        if self._popen is not None:
            self._popen.terminate()
        super().stop()


class NetSurf(Engine):
    name = "netsurf"
    stands_for = "browsers with scripts and without XMLHttpRequest"
    source = "apt: netsurf-gtk xvfb"
    cannot = {
        "longpoll": NO_REQUEST,
        "xhr-streaming": NO_REQUEST,
        "eventsource": "its EventSource does nothing",
        "htmlfile": "it loads no frame that a script adds",
    }
    paints = False
    tells_leaving = False
    no_chat = "it tells nothing of a script that was loaded, and texts beyond ASCII are broken"

    def __init__(self) -> None:
        self._program = programs.require("netsurf-gtk", "netsurf-gtk")
        self._screen = Screen()
        self._process: Process | None = None
        self._between: Between | None = None
        self._number = 0

    @property
    def running(self) -> bool:
        return self._process is None or self._process.running

    @property
    def errors(self) -> list[str]:
        return UNCAUGHT.findall(self._process.log) if self._process else []

    def open(self, url: str, before: str = "") -> None:
        self.leave()
        address = urlsplit(url)
        self._between = Between(address.netloc, before)
        self._process = Window()
        choices = self._process.folder / ".config" / "netsurf" / "Choices"
        choices.parent.mkdir(parents=True)
        choices.write_text("enable_javascript:1\n")
        own = address._replace(netloc=f"127.0.0.1:{self._between.server_port}").geturl()
        self._process.start(self._screen.command(self._program, own))
        self.evaluate("0")

    def evaluate(self, expression: str) -> Any:
        if self._between is None:
            raise DriverError("no page is open")
        self._number += 1
        source = EVALUATE.replace("EXPRESSION", f"({expression}\n)")
        self._between.commands.put(f"__engine({self._number}, {json.dumps(f'return {source};')});")
        outcome = json.loads(self._result(self._between))
        if "thrown" in outcome:
            raise ScriptError(outcome["thrown"])
        return outcome["value"]

    def screenshot(self, path: Path) -> None:
        raise DriverError("there is no way to a picture")

    def leave(self) -> None:
        if self._process is not None:
            self._process.stop()
        if self._between is not None:
            self._between.stop()
        self._process = self._between = None

    def close(self) -> None:
        self.leave()
        self._screen.close()

    def _result(self, between: Between) -> str:
        number, text = 0, ""
        while number != self._number:
            try:
                number, text = between.results.get(timeout=COMMAND_TIMEOUT)
            except queue.Empty:
                raise DriverError(f"no answer in {COMMAND_TIMEOUT} s: {self.errors}") from None
            if number == FAILED:
                raise DriverError(text)
        return text
