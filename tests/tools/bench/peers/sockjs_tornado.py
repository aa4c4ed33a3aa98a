"""sockjs-tornado: everyone gets what is published, and an echo."""

from __future__ import annotations

import asyncio
from typing import Any

from sockjs.tornado import SockJSConnection, SockJSRouter
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

CONNECTIONS: set[SockJSConnection] = set()


class Everyone(SockJSConnection):  # type: ignore[misc]
    def on_open(self, info: Any) -> None:
        CONNECTIONS.add(self)

    def on_message(self, message: str) -> None:
        self.send(message)

    def on_close(self) -> None:
        CONNECTIONS.discard(self)


class Publish(RequestHandler):
    def post(self) -> None:
        if CONNECTIONS:
            next(iter(CONNECTIONS)).broadcast(CONNECTIONS, self.request.body.decode())


async def main() -> None:
    # The clients of the load come from several addresses.
    router = SockJSRouter(Everyone, "/push", {"disabled_transports": ["websocket"], "verify_ip": False})
    sockets = bind_sockets(0, "127.0.0.1", backlog=4096)
    server = HTTPServer(Application([*router.urls, ("/publish", Publish)], log_function=lambda handler: None))
    server.add_sockets(sockets)
    print(f"listening on {sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
