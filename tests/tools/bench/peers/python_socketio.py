"""python-socketio by polling, on aiohttp: everyone gets what is published, and an echo."""

from __future__ import annotations

import asyncio
import socket

import socketio
from aiohttp import web

# The load answers no pings: they would end its clients in the middle of a measurement.
server = socketio.AsyncServer(async_mode="aiohttp", transports=["polling"], ping_interval=3600)


@server.on("echo")
async def echo(sid: str, text: str) -> None:
    await server.emit("message", text, to=sid)


async def publish(request: web.Request) -> web.Response:
    await server.emit("message", await request.text())
    return web.Response(text="ok")


async def main() -> None:
    application = web.Application()
    application.router.add_post("/publish", publish)
    server.attach(application)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    await web.SockSite(runner, listening, backlog=4096).start()
    print(f"listening on {listening.getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
