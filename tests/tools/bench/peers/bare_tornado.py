"""A plain Tornado handler: a poll waits until there is a message after its cursor."""

from __future__ import annotations

import asyncio
import json

from tornado.escape import json_decode
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

LAST: list[str] = []
WAITING: set[asyncio.Future[None]] = set()


class Poll(RequestHandler):
    async def post(self) -> None:
        cursor = json_decode(self.request.body)["cursor"]
        if cursor >= len(LAST):
            woken = asyncio.get_running_loop().create_future()
            WAITING.add(woken)
            try:
                await woken
            finally:
                WAITING.discard(woken)
        answer = {"messages": LAST[cursor:], "cursor": len(LAST)}
        # Compact, as the load wants to find the cursor.
        self.write(json.dumps(answer, separators=(",", ":")))

    def on_connection_close(self) -> None:
        """Nothing to do: its waiting ends with the next message."""


class Publish(RequestHandler):
    def post(self) -> None:
        LAST.append(self.request.body.decode())
        for woken in WAITING:
            if not woken.done():
                woken.set_result(None)


async def main() -> None:
    sockets = bind_sockets(0, "127.0.0.1", backlog=4096)
    server = HTTPServer(
        Application([("/poll", Poll), ("/publish", Publish)], log_function=lambda handler: None)
    )
    server.add_sockets(sockets)
    print(f"listening on {sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
