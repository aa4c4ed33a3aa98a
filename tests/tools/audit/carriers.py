"""The transports of the Python client: native polls, and SockJS sessions."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from tests.tools.audit.wire import Broken

if TYPE_CHECKING:
    from tests.tools.audit.page import Page

SLACK = 1.5
"""Seconds beyond the hold until an answer is given up."""
MANY = 20
PAUSE = 0.3


class Over(Exception):
    """The transport has ended; ``retry`` is the number of seconds until the next attempt."""

    def __init__(self, retry: float = 0) -> None:
        self.retry = retry


class Carrier:
    """A transport: one way to receive messages."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.can_send = False
        self.line = page.new_line()

    async def run(self) -> None:
        """Receive messages until the connection breaks; raises ``Broken`` or ``Over``."""
        raise NotImplementedError

    async def send(self, items: list[Any]) -> dict[str, Any]:
        """Send items; return the answer."""
        raise NotImplementedError

    def cut(self) -> None:
        """Lose the connections."""
        self.line.close()

    def close(self) -> None:
        """Break off."""
        self.cut()


class Polls(Carrier):
    """Native polls; the first is not held."""

    async def run(self) -> None:
        page, held = self.page, False
        while True:
            cursor = page.cursor
            fields = {"token": page.token, "cursor": cursor} | ({} if held else {"hold": 0})
            seconds = (page.hold if held else 0) + SLACK
            status, body = await self.line.ask("/thywill/poll", json.dumps(fields).encode(), seconds)
            page.take(status, json.loads(body), cursor)
            held = True


class Session(Carrier):
    """A SockJS session: its frames, its acknowledgements."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.base = f"/thywill/sockjs/000/{page.rng.getrandbits(96):x}"
        self._sender = page.new_line()
        self._unconfirmed = 0
        self._after = page.cursor
        self._outcomes: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._confirming: asyncio.Task[None] | None = None

    async def run(self) -> None:
        while True:
            await self.read()

    async def read(self) -> None:
        """Read one answer, frame by frame."""
        raise NotImplementedError

    async def frame(self, frame: bytes) -> None:
        """Take one frame."""
        kind, page = frame[:1], self.page
        if kind == b"o" and self.can_send:
            raise Over  # the session begins anew at another server, since its own has died
        if kind == b"o":
            await self.say({"token": page.token, "cursor": page.cursor})
        elif kind == b"c":
            raise Over
        elif kind == b"a":
            for said in json.loads(frame[1:]):
                self._hear(json.loads(said))

    def _hear(self, said: dict[str, Any]) -> None:
        code = said.get("error", {}).get("code")
        if "received" in said or code in ("gap", "too_large", "too_many"):
            self._outcomes.put_nowait(said)
            return
        page = self.page
        if code == "bad_token" and not self.can_send:
            raise Over  # the open frame was lost, so the session belongs to nobody yet
        if said.get("after", page.cursor) > page.cursor:
            raise Over  # an answer before this one got lost
        if "after" in said and said["after"] != self._after:
            page.wrong(f"an answer begins after {said['after']}, the one before ended with {self._after}")
        page.take(200, said, page.cursor)
        self.can_send = True
        self._after = page.cursor
        self._unconfirmed += len(said.get("messages", ()))
        if self._unconfirmed and self._confirming is None:
            self._confirming = asyncio.ensure_future(self._confirm())

    async def _confirm(self) -> None:
        if self._unconfirmed < MANY:
            await asyncio.sleep(PAUSE)
        self._unconfirmed = 0
        try:
            await self.say({"cursor": self.page.cursor})
        except Broken:
            self._unconfirmed += 1
        except Over:
            self.line.close()
        self._confirming = None
        if self._unconfirmed:
            self._confirming = asyncio.ensure_future(self._confirm())

    async def say(self, message: dict[str, Any]) -> None:
        """Send one message of the session."""
        body = json.dumps([json.dumps(message)]).encode()
        status, _ = await self._sender.ask(f"{self.base}/xhr_send", body, SLACK + self.page.hold)
        if status == 404:
            raise Over
        if status >= 300:
            raise Broken

    async def send(self, items: list[Any]) -> dict[str, Any]:
        while not self._outcomes.empty():
            self._outcomes.get_nowait()
        try:
            await self.say({"messages": items})
            return await asyncio.wait_for(self._outcomes.get(), SLACK + self.page.hold)
        except (TimeoutError, Over):
            raise Broken from None

    def cut(self) -> None:
        super().cut()
        self._sender.close()

    def close(self) -> None:
        super().close()
        if self._confirming is not None:
            self._confirming.cancel()


class Xhr(Session):
    """A poll for each frame."""

    async def read(self) -> None:
        status, body = await self.line.ask(f"{self.base}/xhr", b"", self.page.hold + SLACK)
        if status != 200:
            raise Over
        await self.frame(body.rstrip(b"\n"))


class Stream(Session):
    """Many frames in one answer."""

    method = "POST"
    path = "xhr_streaming"

    async def read(self) -> None:
        rest = b""
        chunks = self.line.stream(self.method, f"{self.base}/{self.path}")
        while True:
            try:
                rest += await asyncio.wait_for(anext(chunks), self.page.hold + SLACK)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise Broken from None
            *lines, rest = rest.split(b"\n")
            for line in lines:
                frame = self.unwrap(line)
                if frame:
                    await self.frame(frame)

    def unwrap(self, line: bytes) -> bytes:
        """Return the frame in a line."""
        return line


class EventSource(Stream):
    """Server-sent events."""

    method = "GET"
    path = "eventsource"

    def unwrap(self, line: bytes) -> bytes:
        return line.removeprefix(b"data: ").rstrip(b"\r") if line.startswith(b"data: ") else b""


CARRIERS: dict[str, type[Carrier]] = {
    "longpoll": Polls,
    "xhr": Xhr,
    "xhr-streaming": Stream,
    "eventsource": EventSource,
}
