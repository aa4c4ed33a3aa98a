"""A page with a stock SockJS client, which opens another session whenever one is lost."""

from __future__ import annotations

import asyncio
import http.client
import json
import uuid
from collections.abc import AsyncIterator, Coroutine
from contextlib import closing
from typing import Any

from tests.support.sockjs import Ended, Service

PREFIX = "/thywill/sockjs"
PAUSE = 0.05
"""Seconds before the next session; an application waits as well."""


class LostSession(Exception):
    """``onclose`` of a stock client: a request has failed, or the session is unknown or has ended."""


class StockPage:
    """One page. Each of its requests has a connection of its own.

    ``got`` has the data of all messages, in their order, ``sessions`` the names of its sessions, ``losses``
    why they were lost; ``requests`` counts the requests that waited for frames.

    Args:
        port: where all its requests go.
        transport: ``xhr``, ``xhr_streaming`` or ``jsonp``.
        application: the application's name.
    """

    def __init__(self, port: int, transport: str, application: str = "probe") -> None:
        self._port = port
        self.transport = transport
        answer = self._connect(application)
        self.id, self._token, self.cursor = answer["client"], answer["token"], answer["cursor"]
        self.got: list[Any] = []
        self.sessions: list[str] = []
        self.losses: list[str] = []
        self.requests = 0
        self._queue: list[list[Any]] = []
        self._sent = 0
        self._something = asyncio.Event()

    def _connect(self, application: str) -> dict[str, Any]:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)) as connection:
            connection.request("POST", "/thywill/connect", json.dumps({"application": application}))
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
            return answer

    def send(self, data: Any) -> None:
        """Send a message, again with the next session if this one is lost before the server has it."""
        self._sent += 1
        self._queue.append([self._sent, data])
        self._something.set()

    async def live(self) -> None:
        """Open session after session."""
        while True:
            try:
                await self._live_once()
            except LostSession as loss:
                self.losses.append(str(loss))
                await asyncio.sleep(PAUSE)

    async def _live_once(self) -> None:
        service = Service(self._port, PREFIX)
        try:
            await self._open(service)
            await _first(self._receive(service), self._keep_sending(service))
        except (Ended, OSError) as error:
            raise LostSession(f"a connection broke: {error!r}") from None
        finally:
            service.close()

    async def _open(self, service: Service) -> None:
        self._base = f"/000/{uuid.uuid4()}"
        frames = [frame async for frame in self._frames(service, once=True)]
        if frames != ["o"]:
            raise LostSession(f"not opened: {frames}")
        self.sessions.append(self._base.rpartition("/")[2])
        await self._say(service, token=self._token, cursor=self.cursor)
        self._something.set()

    # Messages to the server.

    async def _keep_sending(self, service: Service) -> None:
        told = self.cursor
        while True:
            await self._something.wait()
            self._something.clear()
            if self._queue or told != self.cursor:
                told = self.cursor
                await self._say(service, cursor=told, messages=self._queue)

    async def _say(self, service: Service, **fields: Any) -> None:
        body = json.dumps([json.dumps(fields)])
        if self.transport == "jsonp":
            form = "Content-Type: text/plain"
            answer = await service.post(f"{self._base}/jsonp_send", body, form)
        else:
            answer = await service.post(f"{self._base}/xhr_send", body)
        if answer.status not in (200, 204):
            raise LostSession(f"a message was answered {answer.status}")

    # Messages from the server.

    async def _receive(self, service: Service) -> None:
        while True:
            async for frame in self._frames(service):
                self._take(frame)

    async def _frames(self, service: Service, *, once: bool = False) -> AsyncIterator[str]:
        """Yield the frames of one request that waits for them."""
        self.requests += 1
        if self.transport == "jsonp":
            answer = await service.get(f"{self._base}/jsonp?c=f")
            text = _accepted(answer.status, answer.body)
            yield json.loads(text.removeprefix("/**/f(").removesuffix(");\r\n"))
        elif self.transport == "xhr" or once:
            answer = await service.post(f"{self._base}/xhr")
            yield _accepted(answer.status, answer.body).removesuffix("\n")
        else:
            stream, head = await service.stream(f"{self._base}/xhr_streaming")
            _accepted(head.status, b"")
            rest = b""
            while chunk := await stream.chunk():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line.strip(b"h"):
                        yield line.decode()

    def _take(self, frame: str) -> None:
        if frame == "h":
            return
        if frame[0] != "a":
            raise LostSession(f"a frame: {frame}")
        for text in json.loads(frame[1:]):
            self._understand(json.loads(text))

    def _understand(self, said: dict[str, Any]) -> None:
        assert "error" not in said, said
        received = said.get("received", 0)
        self._queue = [each for each in self._queue if each[0] > received]
        for number, data, *_ in said.get("messages", []):
            assert number > self.cursor
            self.cursor = number
            self.got.append(data)
        self._something.set()


def _accepted(status: int, body: bytes) -> str:
    if status != 200:
        raise LostSession(f"a request for frames was answered {status} {body!r}")
    return body.decode()


async def _first(*work: Coroutine[Any, Any, None]) -> None:
    """Run these until the first ends; cancel the others, and raise its error."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
