"""Serves what the official SockJS suite asks for: ``tests/tools/conformance/server.py --port 8081``.

They run on the classes of the product: its router, sessions, transports and HTTP servers. What differs are
the settings, and who speaks over a session: an echo instead of a thywill client.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tornado.netutil import bind_sockets
from tornado.web import Application

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from thywill.http.proxies import TrustedProxies
from thywill.http.reader import Limits
from thywill.http.server import FastServer, Server
from thywill.http.shared import Timeouts
from thywill.http.site import Site
from thywill.http.tornado.server import TornadoServer
from thywill.hub.relay import Relay
from thywill.push.sockjs import frames
from thywill.push.sockjs.router import Router
from thywill.push.sockjs.session import Keeper, Session
from thywill.wire.origins import Origins
from thywill.wire.refusals import Refusals

RESPONSE_LIMIT = 4096
SERVERS: dict[str, Callable[..., Server]] = {"fast": FastServer, "tornado": TornadoServer}


class Echo(Session):
    """Sends back each message."""

    def __init__(self, keeper: Keeper, name: str) -> None:
        super().__init__(keeper, name)
        self.texts: list[str] = []

    def on_message(self, message: str) -> None:
        self.texts.append(message)

    def next_frame(self) -> bytes:
        texts, self.texts = self.texts, []
        return frames.messages(frames.quote(text.encode()) for text in texts) if texts else b""


class Close(Session):
    """Closes as soon as it is open."""

    def on_open(self) -> None:
        self.close(3000, "Go away!")


def make_routers(relay: Callable[[str], Relay | None] = lambda name: None) -> list[Router]:
    """Return the services, open to the pages of every origin.

    Args:
        relay: returns what finds the sessions of other servers, for the service of that name.
    """
    settings = {"response_limit": RESPONSE_LIMIT}
    origins = Origins(["*"])
    echo = Router(Echo, "/echo", settings, origins, relay=relay("echo"))
    # The suite wants this one to advertise WebSocket in its /info; the addresses are 404 all the same.
    echo.websockets_enabled = True
    return [
        echo,
        Router(Close, "/close", settings, origins, relay=relay("close")),
        Router(Echo, "/disabled_websocket_echo", settings, origins, relay=relay("disabled_websocket_echo")),
        Router(
            Echo,
            "/cookie_needed_echo",
            {**settings, "jsessionid": True},
            origins,
            relay=relay("cookie_needed_echo"),
        ),
    ]


class Services:
    """All services on one HTTP server; made on the running event loop.

    Args:
        http: ``fast`` or ``tornado``.
        port: the port, or 0 for a free one.
        routers: other services than the suite's.
    """

    def __init__(self, http: str, port: int, routers: Sequence[Router] = ()) -> None:
        self.routers = routers or make_routers()
        rules = [router.rule() for router in self.routers]
        finders = [router.find for router in self.routers]
        site = Site(Application(rules), Refusals(Counter()), finders=finders)
        self._server = SERVERS[http](site, Limits(), Timeouts(), TrustedProxies([]))
        self._sockets = bind_sockets(port, "127.0.0.1")
        self.port: int = self._sockets[0].getsockname()[1]

    async def start(self) -> None:
        """Begin to serve."""
        for router in self.routers:
            router.start()
        await self._server.start(self._sockets)

    async def stop(self) -> None:
        """Close every connection."""
        await self._server.stop(0.1)
        for router in self.routers:
            router.stop()


async def serve(http: str, port: int) -> None:
    services = Services(http, port)
    await services.start()
    print(f"SockJS services on http://127.0.0.1:{services.port}/echo (end them with Ctrl-C)", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await services.stop()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=8081, help="the port, or 0 for a free one")
    parser.add_argument("--http", choices=SERVERS, default="fast", help="the HTTP server")
    chosen = parser.parse_args(arguments)
    try:
        asyncio.run(serve(chosen.http, chosen.port))
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
