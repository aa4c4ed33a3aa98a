"""Receivers that stay: attached once, told of everything, until they release their client."""

from __future__ import annotations

import pytest

from tests.support.hub_fakes import TIMING, World, attach
from thywill.core.lifecycle import State
from thywill.errors import Malformed


def test_a_stream_gets_every_message() -> None:
    world = World()
    client = world.create()
    stream = attach(world, client)
    assert (client.state, world.events) == (State.CONNECTED, [f"connected {client.id}"])
    for _ in range(3):
        world.send_to(client, "x", "y")
        world.settle()
    assert (stream.calls, stream.ids) == (["flush"] * 3, [1, 2, 3, 4, 5, 6])


def test_a_stream_itself_asks_for_waiting_messages() -> None:
    world = World()
    client = world.create()
    world.send_to(client, "x")
    stream = attach(world, client)
    world.settle()
    assert stream.calls == []
    stream.flush()
    assert stream.ids == [1]


def test_a_stream_stays_until_it_closes() -> None:
    world = World()
    client = world.create()
    stream = attach(world, client)
    world.sleep(10 * TIMING.grace)
    assert (client.state, client.receiver) == (State.CONNECTED, stream)
    assert stream.calls.count("expire") >= 10 * TIMING.grace // TIMING.hold - 1
    stream.close()
    world.sleep(TIMING.pause + 1)
    assert client.state is State.DETACHED
    world.sleep(TIMING.grace)
    assert client.state is State.GONE


def test_a_poll_replaces_a_stream_and_gets_unacknowledged_messages() -> None:
    world = World()
    client = world.create()
    stream = attach(world, client)
    world.send_to(client, "x", "y")
    world.settle()
    world.hub.acknowledge(client, 1)
    poll = world.poll(client, cursor=1)
    assert (stream.calls[-1], poll.ids) == ("supersede", [2])
    assert client.receiver is None


def test_a_stream_replaces_a_poll() -> None:
    world = World()
    client = world.connect()
    poll = world.poll(client)
    stream = attach(world, client)
    assert (poll.calls, client.receiver) == (["supersede"], stream)


def test_a_stream_with_an_older_cursor_is_superseded() -> None:
    world = World()
    client = world.create()
    stream = attach(world, client)
    world.send_to(client, "x")
    world.settle()
    world.hub.acknowledge(client, 1)
    late = attach(world, client, cursor=0)
    assert (late.calls, client.receiver) == (["supersede"], stream)


def test_acknowledgements() -> None:
    world = World()
    client = world.create()
    attach(world, client)
    world.send_to(client, "x", "y")
    world.settle()
    world.hub.acknowledge(client, 2)
    world.hub.acknowledge(client, 1)
    assert (client.outbox.cursor, world.queue.acknowledgements) == (2, [(client.id, 2)])
    with pytest.raises(Malformed):
        world.hub.acknowledge(client, 3)


def test_a_cursor_from_the_future_attaches_nothing() -> None:
    world = World()
    client = world.create()
    with pytest.raises(Malformed):
        attach(world, client, cursor=7)
    assert (client.receiver, client.state) == (None, State.DETACHED)


def test_a_drain_writes_waiting_messages_to_a_stream_and_ends_it() -> None:
    world = World()
    client, idle = world.create(), world.create()
    stream, other = attach(world, client), attach(world, idle)
    world.send_to(client, "x")
    world.drain.begin(1)
    assert (stream.calls, other.calls) == (["flush", "retry"], ["retry"])
    assert (stream.ids, client.receiver) == ([1], None)
    assert attach(world, client).calls == ["retry"]


def test_a_stream_gets_the_end_of_its_client() -> None:
    world = World()
    client = world.create()
    stream = attach(world, client)
    world.actions.disconnect(client, "enough")
    assert stream.calls == ["end: enough"]
