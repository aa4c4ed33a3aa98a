"""The life of a client: made, greeted, parked, and gone once."""

from __future__ import annotations

import logging

import pytest

from tests.support.hub_fakes import AWAY, WALL, FakePoll, World
from thywill.core.lifecycle import State
from thywill.core.log import Entry
from thywill.core.message import Address
from thywill.core.record import ClientRecord
from thywill.errors import Gone, Malformed
from thywill.hub.directory import EVICTED

# Beginnings.


def test_a_new_client_is_detached_and_not_reported() -> None:
    world = World()
    client = world.hub.create("chat", "a session")
    assert world.directory.clients == {client.id: client}
    assert client.state is State.DETACHED
    assert world.records.saved == []
    assert world.events == []


def test_ids_of_clients_differ_and_need_no_escaping() -> None:
    world = World()
    ids = [world.create().id for _ in range(100)]
    assert len(set(ids)) == 100
    assert all(len(each) == 24 and each.replace("-", "a").replace("_", "a").isalnum() for each in ids)


def test_a_client_has_no_dict() -> None:
    client = World().create()
    entry = Entry(1, b"0")
    for each in (client, client.inbox, client.outbox, entry):
        assert not hasattr(each, "__dict__")


def test_the_record_has_all_fields_of_a_client() -> None:
    client = World().connect("echo", "a session")
    client.address, client.user_agent, client.transport = "192.0.2.1", "Browser/1", "longpoll"
    client.created, client.seen, client.data = 1.0, 2.0, {"a": 1}
    assert client.record() == ClientRecord(
        client.id, "a session", "echo", "192.0.2.1", "Browser/1", "longpoll", 1.0, 2.0, "connected", {"a": 1}
    )


def test_only_the_first_poll_connects() -> None:
    world = World()
    client = world.create()
    world.poll(client)
    world.poll(client)
    assert world.events == [f"connected {client.id}"]
    assert client.state is State.CONNECTED
    assert world.states_saved(client) == ["connected"]


def test_a_send_before_the_first_poll_connects_first() -> None:
    world = World()
    client = world.create()
    assert world.receive(client, 1, 2) == 2
    world.poll(client)
    assert world.events == [f"connected {client.id}", f"received {client.id} [1, 2]"]
    assert client.state is State.CONNECTED


def test_an_empty_send_connects() -> None:
    world = World()
    client = world.create()
    assert world.receive(client) == 0
    assert world.events == [f"connected {client.id}"]
    assert client.pending == 0


# Polls.


def test_a_poll_is_parked_until_a_message_comes() -> None:
    world = World()
    client = world.connect()
    poll = world.poll(client)
    assert poll.calls == []
    assert client.receiver is poll
    world.send_to(client, "hello")
    assert poll.calls == []
    world.turn()
    assert poll.calls == ["flush"]
    assert poll.answer == {"messages": [[1, "hello"]], "cursor": 1}
    assert client.receiver is None


def test_a_poll_is_answered_at_once_if_messages_wait() -> None:
    world = World()
    client = world.connect()
    world.send_to(client, "hello")
    poll = world.poll(client)
    assert poll.answer == {"messages": [[1, "hello"]], "cursor": 1}
    assert client.receiver is None
    assert world.poll(client, hold=0).ids == [1]


def test_a_poll_with_hold_0_is_answered_at_once_with_nothing() -> None:
    poll = World().poll(World().create(), hold=0)
    assert poll.calls == ["expire"]
    assert poll.answer == {"messages": [], "cursor": 0}


def test_a_cursor_acknowledges_and_is_reported_when_it_moves() -> None:
    world = World()
    client = world.connect()
    world.send_to(client, "one", "two")
    world.poll(client)
    assert world.queue.acknowledgements == []
    assert world.poll(client, 1).ids == [2]
    assert world.queue.acknowledgements == [(client.id, 1)]
    assert world.poll(client, 2).calls == []
    assert world.poll(client, 2).calls == []
    assert world.queue.acknowledgements == [(client.id, 1), (client.id, 2)]


