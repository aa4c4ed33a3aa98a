"""A step that runs again after a kill sends each of its messages once, also those that were refused."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.queue_world import World, settle
from thywill.application import Application
from thywill.client import Client
from thywill.core.changes import StoredClient, StoredMessage
from thywill.core.message import Address
from thywill.errors import Unavailable
from thywill.hub.client import LiveClient
from thywill.hub.step import CURRENT, Step
from thywill.queue.durable.replay import Replay

Plan = list[tuple[str, str | None]]
"""The messages that a hook sends, and the fault of the store meanwhile."""

KEPT, REFUSED = None, "refuse"


class Planned(Application):
    """Sends the messages of its ``plan``, ignores refusals, and does not end."""

    def __init__(self) -> None:
        self.plan: Plan = []
        self.world: World | None = None

    async def on_message(self, client: Client, message: Any) -> None:
        assert self.world is not None
        for data, fault in self.plan:
            self.world.store.fault = fault
            with suppress(Unavailable):
                await client.send(data)
            self.world.store.fault = None
        await asyncio.Event().wait()


async def stepping() -> tuple[World, LiveClient, Planned]:
    """Return a world with a client that has connected."""
    application = Planned()
    application.world = world = await World(application=application).begin()
    client = world.hub.create("chat", "session")
    world.poll(client)
    await settle()
    return world, client, application


def texts(world: World, client: LiveClient) -> list[str]:
    """Return the messages that the client's browser gets."""
    return [data for _, data in world.poll(world.again(client))]


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("plans", "expected"),
    [
        pytest.param([[("a", REFUSED), ("b", KEPT)], [("a", KEPT), ("b", KEPT)]], ["b", "a"], id="left out"),
        pytest.param(
            [[("a", REFUSED), ("b", KEPT)], [("a", REFUSED), ("b", KEPT)], [("a", KEPT), ("b", KEPT)]],
            ["b", "a"],
            id="left out twice",
        ),
        pytest.param(
            [[("a", REFUSED), ("b", KEPT)], *([("a", KEPT), ("b", KEPT), ("c", KEPT)] for _ in range(2))],
            ["b", "a", "c"],
            id="recognized among those that are sent anew",
        ),
        pytest.param(
            [[("a", REFUSED), ("a", REFUSED), ("a", KEPT)], [("a", KEPT), ("b", KEPT)]],
            ["a", "b"],
            id="tried again",
        ),
        pytest.param(
            [[("a", KEPT)], [("a", KEPT), ("b", REFUSED), ("b", KEPT)], [("a", KEPT), ("b", KEPT)]],
            ["a", "b"],
            id="tried again by the next server",
        ),
        pytest.param(
            [[("a", REFUSED), ("b", KEPT), ("a", KEPT), ("c", KEPT)], [(each, KEPT) for each in "abac"]],
            ["b", "a", "c", "a"],
            id="the same data later is another message",
        ),
        pytest.param([[("at 1", KEPT)], [("at 2", KEPT), ("b", KEPT)]], ["at 1", "b"], id="in other words"),
    ],
)
async def test_each_message_comes_once(plans: list[Plan], expected: list[str]) -> None:
    world, client, application = await stepping()
    application.plan = plans[0]
    world.send(client, 1)
    await settle()
    for plan in plans[1:]:
        application.plan = plan
        application.world = world = await world.killed()
        await settle()
    assert texts(world, client) == expected


@pytest.mark.gen_test
async def test_a_cancelled_message_that_is_sent_again_counts_once() -> None:
    world, client, _ = await stepping()
    world.send(client, 1)
    await settle()
    CURRENT.set(Step(client.id, 1))
    world.store.fault = "hang"
    first = asyncio.ensure_future(world.handle(client).send("a"))
    await settle()
    first.cancel()
    world.store.fault = "refuse"
    world.store._gate.set()
    await settle()
    world.store.fault = None
    await world.handle(client).send("a")
    world = await world.killed()
    CURRENT.set(Step(client.id, 1))
    for text in "ab":
        await world.handle(world.again(client)).send(text)
    assert texts(world, client) == ["a", "b"]


