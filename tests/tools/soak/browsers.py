"""Browsers that come and go, properly or not; each is a client, a session or a connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from tests.support.wire import request

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that makes ``close`` a reset."""
PATIENCE = 60.0
"""Seconds for one answer; the server never takes so long."""

Behaviour = Callable[["Browser"], Awaitable[None]]


class Link:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def write(self, data: bytes) -> None:
        """Send ``data``."""
        self._writer.write(data)

    async def answer(self) -> bytes:
        """Return the body of the next answer."""
        async with asyncio.timeout(PATIENCE):
            head = await self._reader.readuntil(b"\r\n\r\n")
            _, _, length = head.lower().partition(b"content-length: ")
            return await self._reader.readexactly(int(length.partition(b"\r")[0]))

    async def until(self, text: bytes) -> None:
        """Read until ``text`` has come."""
        async with asyncio.timeout(PATIENCE):
            await self._reader.readuntil(text)

    async def ended(self) -> None:
        """Read until the server closes."""
        async with asyncio.timeout(PATIENCE):
            await self._reader.read()

    def reset(self) -> None:
        """Break off at once."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._writer.transport.abort()

    def close(self) -> None:
        """Close as browsers do."""
        self._writer.close()


class Browser:
    """A browser that does one of the things below.

    Args:
        port: the server's.
        chance: makes the random choices of the behaviours.
    """

    def __init__(self, port: int, chance: random.Random) -> None:
        self.port = port
        self.chance = chance
        self.token = ""

    @contextlib.asynccontextmanager
    async def link(self) -> AsyncIterator[Link]:
        """A connection that is closed after the block, in one way or the other."""
        link = Link(*await asyncio.open_connection("127.0.0.1", self.port))
        try:
            yield link
        finally:
            (link.reset if self.chance.random() < 0.5 else link.close)()

    async def connect(self, link: Link) -> None:
        """Connect as a new client."""
        answer = await self.ask(link, "connect", application="watched")
        self.token = answer["token"]

    async def ask(self, link: Link, path: str, **fields: Any) -> dict[str, Any]:
        """Return the JSON of the answer."""
        link.write(self.said(path, **fields))
        answer: dict[str, Any] = json.loads(await link.answer())
        assert "error" not in answer, answer
        return answer

    def said(self, path: str, **fields: Any) -> bytes:
        """Return a request to the wire."""
        if self.token:
            fields["token"] = self.token
        return request(f"/thywill/{path}", method="POST", body=json.dumps(fields).encode())

    async def poll_until_echo(self, link: Link) -> int:
        """Send a message, wait for its echo, and return the cursor after it."""
        assert await self.ask(link, "send", messages=[[1, "hello"]]) == {"received": 1}
        cursor = 0
        while not cursor:
            cursor = (await self.ask(link, "poll", cursor=cursor))["cursor"]
        return cursor

    # SockJS.

    def session(self) -> str:
        """Return the address of a new session."""
        return f"/thywill/sockjs/000/{self.chance.getrandbits(64):x}"

    def frame(self, session: str, **said: Any) -> bytes:
        """Return the request that sends something over a session."""
        body = json.dumps([json.dumps(said)]).encode()
        return request(f"{session}/xhr_send", method="POST", body=body)

    async def say(self, session: str, **said: Any) -> None:
        """Send something over a session, on a new connection."""
        async with self.link() as link:
            link.write(self.frame(session, **said))
            await link.until(b"\r\n\r\n")


# Pages.


async def fetches_the_page_alone(browser: Browser) -> None:
    async with browser.link() as link:
        link.write(request("/watched/"))
        assert b"thywill-bootstrap" in await link.answer()


async def connects_alone(browser: Browser) -> None:
    async with browser.link() as link:
        await browser.connect(link)


# Native polls.


async def leaves(browser: Browser) -> None:
    async with browser.link() as link:
        await browser.connect(link)
        cursor = await browser.poll_until_echo(link)
        await browser.ask(link, "poll", cursor=cursor, hold=0)
        assert await browser.ask(link, "leave") == {}


async def breaks_off_its_poll(browser: Browser) -> None:
    async with browser.link() as link:
        await browser.connect(link)
        link.write(browser.said("poll", cursor=0))


async def vanishes_with_messages_waiting(browser: Browser) -> None:
    async with browser.link() as link:
        await browser.connect(link)
        await browser.ask(link, "poll", cursor=0, hold=0)
        await browser.ask(link, "send", messages=[[n, "x" * 200] for n in range(1, 6)])


async def waits_out_its_hold(browser: Browser) -> None:
    async with browser.link() as link:
        await browser.connect(link)
        assert await browser.ask(link, "poll", cursor=0) == {"messages": [], "cursor": 0}


async def polls_twice(browser: Browser) -> None:
    async with browser.link() as link, browser.link() as other:
        await browser.connect(link)
        await browser.ask(link, "poll", cursor=0, hold=0)
        link.write(browser.said("poll", cursor=0))
        await browser.ask(other, "send", messages=[])
        other.write(browser.said("poll", cursor=0))
        await link.answer()  # superseded, or its hold is over


async def breaks_off_in_a_request(browser: Browser) -> None:
    async with browser.link() as link:
        await browser.connect(link)
        whole = browser.said("send", messages=[[1, "never whole"]])
        link.write(whole[: browser.chance.randrange(1, len(whole))])


# Connections.


async def says_nothing(browser: Browser) -> None:
    async with browser.link():
        pass


async def is_half_open(browser: Browser) -> None:
    async with browser.link() as link:
        link.write(request("/watched/")[: browser.chance.choice([0, 1, 20])])
        await link.ended()


# SockJS.


async def streams_and_breaks_off(browser: Browser) -> None:
    session = browser.session()
    async with browser.link() as link, browser.link() as stream:
        await browser.connect(link)
        stream.write(request(f"{session}/xhr_streaming", method="POST", body=b""))
        await stream.until(b"o\n")
        link.write(browser.frame(session, token=browser.token, cursor=0, messages=[[1, "hello"]]))
        await stream.until(b"hello")


async def streams_and_leaves(browser: Browser) -> None:
    session = browser.session()
    async with browser.link() as link, browser.link() as stream:
        await browser.connect(link)
        stream.write(request(f"{session}/eventsource"))
        await stream.until(b"data: o")
        await browser.say(session, token=browser.token, cursor=0)
        await browser.say(session, leave=True)
        await stream.until(b"0\r\n\r\n")


async def polls_a_session_and_vanishes(browser: Browser) -> None:
    session = browser.session()
    async with browser.link() as link:
        await browser.connect(link)
        link.write(request(f"{session}/xhr", method="POST", body=b""))
        assert await link.answer() == b"o\n"
        link.write(browser.frame(session, token=browser.token, cursor=0, messages=[[1, "hello"]]))


async def opens_a_session_alone(browser: Browser) -> None:
    async with browser.link() as link:
        link.write(request(f"{browser.session()}/xhr", method="POST", body=b""))
        assert await link.answer() == b"o\n"


async def changes_to_a_stream(browser: Browser) -> None:
    async with browser.link() as parked:
        await browser.connect(parked)
        await browser.ask(parked, "poll", cursor=0, hold=0)
        parked.write(browser.said("poll", cursor=0))
        await streams_from_here(browser)
        await parked.answer()  # superseded, or its hold is over


async def streams_from_here(browser: Browser) -> None:
    session = browser.session()
    async with browser.link() as stream:
        stream.write(request(f"{session}/htmlfile?c=_jp.x"))
        await stream.until(b'p("o")')
        await browser.say(session, token=browser.token, cursor=0)
        await stream.until(b"messages")


BEHAVIOURS: dict[Behaviour, float] = {
    fetches_the_page_alone: 10,
    connects_alone: 10,
    leaves: 10,
    breaks_off_its_poll: 10,
    vanishes_with_messages_waiting: 10,
    waits_out_its_hold: 5,
    polls_twice: 5,
    breaks_off_in_a_request: 10,
    says_nothing: 5,
    is_half_open: 3,
    streams_and_breaks_off: 5,
    streams_and_leaves: 5,
    polls_a_session_and_vanishes: 5,
    opens_a_session_alone: 5,
    changes_to_a_stream: 2,
}
"""What browsers do, and how often."""
