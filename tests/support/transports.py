"""Test clients of each transport: native polls, and a SockJS session for each SockJS transport."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from abc import ABC, abstractmethod
from typing import Any
from urllib.parse import quote, urlencode

from tests.support.sockjs import Stream
from tests.support.wire import Ended, request

JSON = "Content-Type: text/plain;charset=UTF-8"
FORM = "Content-Type: application/x-www-form-urlencoded"


class Cut(Exception):
    """The connection or session has ended; the page needs a new one."""


class CutStream(Stream):
    """A connection that breaks off after ``budget`` bytes were read; never if ``budget`` is None."""

    budget: int | None = None

    async def _more(self) -> None:
        if self.budget == 0:
            self.reset()
            raise Ended(bytes(self._received))
        had = len(self._received)
        await super()._more()
        if self.budget is not None:
            new = min(len(self._received) - had, self.budget)
            self.budget -= new
            del self._received[had + new :]


class Transport(ABC):
    """One way for messages to travel, for a client that has a token.

    Args:
        port: the server's.
        token: the client's.
        headers: sent with every request.
    """

    name = ""

    def __init__(self, port: int, token: str, *headers: str) -> None:
        self.port = port
        self.token = token
        self.headers = headers
        self.budget: int | None = None
        self._streams: list[Stream] = []

    @abstractmethod
    async def attach(self, cursor: int) -> None:
        """Begin to receive after ``cursor``."""

    @abstractmethod
    async def receive(self) -> dict[str, Any]:
        """Return the server's next object that is no answer to ``send``; raises ``Cut``."""

    @abstractmethod
    async def acknowledge(self, cursor: int) -> None:
        """Acknowledge all messages up to ``cursor``."""

    @classmethod
    def shown(cls) -> str:
        """Return the transport's name in the browser client, which differs from that in the address."""
        return cls.name.replace("_", "-")

    @abstractmethod
    async def send(self, items: list[Any]) -> dict[str, Any]:
        """Send items and return what the server answers to them; raises ``Cut``."""

    @abstractmethod
    async def leave(self) -> None:
        """Leave, as a page does when it is closed."""

    async def close(self) -> None:
        """Close the connections without leaving."""
        for stream in self._streams:
            stream.close()

    async def _connect(self) -> Stream:
        connecting = asyncio.ensure_future(CutStream.connect(self.port))
        try:
            stream = await asyncio.shield(connecting)
        except asyncio.CancelledError:
            (await connecting).close()
            raise
        assert isinstance(stream, CutStream)
        stream.budget = self.budget
        self._streams.append(stream)
        return stream

    async def _post(self, path: str, body: str, kind: str = JSON) -> tuple[int, bytes]:
        stream = await self._connect()
        await stream.send(request(path, kind, *self.headers, method="POST", body=body.encode()))
        answer = await stream.answer()
        stream.close()
        return answer.status, answer.body


class LongPoll(Transport):
    """Native polls. The first asks for an answer at once, as the browser client does."""

    name = "longpoll"
    _cursor = 0
    _begun = False

    async def attach(self, cursor: int) -> None:
        self._cursor = cursor

    async def receive(self) -> dict[str, Any]:
        hold = {} if self._begun else {"hold": 0}
        self._begun = True
        return await self._ask("poll", cursor=self._cursor, **hold)

    async def acknowledge(self, cursor: int) -> None:
        self._cursor = cursor

    async def send(self, items: list[Any]) -> dict[str, Any]:
        return await self._ask("send", messages=items)

    async def leave(self) -> None:
        await self._ask("leave")

    async def _ask(self, path: str, **fields: Any) -> dict[str, Any]:
        body = json.dumps({"token": self.token, **fields})
        try:
            answer: dict[str, Any] = json.loads((await self._post(f"/thywill/{path}", body))[1])
        except (Ended, OSError):
            raise Cut from None
        return answer


