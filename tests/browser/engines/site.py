"""A small site on loopback that sees what an engine can do."""

from __future__ import annotations

import http.server
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.browser.engines.base import TRANSPORTS

PROBE = Path(__file__).with_name("probe.js").read_text(encoding="utf-8")
PAGE = """<!DOCTYPE html><html><head><title>site</title></head><body><p id="text">here</p>
<script src="probe.js"></script></body></html>"""
# Many engines show nothing of an answer before they have about this much.
PADDING = " " * 4096
# Seconds for which the end of an answer is held back from an engine that shows its beginning, and from one
# that is said not to.
PATIENCE, LITTLE = 60.0, 1.5

# transport: (type, beginning); those of the first two are whole with it
ANSWERS = {
    "longpoll": ("text/plain", "whole"),
    "jsonp": ("text/javascript", "arrived('jsonp');"),
    "xhr-streaming": ("text/plain", f"first{PADDING}"),
    "eventsource": ("text/event-stream", f":{PADDING}\n\ndata: first\n\n"),
    "htmlfile": (
        "text/html",
        f"<!DOCTYPE html><html><body>{PADDING}<script>parent.arrived('htmlfile');</script>\n",
    ),
}


class Site(http.server.ThreadingHTTPServer):
    """One page, and what has happened on it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.arrived = {transport: threading.Event() for transport in TRANSPORTS}
        self.works: dict[str, bool] = {}
        self.patience = dict.fromkeys(TRANSPORTS, PATIENCE)
        self.finished = {transport: threading.Event() for transport in TRANSPORTS}
        self.left = threading.Event()

    def note_arrival(self, transport: str) -> None:
        """Note that something of an answer is there in the page."""
        self.arrived[transport].set()
        if transport == "jsonp":
            self.finish(transport, works=True)

    def hold(self, transport: str) -> None:
        """Wait for the page, but not for ever."""
        self.finish(transport, works=self.arrived[transport].wait(self.patience[transport]))

    def finish(self, transport: str, *, works: bool) -> None:
        self.works[transport] = works
        self.finished[transport].set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/":
            self.answer("text/html", PAGE)
        elif address.path == "/probe.js":
            self.answer("text/javascript", PROBE)
        elif address.path == "/stream":
            self.stream(parse_qs(address.query)["transport"][0])
        elif address.path == "/arrived":
            self.server.note_arrival(parse_qs(address.query)["transport"][0])
            self.answer("text/javascript", "")
        else:
            self.answer("text/plain", "", status=404)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/left":
            self.server.left.set()
        self.answer("text/plain", "")

    def stream(self, transport: str) -> None:
        """Answer; all but a script is held back until the page tells that it has the beginning."""
        kind, beginning = ANSWERS[transport]
        if transport == "jsonp":
            self.answer(kind, beginning)
        elif transport == "longpoll":
            self.server.hold(transport)
            self.answer(kind, beginning)
        else:
            self.begin(kind, beginning)
            self.server.hold(transport)

    def begin(self, kind: str, text: str) -> None:
        """Send an answer that ends with the connection."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=UTF-8")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text.encode())

    def answer(self, kind: str, text: str, status: int = 200) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        pass
