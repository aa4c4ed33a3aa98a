"""What operators see and do at one of three servers that share a Redis: the clients of all of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.conftest import Start
from tests.gate.environment import ROOT
from tests.support.redis_servers import Redises
from tests.support.serving import Running, WireClient, until
from tests.support.status import open_status_page
from thywill.commands import clients
from thywill.config import Settings
from thywill.errors import SettingsError
from thywill.queue.shared.queue import SharedQueue

pytestmark = pytest.mark.gen_test

Three = Callable[[], Awaitable[list[Running]]]


@pytest.fixture
def three(start: Start, redises: Redises) -> Three:
    """A function that returns three servers with one queue, each with a client that has polled."""
    queue = {"component": "redis", "url": redises.get("redis").url(), "prefix": redises.new_prefix()}

    async def begin() -> list[Running]:
        servers = [await start(queue=queue) for _ in range(3)]
        for each in servers:
            assert isinstance(each.service.queue, SharedQueue)
            each.service.queue.questions._patience = 60.0
        return servers

    return begin


async def called(visitor: WireClient, method: str, *arguments: Any) -> Any:
    """Return what a method of the status page returns."""
    return (await visitor.call(method, *arguments))["result"]


async def test_one_server_finds_the_clients_of_all(three: Three) -> None:
    servers = await three()
    pages = [await server.connect() for server in servers]
    visitor = await open_status_page(servers[0])
    found = await called(visitor, "search", "")
    assert {each["id"] for each in found["clients"]} == {page.id for page in pages}
    assert (found["found"], found["all"], found["silent"]) == (3, 3, [])
    found = await called(visitor, "search", pages[2].id)
    assert ([each["id"] for each in found["clients"]], found["found"]) == ([pages[2].id], 1)
    known = await called(visitor, "describe", pages[1].id)
    assert known["server"] == servers[1].service.queue.describe_server().name
    assert known["state"] == "connected"
    assert await called(visitor, "describe", "probe~nobody") is None


async def test_one_server_disconnects_a_client_of_another(three: Three) -> None:
    servers = await three()
    page = await servers[1].connect()
    parked = asyncio.ensure_future(page.poll())
    visitor = await open_status_page(servers[0])
    assert await called(visitor, "disconnect", page.id, "enough") is True
    assert (await parked)["error"]["message"] == "enough"
    assert await called(visitor, "disconnect", page.id, "enough") is False
    assert await called(visitor, "disconnect", "nobody", "enough") is False


async def test_a_client_whose_server_has_ended_is_known_and_can_be_disconnected(three: Three) -> None:
    servers = await three()
    page = await servers[1].connect()
    await until(lambda: servers[0].service.queue.reader.positions["probe"] >= 0)
    await servers[1].stop()
    visitor = await open_status_page(servers[0])
    known = await called(visitor, "describe", page.id)
    assert (known["server"], known["state"], known["application"]) == ("", "detached", "probe")
    assert await called(visitor, "disconnect", page.id, "enough") is True
    page.running = servers[2]
    assert (await page.poll())["error"]["message"] == "enough"


async def test_the_command_lists_the_clients_of_all(three: Three, capsys: pytest.CaptureFixture[str]) -> None:
    servers = await three()
    pages = [await server.connect() for server in servers]
    options = dict.fromkeys(("state", "application", "address", "transport", "seen"))
    command = {**options, "limit": 1000, "json": True, "url": servers[2].base}
    loop = asyncio.get_running_loop()

    async def listed(**changes: Any) -> list[str]:
        settings = Settings({}, "settings")
        arguments = ({**command, **changes}, settings, ROOT)
        assert await loop.run_in_executor(None, clients.run, *arguments) == 0
        return [each["id"] for each in json.loads(capsys.readouterr().out)]

    assert set(await listed()) == {page.id for page in pages}
    assert await listed(application="thywill") == []
    with pytest.raises(SettingsError, match="there is no application 'prob'; did you mean 'probe'"):
        await listed(application="prob")
    assert len(await listed(transport="longpoll", state="connected")) == 3
    assert len(await listed(limit=2)) == 2
    refused = await servers[0].fetch("thywill/clients?limit=many")
    assert (refused.code, json.loads(refused.body)["error"]["code"]) == (400, "malformed")


async def test_a_server_follows_what_another_saves_of_people(three: Three) -> None:
    one, two, _ = [server.service.engine.actions.people for server in await three()]
    person = two.of("a session")
    one.of("a session")["name"] = "Ada"
    await until(lambda: person == {"name": "Ada"})
    person["seat"] = 7
    await until(lambda: one.of("a session") == {"name": "Ada", "seat": 7})