class SockJS(Transport):
    """A SockJS session."""

    def __init__(self, port: int, token: str, *headers: str) -> None:
        super().__init__(port, token, *headers)
        self.base = f"/thywill/sockjs/000/{uuid.uuid4()}"
        self.closed: tuple[int, str] | None = None
        self.heartbeats = 0
        self.said: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._outcomes: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._opened = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def attach(self, cursor: int) -> None:
        await self.open()
        await self.say({"token": self.token, "cursor": cursor})

    async def open(self) -> None:
        """Wait for the open frame."""
        self._reader = asyncio.ensure_future(self._read())
        await self._opened.wait()

    async def receive(self) -> dict[str, Any]:
        said = await self.said.get()
        if said is None:
            raise Cut
        return said

    async def acknowledge(self, cursor: int) -> None:
        with contextlib.suppress(Cut):
            await self.say({"cursor": cursor})

    async def send(self, items: list[Any]) -> dict[str, Any]:
        await self.say({"messages": items})
        return await self.outcome()

    async def outcome(self) -> dict[str, Any]:
        """Return the next answer to what was sent; raises ``Cut``."""
        outcome = await self._outcomes.get()
        if outcome is None:
            raise Cut
        return outcome

    async def leave(self) -> None:
        await self.say({"leave": True})

    async def say(self, *messages: Any) -> None:
        """Send messages of the SockJS session, each a text of JSON."""
        try:
            status = await self.write(json.dumps([json.dumps(message) for message in messages]))
        except (Ended, OSError):
            raise Cut from None
        if status >= 300:
            raise Cut

    async def write(self, body: str) -> int:
        """Send a body as this transport does; return the status."""
        return (await self._post(f"{self.base}/xhr_send", body))[0]

    async def _read(self) -> None:
        with contextlib.suppress(Ended, OSError):
            while self.closed is None:
                await self._read_answer()
        self._opened.set()
        self.said.put_nowait(None)
        self._outcomes.put_nowait(None)

    @abstractmethod
    async def _read_answer(self) -> None:
        """Read one answer, frame by frame."""

    def _take(self, frame: bytes) -> None:
        if frame == b"o":
            self._opened.set()
        elif frame[:1] == b"a":
            for message in json.loads(frame[1:]):
                self._sort(json.loads(message))
        elif frame[:1] == b"c":
            self.closed = tuple(json.loads(frame[1:]))
        else:
            assert frame == b"h"
            self.heartbeats += 1

    def _sort(self, said: dict[str, Any]) -> None:
        passing = said.get("error", {}).get("code") in ("gap", "too_large", "too_many")
        (self._outcomes if "received" in said or passing else self.said).put_nowait(said)

    def stop_reading(self) -> None:
        """Read no more, without closing."""
        if self._reader is not None:
            self._reader.cancel()

    async def close(self) -> None:
        await super().close()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])


class Xhr(SockJS):
    """A poll for each frame."""

    name = "xhr"
    _poll: Stream | None = None

    async def _read_answer(self) -> None:
        self._poll = self._poll or await self._connect()
        answer = await self._poll.ask(f"{self.base}/xhr", *self.headers, method="POST", body=b"")
        self._take(answer.body.removesuffix(b"\n"))


class Jsonp(SockJS):
    """Script tags and forms."""

    name = "jsonp"

    async def _read_answer(self) -> None:
        stream = await self._connect()
        answer = await stream.ask(f"{self.base}/jsonp?c=_jp.x", *self.headers)
        stream.close()
        text = answer.body.removeprefix(b"/**/_jp.x(").removesuffix(b");\r\n")
        self._take(json.loads(text).encode())

    async def write(self, body: str) -> int:
        form = urlencode({"d": body}, quote_via=quote)
        return (await self._post(f"{self.base}/jsonp_send", form, FORM))[0]


class Streaming(SockJS):
    """Many frames in one answer."""

    method = "GET"
    query = ""
    wrapping = (b"", b"")

    async def _read_answer(self) -> None:
        stream = await self._connect()
        body = b"" if self.method == "POST" else None
        path = f"{self.base}/{self.name}{self.query}"
        head = await stream.begin(path, *self.headers, method=self.method, body=body)
        assert head.status == 200
        await stream.chunk()
        before, after = self.wrapping
        while chunk := await stream.chunk():
            assert chunk.startswith(before)
            assert chunk.endswith(after)
            self._take(self._unwrap(chunk[len(before) : -len(after)]))

    def _unwrap(self, frame: bytes) -> bytes:
        return frame


class XhrStreaming(Streaming):
    """XMLHttpRequest."""

    name = "xhr_streaming"
    method = "POST"
    wrapping = (b"", b"\n")


class EventSource(Streaming):
    """Server-sent events."""

    name = "eventsource"
    wrapping = (b"data: ", b"\r\n\r\n")


class HtmlFile(Streaming):
    """A page without end."""

    name = "htmlfile"
    query = "?c=_jp.x"
    wrapping = (b"<script>\np(", b");\n</script>\r\n")

    def _unwrap(self, frame: bytes) -> bytes:
        return str(json.loads(frame)).encode()


SESSIONS: tuple[type[SockJS], ...] = (Xhr, XhrStreaming, EventSource, HtmlFile, Jsonp)
TRANSPORTS: tuple[type[Transport], ...] = (LongPoll, *SESSIONS)
