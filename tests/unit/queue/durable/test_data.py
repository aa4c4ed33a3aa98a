"""``client.data`` with the durable queue: after a kill it is what it was when the last step ended."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import Any

import pytest

from tests.support.queue_world import World, settle
from tests.support.serving import until
from thywill.application import Application
from thywill.client import Client
from thywill.component import Configuration
from thywill.core.changes import Changes
from thywill.hub.client import LiveClient
from thywill.hub.step import CURRENT, DISCONNECTED, Step

pytestmark = pytest.mark.gen_test


def set_data(world: World, client: LiveClient, **fields: Any) -> None:
    world.handle(client).data.update(fields)


def notes(world: World) -> list[dict[str, Any]]:
    """Return the data of each transaction that wrote some."""
    return [
        {client_id: json.loads(text) for client_id, text in changes.data.items()}
        for changes in world.store.written
        if changes.data
    ]


async def handled(world: World, client: LiveClient, number: int) -> None:
    world.handled(client, number)
    await until(lambda: world.store.clients[client.id].handled == number)


async def connected() -> tuple[World, LiveClient, LiveClient]:
    """Return a world with two clients whose connections are committed."""
    world = await World().begin()
    one, other = world.connect(), world.connect()
    await world.publish("so that it is written")
    return world, one, other


async def test_data_is_committed_with_the_end_of_the_step() -> None:
    world, client, _ = await connected()
    world.send(client, 1)
    await settle()
    CURRENT.set(Step(client.id, 1))
    set_data(world, client, name="Ada")
    await handled(world, client, 1)
    [changes] = [each for each in world.store.written if each.handled.get(client.id) == 1]
    assert changes.data == {client.id: '{"name":"Ada"}'}
    world = await world.killed()
    assert world.again(client).data == {"name": "Ada"}


async def test_changes_of_a_step_that_did_not_end_are_undone_by_a_kill() -> None:
    world, client, _ = await connected()
    set_data(world, client, count=1)
    await handled(world, client, 1)
    CURRENT.set(Step(client.id, 2))
    set_data(world, client, count=2)
    world.actions.data_requested(client)
    await world.publish("so that it is written")
    assert world.database.records[client.id].data == {"count": 2}
    world = await world.killed()
    assert world.again(client).data == {"count": 1}
    assert world.database.records[client.id].data == {"count": 1}


async def test_a_change_through_a_reference_from_an_earlier_step_is_written() -> None:
    world, client, _ = await connected()
    data = world.handle(client).data
    for number in (1, 2):
        CURRENT.set(Step(client.id, number))
        data["count"] = number
        await handled(world, client, number)
    assert notes(world) == [{client.id: {"count": 1}}, {client.id: {"count": 2}}]


async def test_unchanged_data_is_not_written() -> None:
    world, client, _ = await connected()
    set_data(world, client, name="Ada")
    await handled(world, client, 1)
    set_data(world, client, name="Ada")
    await handled(world, client, 2)
    world = await world.killed()
    again = world.again(client)
    set_data(world, again, name="Ada")
    await handled(world, again, 3)
    assert notes(world) == [{client.id: {"name": "Ada"}}]


async def test_data_that_becomes_empty_is_written() -> None:
    world, client, _ = await connected()
    set_data(world, client, name="Ada")
    await handled(world, client, 1)
    world.handle(client).data.clear()
    await handled(world, client, 2)
    world = await world.killed()
    assert not world.again(client).data


async def test_an_application_without_data_costs_nothing() -> None:
    world, client, _ = await connected()
    for number in range(1, 4):
        await handled(world, client, number)
    assert (notes(world), world.queue._data._committed) == ([], {})
    assert client.data is None
    world = await world.killed()
    assert world.again(client).data is None


async def test_data_set_before_the_first_poll_is_written() -> None:
    world = await World().begin()
    client = world.hub.create("chat", "session")
    set_data(world, client, language="de")
    world.poll(client)
    await world.publish("so that it is written")
    assert notes(world) == []
    world = await world.killed()
    assert world.again(client).data == {"language": "de"}


async def test_a_change_of_another_clients_data_is_written_when_the_step_ends() -> None:
    world, one, other = await connected()
    CURRENT.set(Step(one.id, 1))
    set_data(world, other, hits=1)
    await world.publish("so that it is written")
    world.queue._commit_data(10)
    await handled(world, other, 1)  # its own step, which ends meanwhile
    assert notes(world) == [{other.id: {"hits": 1}}]
    CURRENT.set(Step(one.id, 1))
    set_data(world, other, hits=2)
    assert notes(world) == [{other.id: {"hits": 1}}]
    await handled(world, one, 1)
    [changes] = [each for each in world.store.written if each.handled.get(one.id) == 1]
    assert changes.data == {other.id: '{"hits":2}'}


async def test_half_of_another_clients_step_is_not_written() -> None:
    world, one, other = await connected()
    CURRENT.set(Step(other.id, 1))
    set_data(world, other, half="done")
    CURRENT.set(Step(one.id, 1))
    set_data(world, other, hits=1)
    await handled(world, one, 1)
    assert notes(world) == []
    await handled(world, other, 1)
    assert notes(world) == [{other.id: {"half": "done", "hits": 1}}]


async def test_changes_outside_of_any_step_are_written_after_a_while() -> None:
    world, client, _ = await connected()
    set_data(world, client, count=1)
    await until(lambda: notes(world) == [{client.id: {"count": 1}}])


async def test_a_stop_writes_the_outside_changes_of_all_clients() -> None:
    world = await World().begin()
    clients = [world.connect() for _ in range(5)]
    await settle()
    for number, client in enumerate(clients):
        set_data(world, client, number=number)
    assert world.queue._commit_data(2)
    await world.queue.stop()
    kept = [json.loads(world.store.clients[client.id].data or "null") for client in clients]
    assert kept == [{"number": number} for number in range(5)]


@pytest.mark.parametrize("odd", [object(), float("nan"), "loop"])
async def test_data_that_is_not_json_stays_as_it_was_and_is_told_once(
    odd: Any, caplog: pytest.LogCaptureFixture
) -> None:
    world, client, _ = await connected()
    data = world.handle(client).data
    data["name"] = "Ada"
    await handled(world, client, 1)
    data["odd"] = data if odd == "loop" else odd
    await handled(world, client, 2)
    await handled(world, client, 3)
    assert notes(world) == [{client.id: {"name": "Ada"}}]
    (line,) = [line for line in caplog.messages if "cannot be stored, and stays as it was" in line]
    assert line.startswith(f"the data of client {client.id} ")
    assert "odd: " in line or "contains itself" in line
    data["odd"] = [1, 2]
    await handled(world, client, 4)
    world = await world.killed()
    assert world.again(client).data == {"name": "Ada", "odd": [1, 2]}


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"text": "\ud800\0Zoë"}, None),
        ({"large": 2**70, "small": 1e-300}, None),
        ({None: 1, 2: [True, ()]}, {"null": 1, "2": [True, []]}),
        ({"set": {1}, "day": date(2026, 1, 2)}, {"set": [1], "day": "2026-01-02"}),
    ],
)
async def test_all_data_that_json_can_hold_is_stored(data: Any, found: Any) -> None:
    world, client, _ = await connected()
    world.handle(client).data.update(data)
    await handled(world, client, 1)
    world = await world.killed()
    assert world.again(client).data == (found or data)


async def test_data_of_a_failed_transaction_is_retried_with_the_next() -> None:
    world, client, _ = await connected()
    world.store.fault = "refuse"
    set_data(world, client, count=1)
    world.handled(client, 1)
    await until(lambda: world.queue._commits.failing)
    world.store.fault = None
    await world.publish("so that it is written")
    assert (world.store.clients[client.id].handled, world.store.clients[client.id].data) == (1, '{"count":1}')


async def test_a_repeated_disconnect_step_has_the_clients_data() -> None:
    world, client, other = await connected()
    set_data(world, client, room="Tea")
    await handled(world, client, 1)
    world.hub.leave(client)
    await settle()
    CURRENT.set(Step(client.id, DISCONNECTED))
    set_data(world, client, room="nowhere")
    world = await world.killed()
    kept = await world.store.load()
    assert {row.id: row.data for row in kept.clients} == {client.id: '{"room":"Tea"}', other.id: None}
    assert world.queue._data._committed.keys() == {client.id}


async def test_nothing_is_left_of_a_client_whose_last_step_ended() -> None:
    world, client, other = await connected()
    set_data(world, client, room="Tea")
    await handled(world, client, 1)
    world.hub.leave(client)
    CURRENT.set(Step(client.id, DISCONNECTED))
    set_data(world, client, room="nowhere")
    set_data(world, other, alone=True)
    world.handled(client, DISCONNECTED)
    CURRENT.set(Step(other.id, 1))
    set_data(world, client, room="somewhere")
    await handled(world, other, 1)
    await until(lambda: client.id not in world.store.clients)
    world.queue._commit_data(10)
    assert world.queue._data._requested == {}
    assert world.queue._data._committed.keys() == {other.id}
    assert notes(world)[-1] == {other.id: {"alone": True}}


class Counter(Application):
    """Counts each client's messages, once before and once after a pause, as far as it is let."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    def bootstrap(self, client: Client, configuration: Configuration) -> None:
        raise AssertionError("nobody fetches a page here")

    async def on_connect(self, client: Client) -> None:
        client.data["count"] = 0

    async def on_message(self, client: Client, message: Any) -> None:
        client.data["count"] += 1
        await client.send(client.data["count"])
        await self.gate.wait()
        client.data["count"] += 1


async def test_a_repeated_hook_begins_with_the_data_of_its_first_run() -> None:
    application = Counter()
    world = await World(application=application).begin()
    client = world.hub.create("chat", "session")
    world.poll(client)
    for number in range(1, 6):
        world.send(client, number)
        await settle()
        assert world.again(client).data == {"count": 2 * number - 1}
        world = await world.killed()
        client = world.again(client)
        application.gate.set()
        await until(lambda client=client, number=number: client.data == {"count": 2 * number})
        application.gate.clear()
        while world.store.clients[client.id].handled < number:
            await settle()
        world = await world.killed()
        client = world.again(client)
        assert client.data == {"count": 2 * number}
    assert [data for _, data in world.poll(client)] == [1, 3, 5, 7, 9]


def test_a_failed_change_is_retried_with_later_changes() -> None:
    failed = Changes(data={"a": "1", "b": "1"}, evicted={"a": (1, '"x"')})
    left = failed.to_retry(Changes(data={"b": "2"}, forgotten={"a": None}))
    assert (left.data, left.evicted, left.forgotten) == ({"b": "2"}, {}, {"a": None})
