"""A page of another origin, which connects to the chat by ``thywill.connect``, and what it goes through."""

from __future__ import annotations

import http.server
import json
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.browser.engines.base import Engine
from tests.browser.engines.scenario import COUNT, ROOM, Times, disturb, find_person, leaves, text_of, used
from tests.browser.engines.wire import Talker
from tests.support.proxy import Proxy
from tests.support.served import Reachable, Served

PAGE = """<!DOCTYPE html><html><head><title>foreign_site</title></head><body><p>another origin</p>
<script>
var wanted = /transport=([a-z-]+)/.exec(location.search);
if (wanted) { window.thywill = {transports: [wanted[1]]}; }
</script>
<script src="SERVERstatic/0/client.js"></script>
<script>
var client = null, me = '', entered = false, failure = null, heard = [], accepted = [];
thywill.connect({server: 'SERVER', application: 'chat'}, function (opened) {
  client = opened;
  client.on('message', function (event) {
    if (event.type === 'entered') { me = event.you.id; }
    if (event.type === 'said') { heard.push([event.person.id === me ? 'mine' : 'theirs', event.text]); }
  });
  client.call('enter', ['ROOM'], function (error) {
    failure = error && error.message;
    entered = !error;
  });
}, function (failed) { failure = failed.message; });

function say(text) {
  client.call('say', ['ROOM', text], function (error) {
    accepted.push(error ? error.message : text);
  });
}
</script></body></html>"""


class ForeignSite(http.server.ThreadingHTTPServer):
    """A site of its own, with one page; used by ``with``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.page = ""
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def address(self, server: str, transport: str) -> str:
        """Return the page's address; the page connects to ``server`` and has ``transport`` forced."""
        self.page = PAGE.replace("SERVER", server).replace("ROOM", ROOM)
        return f"{self.origin}/?transport={transport}" if transport in FORCED else f"{self.origin}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    server: ForeignSite

    def do_GET(self) -> None:
        body = self.server.page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        pass


# What the page can ask for, of those that go to other origins.
FORCED = ("longpoll", "jsonp", "xhr-streaming", "eventsource")


def served_to(folder: Path, site: ForeignSite) -> Served:
    """Start a server that pages of ``site`` may connect to."""
    settings = folder / "thywill.toml"
    settings.write_text(f'[client_interface]\norigins = ["{site.origin}"]\n')
    return Served(folder, "--config", str(settings))


def run(engine: Engine, server: Reachable, site: ForeignSite, transport: str) -> Times:
    """Let a page of ``site`` and somebody else talk, as the chat's own page does in ``scenario``.

    Args:
        engine: shows the page.
        server: has the chat.
        site: has the page.
        transport: the one that the page is to use, or any other word to leave the choice to it.

    Raises:
        AssertionError: something was lost, came twice, in another order or not at all.
    """
    with Talker(server.port, ROOM) as other, Proxy(server.port) as proxy:
        begun = time.monotonic()
        engine.open(site.address(proxy.address, transport))
        engine.wait_for("window.entered || window.failure")
        assert engine.evaluate("failure") is None
        connected = time.monotonic() - begun
        person = find_person(other)
        message = first_message(engine, other)
        carried = used(engine, transport)
        talk(engine, other, proxy, person)
        assert engine.errors == []
        tells = engine.tells_leaving_elsewhere and carried not in engine.leaves_in_silence
        leaves(engine, other, person, tells=tells)
    return Times(connected, message, carried)


def first_message(engine: Engine, other: Talker) -> float:
    begun = time.monotonic()
    other.say("the first")
    engine.wait_for("heard.length === 1")
    return time.monotonic() - begun


def talk(engine: Engine, other: Talker, proxy: Proxy, person: str) -> None:
    pushed, said = ([text_of(what, index) for index in range(COUNT)] for what in ("pushed", "said"))
    for index, text in enumerate(pushed):
        other.say(text)
        disturb(engine, proxy, index)
    engine.wait_for(f"heard.length >= {COUNT + 1}")
    for index, text in enumerate(said):
        engine.evaluate(f"(say({json.dumps(text)}), true)")
        disturb(engine, proxy, index)
    other.wait_for(lambda: len(other.heard(person)) >= COUNT)
    engine.wait_for(f"accepted.length >= {COUNT} && heard.length >= {2 * COUNT + 1}")
    assert other.heard(person) == engine.evaluate("accepted") == said
    heard = [["theirs", text] for text in ["the first", *pushed]] + [["mine", text] for text in said]
    assert engine.evaluate("heard") == heard
