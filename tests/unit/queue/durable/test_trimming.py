"""Which messages are deleted from the log of the durable queue, and which stay."""

from __future__ import annotations

import pytest

from tests.support.hub_fakes import FakePoll
from tests.support.queue_world import World, settle
from tests.support.serving import until
from thywill.hub.step import CURRENT, Step
from thywill.queue.durable.queue import Position

pytestmark = pytest.mark.gen_test


async def test_messages_that_all_have_acknowledged_are_deleted_but_the_last() -> None:
    world = await World().begin()
    client, slow = world.connect(), world.connect()
    for number in range(5):
        await world.publish(number)
    world.poll(client)
    world.poll(client, cursor=5)
    world.poll(slow)
    world.poll(slow, cursor=2)
    await trim(world)
    assert [id_ for _, id_ in world.store.messages] == [3, 4, 5]
    world.poll(slow)
    world.poll(slow, cursor=5)
    await trim(world)
    assert [id_ for _, id_ in world.store.messages] == [5]
    world = await world.killed()
    await world.publish("next")
    assert [id_ for _, id_ in world.store.messages] == [5, 6]


async def test_messages_of_a_step_in_progress_stay() -> None:
    world = await World().begin()
    client = world.connect()
    world.send(client, 1)
    await settle()
    CURRENT.set(Step(client.id, 1))
    for number in range(3):
        await world.publish(number)
    world.poll(client)
    world.poll(client, cursor=3)
    await trim(world)
    assert len(world.store.messages) == 3
    world.handled(client, 1)
    await settle()
    await trim(world)
    assert len(world.store.messages) == 1


async def test_a_step_of_a_removed_application_keeps_nothing_in_the_log() -> None:
    world = await World().begin()
    client = world.connect()
    world.send(client, 1)
    await settle()
    CURRENT.set(Step(client.id, 1))
    await world.publish("a")
    await world.queue.restore({"chat"})
    assert world.queue._replay.lowest() == 1
    await world.queue.restore({"others"})
    assert world.queue._replay.lowest() is None


async def trim(world: World) -> None:
    await world.queue._trim("chat", world.queue._positions["chat"])


async def test_a_drop_is_reported_to_the_page_after_a_kill_too() -> None:
    world = await World().begin()
    client = world.connect()
    for number in range(4):
        await world.publish(number)
    world.queue.receivers.drop_up_to("chat", 3)
    await trim(world)
    await world.publish("last")
    world = await world.killed()
    again = world.again(client)
    poll = FakePoll(world.hub, again)
    world.hub.poll(again, poll, 0, 1)
    assert (poll.answer["lost"], poll.answer["messages"]) == (3, [[4, 3], [5, "last"]])
    world.poll(again, cursor=5)
    await until(lambda: world.store.clients[client.id].cursor == 5)
    assert world.store.clients[client.id].lost == 0


async def test_messages_that_are_too_old_are_dropped() -> None:
    position = Position.begin(0.0, last=5)
    assert position.older_than(10, now=0) == 0
    position.delivered = 8
    assert position.older_than(10, now=5) == 0
    assert position.older_than(10, now=10) == 5
    assert position.older_than(10, now=100) == 8
