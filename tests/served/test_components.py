"""Each component can be swapped for a class of one's own by the settings alone."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tornado.httputil import HTTPServerConnectionDelegate
from tornado.web import Application, RequestHandler

from tests.conftest import Start
from tests.support.serving import until
from thywill.application_interface.base import ApplicationInterface, Page
from thywill.client_interface.base import ClientInterface
from thywill.component import Configuration
from thywill.core.envelope import Item, encode_data
from thywill.core.log import Entry
from thywill.core.message import Address, Message
from thywill.core.record import ClientRecord, Recorded
from thywill.database.base import Database
from thywill.http.message import Reply
from thywill.http.request import Request
from thywill.http.site import Endpoint
from thywill.hub.client import LiveClient
from thywill.log.base import Log
from thywill.push.base import Push, PushSettings
from thywill.queue.base import Queue

pytestmark = pytest.mark.gen_test

HERE = "tests.served.test_components"


class OddQueue(Queue):
    """Gives out odd ids only."""

    async def append(self, application: str, address: Address, message: Message) -> int:
        self.last = getattr(self, "last", -1) + 2
        self.receivers.deliver(application, address, self.last, message, self.logs[application])
        return self.last


async def test_a_queue(start: Start) -> None:
    running = await start(queue={"component": f"{HERE}.OddQueue"})
    client = await running.connect()
    await client.send({"echo": "a"}, {"echo": "b"})
    await until(lambda: len(running.probe.messages) == 2)
    assert (await client.poll())["messages"] == [[1, "a"], [3, "b"]]


@dataclass(frozen=True, slots=True)
class NotedSettings(PushSettings):
    """A push with a setting of its own."""

    greeting: str = ""


class NotedPush(Push):
    """Answers one address of its own and adds to the bootstrap."""

    Settings = NotedSettings
    name = "noted"

    def endpoints(self) -> Mapping[bytes, Endpoint]:
        return {b"/thywill/noted": self._answer}

    def _answer(self, request: Request, reply: Reply) -> None:
        reply.send(200, self.settings.greeting.encode())  # type: ignore[attr-defined]


async def test_a_push_beside_another(start: Start) -> None:
    running = await start(
        push={"components": ["longpoll", f"{HERE}.NotedPush"], "NotedPush": {"greeting": "hi", "grace": 90}}
    )
    assert (await running.fetch("thywill/noted")).body == b"hi"
    assert (await running.connect()).answer["grace"] == 90
    page = (await running.fetch("probe/")).body
    assert b'"push":["longpoll","noted"]' in page


class DictDatabase(Database):
    """Keeps records in a dict."""

    def __init__(self, settings: Any, folder: Path) -> None:
        super().__init__(settings, folder)
        self.records: dict[str, ClientRecord] = {}

    def save(self, client: Recorded) -> None:
        self.records[client.id] = client.record()

    async def retire(self) -> int:
        return 0


async def test_a_database(start: Start) -> None:
    running = await start(database={"component": f"{HERE}.DictDatabase"})
    client = await running.connect()
    database = running.service.database
    assert isinstance(database, DictDatabase)
    assert database.records[client.id].state == "connected"
    await running.ask("leave", {"token": client.token})
    assert database.records[client.id].state == "gone"


class ListLog(Log):
    """Keeps its lines in a list."""

    def make_handler(self) -> logging.Handler:
        self.lines = lines = []  # type: list[str]

        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                lines.append(record.getMessage())

        return Handler()


async def test_a_log(start: Start) -> None:
    running = await start(log={"component": f"{HERE}.ListLog"})
    client = await running.connect()
    log = running.service.log
    assert isinstance(log, ListLog)
    await until(lambda: any(line.startswith(f"{client.id} connects to probe") for line in log.lines))
    assert not any(client.token in line for line in log.lines)


class Shouting(ApplicationInterface):
    """One application, without a class: it answers in capitals."""

    def pages(self) -> Mapping[str, Page]:
        return {"shout": Page("shout", "Shout", Path(__file__).parent, None)}

    def bootstrap(self, client: LiveClient, configuration: Configuration) -> None:
        configuration.parameters["volume"] = 11

    def connected(self, client: LiveClient) -> None:
        """Nobody is greeted."""

    def disconnected(self, client: LiveClient) -> None:
        """Nobody is missed."""

    def received(self, client: LiveClient, items: Sequence[Item]) -> None:
        client.handled = items[-1].n
        for item in items:
            answer = encode_data(str(item.data).upper(), self.message)
            client.outbox.append(Entry(item.n, answer))


async def test_an_application_interface(start: Start) -> None:
    running = await start(application_interface={"component": f"{HERE}.Shouting"}, server={"http": "fast"})
    client = await running.connect("shout")
    await client.send("hello")
    assert await client.receive() == ["HELLO"]
    assert b'"volume":11' in (await running.fetch("shout/")).body


class Plain(RequestHandler):
    """One page."""

    def get(self) -> None:
        self.finish("one page")


class OnePage(ClientInterface):
    """Serves one page and no connect."""

    def application(self) -> HTTPServerConnectionDelegate:
        return Application([(r".*", Plain)])


async def test_a_client_interface(start: Start) -> None:
    running = await start(client_interface={"component": f"{HERE}.OnePage"})
    assert (await running.fetch("anything")).body == b"one page"
    token = running.service.hub.create("probe", "session").token
    answer = await running.ask("poll", {"token": token, "cursor": 0, "hold": 0})
    assert json.dumps(answer) == '{"messages": [], "cursor": 0}'
