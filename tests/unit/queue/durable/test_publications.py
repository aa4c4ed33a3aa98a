"""Messages from outside in the durable queue: what a failure and a kill leave of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.queue_world import ALL, World, settle
from tests.support.serving import until
from thywill.core.message import Message
from thywill.core.publication import Mark, Publication
from thywill.errors import Unavailable

pytestmark = pytest.mark.gen_test


def publication(text: str, publication_id: str | None = "order-7") -> Publication:
    mark = publication_id and Mark.of("chat", publication_id, ALL, text, None)
    return Publication("chat", ALL, Message(f'"{text}"'.encode()), mark or None)


def publish(world: World, *texts: str, **fields: Any) -> asyncio.Task[list[int]]:
    return asyncio.ensure_future(world.queue.publish([publication(text, **fields) for text in texts]))


async def test_a_batch_is_one_transaction() -> None:
    world = await World().begin()
    assert await publish(world, "a", "b", "c", publication_id=None) == [1, 2, 3]
    assert [len(changes.messages) for changes in world.store.written] == [3]
    assert world.store.publications == []


async def test_the_next_server_knows_an_id() -> None:
    world = await World().begin()
    client = world.connect()
    assert await publish(world, "a") == [1]
    world = await world.killed()
    assert await publish(world, "a") == [1]
    assert world.poll(world.again(client)) == [[1, "a"]]


async def test_ids_are_forgotten_in_the_store_as_well() -> None:
    world = await World().begin()
    await publish(world, "a")
    world.wall += 3600.0
    await publish(world, "b", publication_id="later")
    await world.queue._forget_publications()
    assert [row.message for row in world.store.publications] == [2]


async def test_a_repeated_message_is_answered_when_the_first_is_safe() -> None:
    world = await World().begin()
    world.store.fault = "hang"
    first = publish(world, "a")
    await settle()
    again = publish(world, "a")
    await settle()
    assert not first.done()
    assert not again.done()
    world.store.release_waiting()
    assert await asyncio.gather(first, again) == [[1], [1]]
    assert len(world.store.messages) == 1


async def test_a_repeated_message_is_refused_together_with_the_first() -> None:
    world = await World().begin()
    world.store.fault = "refuse"
    first, again = publish(world, "a"), publish(world, "a")
    assert [type(each) for each in await asyncio.gather(first, again, return_exceptions=True)] == [
        Unavailable,
        Unavailable,
    ]
    world.store.fault = None
    assert await publish(world, "a") == [2]


@pytest.mark.parametrize("fault", ["refuse", "unsure"])
async def test_whoever_tries_again_after_a_failure_sends_once(fault: str) -> None:
    world = await World().begin()
    client = world.connect()
    await settle()
    world.store.fault = fault
    with pytest.raises(Unavailable):
        await publish(world, "a")
    world.store.fault = None
    assert await publish(world, "a") == [2]
    await until(lambda: [key for _, key in world.store.messages] == [2])
    assert [row.message for row in world.store.publications] == [2]
    world = await world.killed()
    assert await publish(world, "a") == [2]
    assert world.poll(world.again(client)) == [[2, "a"]]