def test_the_newest_poll_wins() -> None:
    world = World()
    client = world.connect()
    older, newer = world.poll(client), world.poll(client)
    assert older.calls == ["supersede"]
    assert older.answer == {"messages": [], "cursor": 0, "superseded": True}
    world.send_to(client, "hello")
    world.settle()
    assert newer.ids == [1]
    assert older.calls == ["supersede"]


def test_the_newest_poll_wins_when_it_is_answered_at_once_too() -> None:
    world = World()
    client = world.connect()
    older = world.poll(client)
    newer = world.poll(client, hold=0)
    assert (older.calls, newer.calls) == (["supersede"], ["expire"])
    assert client.receiver is None


@pytest.mark.parametrize("hold", [0, 25])
def test_a_poll_that_follows_on_the_older_ones_connection_wins_over_both(hold: float) -> None:
    world = World()
    client = world.connect()
    older = world.poll(client)
    following: list[FakePoll] = []
    older.after = lambda: following.append(world.poll(client))
    newer = world.poll(client, hold=hold)
    assert newer.calls == (["supersede"] if hold else ["expire"])
    assert client.receiver is following[0]
    world.send_to(client, "hello")
    world.settle()
    assert following[0].ids == [1]


def test_a_stale_poll_is_superseded_and_changes_nothing() -> None:
    world = World()
    client = world.connect()
    world.send_to(client, "hello")
    world.poll(client)
    parked = world.poll(client, 1)
    stale = world.poll(client, 0)
    assert stale.answer == {"messages": [], "cursor": 1, "superseded": True}
    assert client.receiver is parked
    assert parked.calls == []


def test_a_stale_poll_does_not_keep_a_client_alive() -> None:
    world = World()
    client = world.connect()
    world.send_to(client, "hello")
    world.poll(client)
    world.poll(client, 1, hold=0)
    world.sleep(40)
    assert world.poll(client, 0).calls == ["supersede"]
    assert client.state is State.DETACHED
    world.sleep(21)
    assert world.reason(client) == AWAY


@pytest.mark.parametrize("cursor", [1, 2, 9])
def test_a_cursor_that_was_never_sent_is_malformed_and_changes_nothing(cursor: int) -> None:
    world = World()
    client = world.connect()
    parked = world.poll(client)
    world.send_to(client, "hello")
    with pytest.raises(Malformed):
        world.poll(client, cursor)
    assert client.receiver is parked
    world.settle()
    assert parked.ids == [1]


def test_a_malformed_poll_does_not_connect() -> None:
    world = World()
    client = world.create()
    with pytest.raises(Malformed):
        world.poll(client, 1)
    assert world.events == []
    assert client.state is State.DETACHED


def test_a_closed_connection_releases_only_its_client() -> None:
    world = World()
    client = world.connect()
    older, newer = world.poll(client), world.poll(client)
    older.closed()
    assert client.receiver is newer
    newer.closed()
    assert world.directory.clients[client.id].receiver is None
    world.send_to(client, "hello")
    world.settle()
    assert newer.calls == []
    assert world.poll(client).ids == [1]


# Where a client speaks from.