@pytest.mark.gen_test
async def test_recognized_messages_stay_in_the_log_for_another_crash() -> None:
    world, client, application = await stepping()
    application.plan = [("a", KEPT), ("b", KEPT)]
    world.send(client, 1)
    await settle()
    application.world = world = await world.killed()
    await settle()
    again = world.again(client)
    for cursor in (0, 2):
        world.poll(again, cursor=cursor)
    await world.queue._trim("chat", world.queue._positions["chat"])
    application.world = world = await world.killed()
    await settle()
    assert [row.data for row in world.store.messages.values()] == ['"a"', '"b"']


@pytest.mark.gen_test
async def test_messages_refused_together_may_be_retried_in_any_order() -> None:
    world, client, _ = await stepping()
    world.send(client, 1)
    await settle()
    CURRENT.set(Step(client.id, 1))
    world.store.fault = REFUSED
    send = world.handle(client).send
    await asyncio.gather(send("a"), send("b"), send("c"), return_exceptions=True)
    world.store.fault = KEPT
    await send("c")
    await send("a")
    world = await world.killed()
    CURRENT.set(Step(client.id, 1))
    for text in "abc":
        await world.handle(world.again(client)).send(text)
    assert texts(world, client) == ["c", "a", "b"]


CLIENT = StoredClient("client-1", "chat", "session", 1.0, cursor=0, received=1, handled=0)
TO = Address.client(CLIENT.id)


def row(message_id: int, index: int | None, to: Address = TO, data: str = "") -> StoredMessage:
    return StoredMessage(
        application="chat",
        id=message_id,
        kind=to.kind,
        name=json.dumps(to.name),
        data=data,
        reply_to=None,
        key=None,
        overflow=None,
        cause_client=CLIENT.id,
        cause_number=1,
        sent=1.0,
        cause_index=index,
    )


def test_rows_of_an_older_version_are_recognized_by_their_order() -> None:
    replay = Replay([CLIENT], [row(5, None), row(6, None), row(7, 2)])
    cause = Step(CLIENT.id, 1)
    assert [replay.take(cause, TO, None, index) for index in range(4)] == [5, 6, 7, None]


def test_the_lowest_id_is_that_of_a_step_that_has_not_ended() -> None:
    replay = Replay([CLIENT], [row(5, 0), row(6, 1)])
    cause = Step(CLIENT.id, 1)
    assert replay.take(cause, TO, None, 0) == 5
    assert replay.lowest() == 5
    replay.step_ended(CLIENT.id, 1)
    assert replay.lowest() is None
    assert replay.take(cause, TO, None, 1) is None


def test_a_step_counts_for_each_address_and_each_reply() -> None:
    cause = Step(CLIENT.id, 1)
    assert [cause.index(to, b"{}") for to in ("a", "b", "a", "a", "b")] == [0, 0, 1, 2, 1]


class Life:
    """One run of one step over ``rows``, which the runs before it have filled."""

    def __init__(self, rows: list[StoredMessage]) -> None:
        self.rows = rows
        self.replay = Replay([CLIENT], rows)
        self.cause = Step(CLIENT.id, 1)

    def send(self, to: Address, data: str, *, refused: bool) -> bool:
        """Return whether the message is stored."""
        index = self.cause.index((to, None), data.encode())
        if self.replay.take(self.cause, to, None, index) is not None:
            return True
        if refused:
            self.cause.failed((to, None), data.encode(), index)
        else:
            self.rows.append(row(len(self.rows), index, to, data))
        return not refused


@given(
    to=st.lists(st.sampled_from([TO, Address.channel("all")]), max_size=6),
    lives=st.lists(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=6), max_size=4),
)
def test_each_is_sent_once_however_often_it_was_refused(
    to: list[Address], lives: list[list[tuple[int, bool]]]
) -> None:
    rows: list[StoredMessage] = []
    messages = [(each, f"text {number}") for number, each in enumerate(to)]
    for faults in lives:
        life = Life(rows)
        for (address, data), (refusals, given_up) in zip(messages, faults, strict=False):
            refused = [True] * refusals + [False] * (not given_up)
            any(life.send(address, data, refused=each) for each in refused or [False])
    last = Life(rows)
    assert all(last.send(address, data, refused=False) for address, data in messages)
    assert sorted(each.data for each in rows) == [data for _, data in messages]
