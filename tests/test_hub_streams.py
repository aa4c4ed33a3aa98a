"""Requests that stay: told of every message, acknowledged in between, and replaced like any other."""

from __future__ import annotations

import pytest

from tests.hub_fakes import TIMING, WALL, World
from thywill.core.lifecycle import State
from thywill.core.outbox import Bounds
from thywill.errors import Malformed

HOLD = TIMING.hold + TIMING.tick
PAUSE = TIMING.pause + TIMING.tick


def test_a_stream_greets_and_is_told_of_every_message() -> None:
    world = World()
    client = world.create()
    stream = world.attach(client)
    assert world.events == [f"connected {client.id}"]
    assert client.state is State.CONNECTED
    for count in (1, 2):
        world.send_to(client, "hello")
        world.settle()
        assert stream.ids == list(range(1, count + 1))
    assert client.receiver is stream
    assert len(client.outbox) == 2


def test_the_messages_of_one_turn_are_told_of_once() -> None:
    world = World()
    client = world.connect()
    stream = world.attach(client)
    world.send_to(client, "one", "two")
    world.settle()
    assert stream.calls == ["flush"]
    assert stream.ids == [1, 2]


def test_what_the_browser_of_a_stream_has_is_let_go() -> None:
    world = World()
    client = world.connect()
    world.attach(client)
    world.send_to(client, "one", "two", "three")
    world.settle()
    world.hub.acknowledge(client, 2)
    world.hub.acknowledge(client, 2)
    world.hub.acknowledge(client, 1)
    assert [entry.id for entry in client.outbox.entries] == [3]
    assert world.queue.acknowledgements == [(client.id, 2)]
    with pytest.raises(Malformed):
        world.hub.acknowledge(client, 4)


def test_a_stream_goes_on_after_its_cursor() -> None:
    world = World()
    client = world.connect()
    older = world.attach(client)
    world.send_to(client, "one", "two")
    world.settle()
    newer = world.attach(client, 1)
    assert older.calls == ["flush", "supersede"]
    assert world.queue.acknowledgements == [(client.id, 1)]
    newer.flush()
    world.send_to(client, "three")
    world.settle()
    assert (older.ids, newer.ids) == ([1, 2], [2, 3])


def test_a_poll_takes_the_place_of_a_stream_and_a_stream_that_of_a_poll() -> None:
    world = World()
    client = world.connect()
    stream = world.attach(client)
    poll = world.poll(client)
    assert stream.calls == ["supersede"]
    stream.closed()
    assert client.receiver is poll
    world.attach(client)
    assert poll.calls == ["supersede"]


def test_a_stale_stream_is_sent_away_and_disturbs_nothing() -> None:
    world = World()
    client = world.connect()
    world.send_to(client, "hello")
    world.poll(client)
    parked = world.poll(client, 1)
    assert world.attach(client, 0).calls == ["supersede"]
    assert client.receiver is parked
    assert parked.calls == []


def test_a_stream_with_a_cursor_that_was_never_given_out_is_malformed() -> None:
    world = World()
    client = world.create()
    parked = world.poll(client)
    with pytest.raises(Malformed):
        world.attach(client, 1)
    assert client.receiver is parked


def test_a_stream_is_told_of_every_hold_and_keeps_its_client() -> None:
    world = World()
    client = world.connect()
    stream = world.attach(client)
    for count in (1, 2, 3):
        world.sleep(TIMING.hold)
        assert len(stream.calls) == count - 1
        world.sleep(TIMING.tick)
        assert stream.calls == ["expire"] * count
    assert client.state is State.CONNECTED
    assert client.receiver is stream


def test_the_record_of_a_stream_is_brought_up_to_date() -> None:
    world = World()
    client = world.connect()
    world.attach(client)
    world.records.saved.clear()
    world.sleep(10 * HOLD)
    assert [record.seen - WALL for record in world.records.saved] == [5 * HOLD, 10 * HOLD]


def test_a_stream_that_closes_leaves_its_client_the_pause_and_the_grace_time() -> None:
    world = World()
    client = world.connect()
    world.attach(client).closed()
    world.sleep(TIMING.pause)
    assert world.states_saved(client)[-1] == "connected"
    world.sleep(TIMING.tick)
    assert world.states_saved(client) == ["detached"]
    world.sleep(TIMING.grace)
    assert client.state is State.GONE


def test_a_stream_is_told_of_the_end() -> None:
    world = World()
    client = world.connect()
    stream = world.attach(client)
    world.hub.disconnect(client, "you were rude")
    assert stream.calls == ["end: you were rude"]


def test_draining_writes_what_waits_before_it_sends_a_stream_away() -> None:
    world = World()
    client, other = world.connect(), world.connect()
    busy, idle = world.attach(client), world.attach(other)
    world.send_to(client, "hello")
    world.hub.drain(1)
    assert (busy.calls, busy.ids) == (["flush", "retry"], [1])
    assert idle.calls == ["retry"]
    assert world.attach(other).calls == ["retry"]
    assert client.receiver is other.receiver is None


def test_a_stream_is_ahead_of_its_browser_by_one_answer_at_most() -> None:
    world = World(bounds=Bounds(batch=2))
    client = world.connect()
    stream = world.attach(client)
    world.send_to(client, "one", "two", "three")
    world.settle()
    assert stream.ids == [1, 2]
    world.hub.acknowledge(client, 2)
    stream.flush()
    assert stream.ids == [1, 2, 3]


def test_a_send_beside_a_stream_does_not_end_it() -> None:
    world = World()
    client = world.connect()
    stream = world.attach(client)
    world.receive(client, 1)
    world.sleep(PAUSE)
    assert stream.calls == []
    assert client.state is State.CONNECTED
