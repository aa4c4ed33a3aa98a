"""Deadlines, records and the end of the server: the clock says when, and every tick is half a second."""

from __future__ import annotations

import logging

import pytest

from tests.support.hub_fakes import AWAY, WALL, FakePoll, World
from thywill.core.lifecycle import State
from thywill.hub.client import LiveClient
from thywill.hub.leases import HANDLED_PER_TURN, Timing

LATE = 0.5
"""A deadline that falls on a tick is acted on at the next one."""


def stay(world: World, client: LiveClient, seconds: float, state: State) -> None:
    """Let time pass; ``client`` is in the same state all along."""
    for _ in range(round(seconds / 0.5)):
        assert client.state is state
        world.sleep(0.5)
    assert client.state is state


# Polls and pauses.


@pytest.mark.parametrize("hold", [25, 10, 0.5])
def test_a_poll_is_answered_when_its_hold_is_over(hold: float) -> None:
    world = World()
    client = world.connect()
    poll = world.poll(client, hold=hold)
    world.sleep(hold)
    assert poll.calls == []
    world.sleep(LATE)
    assert poll.calls == ["expire"]
    assert poll.answer == {"messages": [], "cursor": 0}
    assert client.receiver is None


def test_a_client_without_a_request_is_detached_after_the_pause_and_gone_after_the_grace_time() -> None:
    world = World()
    client = world.connect()
    stay(world, client, 5, State.CONNECTED)
    world.sleep(LATE)
    stay(world, client, 55, State.DETACHED)
    assert world.hub.find(client.token) is client
    assert not world.hub.draining
    assert world.events == [f"connected {client.id}"]
    world.sleep(LATE)
    assert client.state is State.GONE
    assert world.events == [f"connected {client.id}", f"disconnected {client.id}"]
    assert world.reason(client) == AWAY


def test_the_times_count_from_the_answer_of_a_poll() -> None:
    world = World()
    client = world.connect()
    world.poll(client)
    stay(world, client, 25 + LATE, State.CONNECTED)
    stay(world, client, 5, State.CONNECTED)
    world.sleep(LATE)
    stay(world, client, 55, State.DETACHED)
    world.sleep(LATE)
    assert client.state is State.GONE


@pytest.mark.parametrize("answered", [True, False])
def test_the_times_count_from_a_message_or_a_closed_connection(answered: bool) -> None:
    world = World()
    client = world.connect()
    poll = world.poll(client)
    world.sleep(10)
    if answered:
        world.send_to(client, "hello")
        world.settle()
    else:
        poll.closed()
    stay(world, client, 5, State.CONNECTED)
    world.sleep(LATE)
    stay(world, client, 55, State.DETACHED)
    world.sleep(LATE)
    assert client.state is State.GONE


def test_a_poll_within_the_pause_changes_nothing() -> None:
    world = World()
    client = world.connect()
    world.states_saved(client)
    for _ in range(4):
        stay(world, client, 5, State.CONNECTED)
        world.poll(client, hold=0)
    assert world.states_saved(client) == []


def test_a_poll_within_the_grace_time_brings_a_client_back_with_all_that_was_sent() -> None:
    world = World()
    client = world.connect()
    world.sleep(59)
    world.send_to(client, "hello")
    assert world.poll(client).ids == [1]
    assert client.state is State.CONNECTED
    world.poll(client, 1)
    stay(world, client, 25, State.CONNECTED)
    assert world.events == [f"connected {client.id}"]
    assert world.states_saved(client) == ["connected", "detached", "connected"]


def test_a_client_that_never_polls_is_gone_after_the_grace_time_unreported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    world = World()
    client = world.create()
    stay(world, client, 60, State.DETACHED)
    world.sleep(LATE)
    assert client.state is State.GONE
    assert world.directory.clients == {}
    assert world.events == caplog.messages == []


