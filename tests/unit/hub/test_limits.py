"""What the hub refuses, and that trouble with one client stays with it."""

from __future__ import annotations

import logging

import pytest

from tests.support.hub_fakes import TIMING, FakePoll, World, attach
from thywill.core.lifecycle import State
from thywill.core.message import Address
from thywill.core.outbox import Bounds
from thywill.errors import Draining, TooMany
from thywill.hub.leases import Timing


def fail() -> None:
    raise OSError("the connection is in no state to be written to")


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]


def test_there_are_no_more_clients_than_allowed() -> None:
    world = World(Timing(clients=2))
    first, _ = world.create(), world.create()
    with pytest.raises(TooMany) as raised:
        world.create()
    assert raised.value.details() == {"retry": 10}
    world.hub.leave(first)
    world.create()
    assert len(world.directory.clients) == 2


def test_a_draining_server_accepts_no_new_clients() -> None:
    world = World()
    client = world.connect()
    world.drain.begin(0)
    with pytest.raises(Draining) as raised:
        world.create()
    assert raised.value.details() == {"retry": 2}
    assert list(world.directory.clients.values()) == [client]


def test_a_client_that_never_polled_leaves_no_record() -> None:
    world = World()
    world.hub.leave(world.create())
    world.create()
    world.sleep(TIMING.grace + TIMING.tick)
    assert world.directory.clients == {}
    assert world.records.saved == []


def test_messages_of_a_disconnected_client_whose_hook_has_not_begun_are_dropped() -> None:
    world = World()
    evicted, left = world.connect(), world.connect()
    for client in (evicted, left):
        world.receive(client, 1, 2, 3)
        client.begun = 1
    world.actions.disconnect(evicted, "you were rude")
    world.hub.leave(left)
    assert (evicted.inbox.received, left.inbox.received) == (1, 3)


def test_a_queue_full_of_replies_ends_its_client() -> None:
    world = World(bounds=Bounds(messages=2))
    client = world.connect()
    for number in (1, 2, 3):
        world.reply(client, b'{"result":0}', number)
    assert client.state is State.GONE
    assert world.reason(client) == "the queue is full: this page read too slowly"


def test_an_answer_that_fails_does_not_delay_others(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    failing, other = world.connect(), world.connect()
    polls: list[FakePoll] = []
    for client in (failing, other):
        world.actions.subscribe(client, "lobby")
        polls.append(world.poll(client))
    polls[0].after = fail
    world.send(Address.channel("lobby"), "hello")
    world.settle()
    assert polls[1].ids == [1]
    assert errors(caplog) == [f"{failing.id} could not be answered"]
    assert world.poll(failing).ids == [1]


def test_a_deadline_that_fails_does_not_delay_others(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    failing, other = world.connect(), world.connect()
    polls = [world.poll(client) for client in (failing, other)]
    polls[0].after = fail
    world.sleep(TIMING.hold + TIMING.tick)
    assert polls[1].calls == ["expire"]
    assert errors(caplog) == [f"{failing.id} could not be answered"]


# Beside a stream.


def test_a_send_beside_a_stream_does_not_detach_its_client() -> None:
    world = World()
    client = world.connect()
    stream = attach(world, client)
    world.receive(client, 1)
    world.sleep(TIMING.pause + TIMING.tick)
    assert stream.calls == []
    assert client.state is State.CONNECTED


def test_the_record_of_a_streams_client_is_updated() -> None:
    world = World()
    client = world.connect()
    attach(world, client)
    world.records.saved.clear()
    world.sleep(4 * TIMING.record)
    assert len(world.records.saved) == 3
    assert {record.state for record in world.records.saved} == {"connected"}


def test_a_stream_is_called_after_every_hold() -> None:
    world = World()
    client = world.connect()
    stream = attach(world, client)
    for count in (1, 2, 3):
        world.sleep(TIMING.hold)
        assert stream.calls == ["expire"] * (count - 1)
        world.sleep(TIMING.tick)
        assert stream.calls == ["expire"] * count


def test_a_connection_that_fails_does_not_stop_a_drain(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(seconds: float) -> None:
        raise RuntimeError("on purpose")

    world = World()
    broken, good = (world.poll(world.connect()) for _ in range(2))
    monkeypatch.setattr(broken, "retry", fail)
    world.drain.begin(0)
    assert "retry" in good.answer
    assert "on purpose" in caplog.text
