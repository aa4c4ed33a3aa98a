"""Several messages to one client: in one transaction, in their order, all of them or none."""

from __future__ import annotations

import pytest

from tests.support.queue_world import World, settle
from thywill.errors import Unavailable, UnsendableMessage

pytestmark = pytest.mark.gen_test


async def test_they_are_one_transaction_and_keep_their_order() -> None:
    world = await World().begin()
    client = world.connect()
    await settle()
    await world.handle(client).send_many(number for number in range(20))
    assert [data for _, data in world.poll(client)] == list(range(20))
    assert [len(changes.messages) for changes in world.store.written if changes.messages] == [20]


async def test_one_that_cannot_be_sent_keeps_all_from_being_sent() -> None:
    world = await World().begin()
    client = world.connect()
    with pytest.raises(UnsendableMessage):
        await world.handle(client).send_many([1, object(), 3])
    assert world.poll(client) == []


async def test_a_queue_that_refuses_sends_none() -> None:
    world = await World().begin()
    client = world.connect()
    await settle()
    world.store.fault = "refuse"
    with pytest.raises(Unavailable):
        await world.handle(client).send_many([1, 2, 3])
    world.store.fault = None
    await world.handle(client).send_many([])
    assert world.poll(client) == []