def test_a_send_keeps_a_client_connected_for_another_pause() -> None:
    world = World()
    client = world.connect()
    world.sleep(4)
    world.receive(client)
    stay(world, client, 5, State.CONNECTED)
    world.sleep(LATE)
    assert client.state is State.DETACHED
    world.receive(client, 1)
    stay(world, client, 5, State.CONNECTED)
    world.sleep(LATE)
    assert client.state is State.DETACHED


def test_a_send_does_not_move_the_end_of_a_hold() -> None:
    world = World()
    client = world.connect()
    poll = world.poll(client)
    world.sleep(24)
    world.receive(client, 1)
    world.sleep(1)
    assert poll.calls == []
    world.sleep(LATE)
    assert poll.calls == ["expire"]


def test_a_poll_that_follows_on_the_same_connection_has_its_own_hold() -> None:
    world = World()
    client = world.connect()
    following: list[FakePoll] = []
    first = world.poll(client)
    first.after = lambda: following.append(world.poll(client, hold=2))
    world.sleep(25 + LATE)
    assert following[0].calls == []
    world.sleep(2 + LATE)
    assert following[0].calls == ["expire"]


def test_a_newer_poll_has_its_own_hold() -> None:
    world = World()
    client = world.connect()
    world.poll(client, hold=25)
    shorter = world.poll(client, hold=2)
    world.sleep(2 + LATE)
    assert shorter.calls == ["expire"]
    world.poll(client, hold=2)
    longer = world.poll(client, hold=25)
    world.sleep(25)
    assert longer.calls == []
    world.sleep(LATE)
    assert longer.calls == ["expire"]


def test_a_grace_time_shorter_than_the_pause_ends_with_it() -> None:
    world = World(Timing(grace=2, pause=5))
    client = world.connect()
    stay(world, client, 5, State.CONNECTED)
    world.sleep(2 * LATE)
    assert client.state is State.GONE


def test_a_client_that_left_before_its_deadline_does_not_end_twice() -> None:
    world = World()
    client = world.connect()
    world.hub.leave(client)
    world.sleep(100)
    assert world.events.count(f"disconnected {client.id}") == 1


def test_a_client_that_left_leaves_the_wheel_at_once() -> None:
    world = World()
    client = world.create()
    world.poll(client, hold=3600)
    world.hub.leave(client)
    assert len(world.hub._leases._wheel) == 0


# Many at once.


def test_ten_thousand_clients_that_expire_at_once_are_handled_in_slices() -> None:
    world = World()
    clients = [world.create(session=str(number)) for number in range(10_000)]
    world.now += 61
    world.leases.tick()
    left = [len(world.directory.clients)]
    while world.soon:
        assert world.turn() == 1
        left.append(len(world.directory.clients))
    assert left == list(range(10_000 - HANDLED_PER_TURN, -1, -HANDLED_PER_TURN))
    assert {client.state for client in clients} == {State.GONE}
    assert len(world.queue.closed) == 10_000


def test_a_client_that_comes_back_between_two_slices_is_kept() -> None:
    world = World()
    clients = [world.create() for _ in range(HANDLED_PER_TURN + 3)]
    world.now += 61
    world.leases.tick()
    parked = world.poll(clients[-1])
    world.hub.leave(clients[-2])
    world.settle()
    assert list(world.directory.clients.values()) == [clients[-1]]
    assert parked.calls == []
    assert world.queue.closed.count(clients[-2].id) == 1


def test_a_tick_between_two_slices_adds_to_what_is_left() -> None:
    world = World()
    first = [world.create() for _ in range(HANDLED_PER_TURN + 1)]
    world.now += 1
    second = world.create()
    world.now += 60
    world.leases.tick()
    world.now += 1
    world.leases.tick()
    assert len(world.soon) == 1
    assert {client.state for client in first[:HANDLED_PER_TURN]} == {State.GONE}
    assert first[-1].state is second.state is State.DETACHED
    assert world.turn() == 1
    assert world.directory.clients == {}
    assert world.soon == []


