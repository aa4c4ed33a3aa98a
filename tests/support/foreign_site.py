"""A site of another origin, whose page uses the chat by ``thywill.connect``."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator

PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>elsewhere</title></head><body>
<script src="%s/static/0/client.js"></script><script src="chat.js"></script></body></html>"""
SCRIPT = """
window.said = []; window.lost = []; window.ways = []; window.failure = null;
function start() { thywill.connect({server: '%s', application: 'chat'}, function (client) {
  client.on('transport', function (name) { ways.push(name); });
  client.on('state', function (state) { lost.push(state); });
  client.on('message', function (event) { if (event.type === 'said') { said.push(event.text); } });
  client.call('enter', ['Lobby'], function (error) { if (!error) { window.chat = client; } });
}, function (told) { failure = told; }); }
if (location.search === '?late') { window.onload = function () { setTimeout(start, 0); }; } else { start(); }
"""


class ForeignSite(http.server.ThreadingHTTPServer):
    """A site of another origin with one page. ``server`` is the address of thywill, without a slash."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.thywill = ""
        self.headers: dict[str, str] = {}

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: ForeignSite

    def do_GET(self) -> None:
        is_script = self.path.startswith("/chat.js")
        text = SCRIPT % (self.server.thywill + "/") if is_script else PAGE % self.server.thywill
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if is_script else "text/html")
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        pass


@contextlib.contextmanager
def foreign_site_served() -> Iterator[ForeignSite]:
    """Serve such a site during the block."""
    with ForeignSite() as site:
        thread = threading.Thread(target=site.serve_forever, args=(0.02,))
        thread.start()
        yield site
        site.shutdown()
        thread.join()
