"""A whole server in the test's own loop, and a client of its wire."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from tests.gate.environment import ROOT
from tests.support.probe import Probe
from thywill.application_interface.local import LocalApplications
from thywill.config import Settings
from thywill.http import server as our_server
from thywill.http.tornado import server as tornado_server
from thywill.push.sockjs.component import SockJS
from thywill.server import Service

Sections = dict[str, dict[str, Any]]


def sections(folder: Path, **changes: dict[str, Any]) -> Sections:
    """Return settings for a server with the probe on a free port; ``changes`` by section."""
    base: Sections = {
        "server": {"port": 0, "data": str(folder)},
        "application_interface": {"applications": ["tests.support.probe"]},
        "log": {"level": "debug"},
    }
    for name, values in changes.items():
        # A component from a test does not take the settings of the one that it replaces.
        own = "component" in values
        base[name] = values if own else {**base.get(name, {}), **values}
    return base


class Running:
    """A service that has started."""

    def __init__(self, settings: Sections) -> None:
        self.service = Service(Settings(settings, "settings"), ROOT)
        # So many connections that a parked poll never keeps another request waiting.
        self._http = AsyncHTTPClient(force_instance=True, defaults={"request_timeout": 60})
        self._http.configure(None, max_clients=100)

    @property
    def probe(self) -> Probe:
        """The application under test."""
        applications = cast(LocalApplications, self.service.applications)
        return cast(Probe, applications.application("probe"))

    @property
    def base(self) -> str:
        """The server's address, with a slash at its end."""
        return self.service.address

    async def fetch(self, path: str, body: Any = None, **options: Any) -> HTTPResponse:
        """Return the answer to a GET, or to a POST of ``body`` (bytes as they are, anything else as JSON)."""
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            options = {"method": "POST", "body": data, **options}
        return await self._http.fetch(self.base + path, raise_error=False, **options)

    async def ask(self, path: str, body: Any, **options: Any) -> Any:
        """Return the JSON that the wire answers to ``body``."""
        return json.loads((await self.fetch(f"thywill/{path}", body, **options)).body)

    async def connect(self, application: str = "probe", **options: Any) -> WireClient:
        """Return a new client that has polled once."""
        answer = await self.ask("connect", {"application": application}, **options)
        client = WireClient(self, answer)
        await client.poll(hold=0)
        return client

    async def stop(self) -> None:
        """Stop the server and wait for it."""
        self._http.close()
        await self.service.stop()


class WireClient:
    """A client that sends the requests of a browser."""

    def __init__(self, running: Running, answer: dict[str, Any]) -> None:
        self.running = running
        self.answer = answer
        self.id: str = answer["client"]
        self.token: str = answer["token"]
        self.cursor: int = answer["cursor"]
        self.number = 0

    async def poll(self, **fields: Any) -> Any:
        """Poll after the cursor, and move it."""
        answer = await self.running.ask("poll", {"token": self.token, "cursor": self.cursor, **fields})
        self.cursor = answer.get("cursor", self.cursor)
        return answer

    async def receive(self) -> list[Any]:
        """Return the next messages, without their ids; waits until there is one."""
        while True:
            messages = (await self.poll())["messages"]
            if messages:
                return [message[1] for message in messages]

    async def send(self, *messages: Any) -> Any:
        """Send messages with the next numbers."""
        first = self.number + 1
        self.number += len(messages)
        numbered = [[first + index, message] for index, message in enumerate(messages)]
        return await self.running.ask("send", {"token": self.token, "messages": numbered})

    async def call(self, method: str, *arguments: Any) -> Any:
        """Call a method and return its outcome; other messages that come first are dropped."""
        self.number += 1
        number = self.number
        await self.running.ask("send", {"token": self.token, "messages": [[number, arguments, method]]})
        while True:
            for message in (await self.poll())["messages"]:
                if len(message) == 3 and message[2] == number:
                    return message[1]


def hasten(running: Running) -> None:
    """From now on the deadlines of clients and SockJS sessions pass soon, however long they are.

    A test whose times are short from the beginning may meet them on a busy machine before its page is there.
    """
    leases = running.service.engine.leases
    leases._monotonic = _fast(leases._monotonic)
    for push in running.service.pushes:
        if isinstance(push, SockJS):
            push.router.sessions._now = _fast(push.router.sessions._now)


def _fast(clock: Callable[[], float]) -> Callable[[], float]:
    begun = clock()
    return lambda: begun + 1000 * (clock() - begun)


@contextlib.contextmanager
def stopping_at_once() -> Iterator[None]:
    """Inside, no HTTP server that stops waits for requests on their way: after a test there are none.

    Otherwise each test with an open connection takes a third of a second more.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(our_server, "DRAIN_SECONDS", 0)
        patch.setattr(our_server, "BODY_SECONDS", 0)
        patch.setattr(tornado_server, "DRAIN_SECONDS", 0)
        yield


async def until(condition: Any, timeout: float = 60) -> None:
    """Wait until ``condition()`` is true."""
    deadline = asyncio.get_running_loop().time() + timeout
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "the condition did not come about"
        await asyncio.sleep(0.005)