def test_a_client_that_is_due_twice_before_its_slice_is_handled_once() -> None:
    world = World()
    for _ in range(HANDLED_PER_TURN):
        world.create()
    client = world.create()
    world.now += 61
    world.leases.tick()
    world.poll(client, hold=0)
    world.now += 6
    world.leases.tick()
    world.settle()
    assert client.state is State.DETACHED
    assert world.directory.clients == {client.id: client}


# Records.


def test_polls_save_a_record_once_in_the_time_set_for_it() -> None:
    world = World()
    client = world.connect()
    world.states_saved(client)
    for _ in range(4 * 120):
        world.sleep(1)
        world.send_to(client, "hello")
        world.poll(client, hold=0)
        world.poll(client, client.outbox.entries[-1].id)
    saved = world.records.saved
    assert [record.seen - WALL for record in saved] == [120, 240, 360, 480]
    assert {record.state for record in saved} == {"connected"}


def test_a_client_that_gets_no_message_is_saved_as_seldom() -> None:
    world = World()
    client = world.connect()
    world.states_saved(client)
    for _ in range(20):
        world.poll(client)
        world.sleep(25 + LATE)
    seen = [record.seen - WALL for record in world.records.saved]
    assert seen == [127.5, 255, 382.5, 510]


def test_a_record_tells_when_a_client_was_last_seen() -> None:
    world = World()
    client = world.connect()
    world.sleep(4)
    world.poll(client, hold=0)
    world.sleep(5 + LATE)
    last = world.records.saved[-1]
    assert (last.state, last.seen) == ("detached", WALL + 4)
    world.sleep(1)
    world.poll(client)
    last = world.records.saved[-1]
    assert (last.state, last.seen, last.created) == ("connected", WALL + 10.5, WALL)


# The end.


def test_draining_sends_every_poll_away_and_those_that_come_later() -> None:
    world = World()
    clients = [world.connect() for _ in range(50)]
    polls = [world.poll(client) for client in clients]
    world.drain.begin(10)
    assert world.hub.draining
    polls += [world.poll(client, hold=hold) for client in clients for hold in (25, 0)]
    assert {call for poll in polls for call in poll.calls} == {"retry"}
    seconds = [poll.answer["retry"] for poll in polls]
    assert min(seconds) >= 1
    assert 5 < max(seconds) <= 11
    assert len(set(seconds)) > 10
    assert all(client.receiver is None for client in clients)


@pytest.mark.parametrize(("others_serve", "least", "most"), [(False, 1.0, 1.05), (True, 0.1, 0.11)])
def test_browsers_move_to_other_servers_at_once(others_serve: bool, least: float, most: float) -> None:
    """Without other servers, they come when the next one has started: 1,000 in a second."""
    world = World()
    clients = [world.connect() for _ in range(50)]
    polls = [world.poll(client) for client in clients]
    world.drain.begin_at_a_rate(others_serve=others_serve)
    seconds = [poll.answer["retry"] for poll in polls]
    assert least <= min(seconds)
    assert max(seconds) <= most


def test_draining_at_once_asks_for_a_second() -> None:
    world = World()
    client = world.connect()
    world.drain.begin(0)
    assert world.hub.draining
    assert world.poll(client).answer == {"messages": [], "cursor": 0, "retry": 1}


def test_draining_first_delivers_waiting_messages() -> None:
    world = World()
    client, away = world.connect(), world.connect()
    poll = world.poll(client)
    world.send_to(away, "waits")
    world.send_to(client, "one")
    world.drain.begin(10)
    assert poll.ids == [2]
    world.send_to(client, "three")
    assert world.poll(client, 2).ids == [3]
    assert world.poll(client, 3).calls == ["retry"]
    assert world.poll(away).ids == [1]
    assert world.receive(client, 1) == 1
    world.settle()
    assert poll.calls == ["flush"]


def test_a_client_that_was_sent_away_has_its_grace_time() -> None:
    world = World()
    client = world.connect()
    world.poll(client)
    world.drain.begin(10)
    world.sleep(60)
    assert world.hub.find(client.token) is client
    world.sleep(2 * LATE)
    assert world.reason(client) == AWAY