def test_a_new_address_or_transport_is_saved(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    client = world.connect()
    world.records.saved.clear()
    caplog.set_level(logging.DEBUG)
    for address, transport, saved, logged in (
        ("192.0.2.1", "longpoll", 1, 0),
        ("192.0.2.1", "longpoll", 1, 0),
        ("192.0.2.1", "sockjs", 2, 0),
        ("192.0.2.2", "sockjs", 3, 1),
        ("192.0.2.2", "sockjs", 3, 1),
    ):
        world.hub.locate(client, address, transport)
        assert len(world.records.saved) == saved
        assert (client.address, client.transport) == (address, transport)
        assert [record.levelname for record in caplog.records] == ["DEBUG"] * logged
    assert caplog.messages == [f"{client.id}: from another address"]


def test_changes_of_client_data_are_saved() -> None:
    world = World()
    client = world.connect()
    client.data = {"name": "Ann"}
    world.actions.data_requested(client)
    assert world.records.saved[-1].data == {"name": "Ann"}


# Ends.


def test_a_client_that_leaves_is_gone_everywhere() -> None:
    world = World()
    client, other = world.connect(), world.connect()
    for each in (client, other):
        world.actions.subscribe(each, "lobby")
    poll = world.poll(client)
    world.now += 1
    world.hub.leave(client)
    assert poll.answer == {"gone": "the page has left"}
    assert client.state is State.GONE
    assert world.directory.clients == {other.id: other}
    assert list(world.actions.clients_of("chat", "lobby")) == [other]
    assert list(world.actions.channels_of(client)) == []
    assert world.queue.closed == [client.id]
    assert world.events[-1] == f"disconnected {client.id}"
    assert (world.records.saved[-1].state, world.records.saved[-1].seen) == ("gone", WALL + 1)


def test_a_message_to_a_gone_client_reaches_nobody() -> None:
    world = World()
    client, other = world.connect(), world.connect()
    world.send_to(client, "waits")
    world.hub.leave(client)
    world.send_to(client, "late")
    world.send(Address.session("session"), "for the session")
    assert len(client.outbox) == 0
    assert world.poll(other).answer["messages"] == [[3, "for the session"]]


def test_a_client_leaves_once() -> None:
    world = World()
    client = world.connect()
    world.hub.leave(client)
    with pytest.raises(Gone):
        world.hub.leave(client)
    assert world.events.count(f"disconnected {client.id}") == 1
    assert world.queue.closed == [client.id]


def test_a_client_that_never_connected_is_not_reported() -> None:
    world = World()
    world.hub.leave(world.create())
    assert world.events == []


def test_a_disconnected_client_gets_the_reason_at_once_and_later() -> None:
    world = World()
    client = world.connect()
    poll = world.poll(client)
    world.actions.disconnect(client, "you were rude")
    assert poll.answer == {"gone": "you were rude"}
    assert world.events[-1] == f"disconnected {client.id}"
    assert world.reason(client) == world.reason(client) == "you were rude"


def test_a_client_is_disconnected_once() -> None:
    world = World()
    client = world.connect()
    world.actions.disconnect(client, "first")
    world.actions.disconnect(client, "second")
    assert world.reason(client) == "first"
    assert world.events.count(f"disconnected {client.id}") == 1
    left = world.connect()
    world.hub.leave(left)
    world.actions.disconnect(left, "too late")
    assert world.reason(left) == AWAY


def test_the_reasons_of_the_last_thousand_are_remembered() -> None:
    world = World()
    clients = [world.create() for _ in range(EVICTED + 1)]
    for client in clients:
        world.actions.disconnect(client, "you were rude")
    assert world.reason(clients[0]) == AWAY
    assert {world.reason(client) for client in clients[1:]} == {"you were rude"}


def test_repeated_polls_leave_no_request_in_memory() -> None:
    world = World()
    client = world.connect()
    world.actions.disconnect(client, "you were rude")
    depths = []
    for _ in range(3):
        with pytest.raises(Gone) as raised:
            world.hub.find(client.token)
        depths.append(len(raised.traceback))
    assert depths[0] == depths[1] == depths[2]


def test_a_gone_client_cannot_be_put_into_a_channel() -> None:
    world = World()
    client = world.connect()
    world.hub.leave(client)
    world.actions.subscribe(client, "lobby")
    assert list(world.actions.clients_of("chat", "lobby")) == []
    world.actions.unsubscribe(client, "lobby")


def test_clients_are_logged_without_tokens_and_messages(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world = World()
    world.hub.leave(world.create())
    assert caplog.messages == []
    client = world.create()
    world.hub.locate(client, "192.0.2.1", "longpoll")
    world.poll(client)
    world.receive(client, 1)
    world.send_to(client, "a body")
    world.settle()
    world.hub.leave(client)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", f"{client.id} connects to chat from 192.0.2.1"),
        ("INFO", f"{client.id} of chat is gone: the page has left"),
    ]
