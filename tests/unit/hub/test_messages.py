"""Messages both ways: who gets them, when, and what happens when there are too many."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.hub_fakes import LIMIT, TIMING, World
from thywill.core.envelope import Item
from thywill.core.lifecycle import State
from thywill.core.message import Address
from thywill.core.outbox import Bounds
from thywill.core.overflow import Overflow
from thywill.errors import Gap, Malformed, TooMany, UnsendableMessage
from thywill.hub.client import LiveClient

LOBBY = Address.channel("lobby")

# From the application to browsers.


def test_the_messages_of_one_turn_travel_in_one_answer() -> None:
    world = World()
    client = world.connect()
    world.actions.subscribe(client, "lobby")
    poll = world.poll(client)
    world.send_to(client, "one", "two")
    world.send(LOBBY, "three")
    assert len(world.soon) == 1
    world.settle()
    assert poll.calls == ["flush"]
    assert poll.answer["messages"] == [[1, "one"], [2, "two"], [3, "three"]]


def test_a_message_of_the_next_turn_travels_in_the_next_answer() -> None:
    world = World()
    client = world.connect()
    first = world.poll(client)
    world.send_to(client, "one")
    world.settle()
    second = world.poll(client, 1)
    world.send_to(client, "two")
    world.settle()
    assert (first.ids, second.ids) == ([1], [2])


def test_nothing_is_scheduled_when_nobody_waits() -> None:
    world = World()
    client = world.connect()
    world.send_to(client, "one")
    world.send(LOBBY, "two")
    assert world.soon == []


def test_a_message_for_one_client_reaches_it_alone() -> None:
    world = World()
    client, other = world.connect(), world.connect()
    world.send_to(client, "hello")
    assert world.queue.appended == [("chat", Address.client(client.id), b'"hello"', None)]
    assert (len(client.outbox), len(other.outbox)) == (1, 0)


def test_a_message_for_a_session_reaches_its_clients_of_the_application() -> None:
    world = World()
    clients = [world.connect(session=session) for session in ("ann", "ann", "bob")]
    elsewhere = world.connect("echo", "ann")
    world.send(Address.session("ann"), "hello")
    assert [len(each.outbox) for each in [*clients, elsewhere]] == [1, 1, 0, 0]
    world.send(Address.session("nobody"), "hello")


def test_a_message_for_a_channel_reaches_its_members_of_the_application() -> None:
    world = World()
    member, other, elsewhere = world.connect(), world.connect(), world.connect("echo")
    world.actions.subscribe(member, "lobby")
    world.actions.subscribe(other, "room")
    world.actions.subscribe(elsewhere, "lobby")
    world.send(LOBBY, "hello")
    assert [len(each.outbox) for each in (member, other, elsewhere)] == [1, 0, 0]
    assert list(world.actions.clients_of("chat", "lobby")) == [member]
    assert list(world.actions.clients_of("echo", "lobby")) == [elsewhere]


def test_one_application_does_not_reach_the_clients_of_another() -> None:
    world = World()
    client = world.connect("echo", "ann")
    world.send(Address.client(client.id), "hello", "chat")
    world.send(Address.session("ann"), "hello", "chat")
    assert len(client.outbox) == 0


def test_a_client_that_leaves_a_channel_gets_no_more_of_it() -> None:
    world = World()
    client = world.connect()
    for channel in ("lobby", "room"):
        world.actions.subscribe(client, channel)
    assert world.actions.channels_of(client) == ["lobby", "room"]
    world.actions.unsubscribe(client, "lobby")
    world.send(LOBBY, "hello")
    assert len(client.outbox) == 0
    assert world.actions.channels_of(client) == ["room"]


def test_a_channel_reaches_a_member_once_however_often_it_subscribed() -> None:
    world = World()
    client = world.connect()
    world.actions.subscribe(client, "lobby")
    world.actions.subscribe(client, "lobby")
    world.send(LOBBY, "hello")
    assert len(client.outbox) == 1


def test_the_queues_of_a_channel_share_one_message() -> None:
    world = World()
    first, second = world.connect(), world.connect()
    for client in (first, second):
        world.actions.subscribe(client, "lobby")
    world.send(LOBBY, "hello")
    assert first.outbox.entries[0] is second.outbox.entries[0]


def test_a_broadcast_is_answered_in_one_turn_before_the_next_polls_are_read() -> None:
    world = World()
    clients = [world.connect() for _ in range(1000)]
    for client in clients:
        world.actions.subscribe(client, "lobby")
    polls = [world.poll(client) for client in clients]
    world.send(LOBBY, "hello")
    assert world.turn() == 1
    assert all(poll.ids == [1] for poll in polls)
    assert not world.soon


def leaves(world: World, client: LiveClient) -> None:
    world.hub.leave(client)


def closes(world: World, client: LiveClient) -> None:
    world.hub.release(client)


def polls_again(world: World, client: LiveClient) -> None:
    assert world.poll(client).ids == [1]


def has_read_it_and_polls_again(world: World, client: LiveClient) -> None:
    polls_again(world, client)
    assert world.poll(client, 1).calls == []


@pytest.mark.parametrize("does", [leaves, closes, polls_again, has_read_it_and_polls_again])
def test_a_receiver_that_vanishes_before_its_turn_is_not_written_to(
    does: Callable[[World, LiveClient], None],
) -> None:
    world = World()
    client, other = world.connect(), world.connect()
    vanishing, staying = world.poll(client), world.poll(other)
    world.send_to(client, "hello")
    world.send_to(other, "hello")
    does(world, client)
    parked = client.receiver
    world.settle()
    assert "flush" not in vanishing.calls
    assert client.receiver is parked
    assert staying.ids == [2]


def test_a_client_that_polled_again_before_its_turn_gets_what_comes_after() -> None:
    world = World()
    client = world.connect()
    world.poll(client)
    world.send_to(client, "one")
    has_read_it_and_polls_again(world, client)
    parked = client.receiver
    world.send_to(client, "two")
    world.settle()
    assert parked is not None
    assert client.receiver is None
    later = world.poll(client, 2)
    world.send_to(client, "three")
    world.settle()
    assert later.ids == [3]


def test_a_reply_goes_to_its_client_with_the_number_that_it_answers() -> None:
    world = World()
    client, other = world.connect(), world.connect()
    poll = world.poll(client)
    world.reply(client, b'{"result":5}', 7)
    world.settle()
    assert poll.answer["messages"] == [[1, {"result": 5}, 7]]
    assert len(other.outbox) == 0


@pytest.mark.parametrize("data", ["x" * (LIMIT - 1), object()])
def test_data_that_cannot_be_sent_is_refused_before_it_is_in_the_log(data: object) -> None:
    world = World()
    with pytest.raises(UnsendableMessage):
        world.send(LOBBY, data)
    assert world.queue.appended == []
    world.send(LOBBY, "x" * (LIMIT - 2))


# Overflow.


def test_a_full_queue_drops_its_oldest_and_reports_how_many(caplog: pytest.LogCaptureFixture) -> None:
    world = World(bounds=Bounds(messages=2))
    client = world.connect()
    world.send_to(client, 1, 2, 3, 4)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", f"{client.id}: its queue is full, messages are dropped")
    ]
    assert world.poll(client).answer == {"messages": [[3, 3], [4, 4]], "cursor": 4, "lost": 2}
    assert world.poll(client, 4, hold=0).answer == {"messages": [], "cursor": 4}
    assert client.state is State.CONNECTED


def test_a_full_queue_may_end_its_client_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    world = World(bounds=Bounds(messages=2, overflow=Overflow.DISCONNECT))
    slow, fast = world.connect(), world.connect()
    for client in (slow, fast):
        world.actions.subscribe(client, "lobby")
    for cursor in range(3):
        poll = world.poll(fast, cursor)
        world.send(LOBBY, cursor)
        world.settle()
        assert poll.ids == [cursor + 1]
    assert slow.state is State.GONE
    assert len(slow.outbox) == 0
    assert caplog.messages == [f"{slow.id} is disconnected: the queue is full: this page read too slowly"]
    assert world.events[-1] == f"disconnected {slow.id}"
    assert world.reason(slow) == "the queue is full: this page read too slowly"


def test_a_poll_that_waits_for_its_turn_gets_the_overflow_instead() -> None:
    world = World(bounds=Bounds(messages=2, overflow=Overflow.DISCONNECT))
    client = world.connect()
    poll = world.poll(client)
    world.send_to(client, 1, 2, 3)
    assert poll.answer == {"gone": "the queue is full: this page read too slowly"}
    world.settle()
    assert poll.calls == ["end"]


# From browsers to the application.


def test_messages_are_passed_on_once_and_counted_until_they_are_handled() -> None:
    world = World()
    client = world.connect()
    assert world.receive(client, 1, 2) == 2
    assert client.pending == 2
    assert world.receive(client, 1, 2) == 2
    assert world.receive(client, 2, 3) == 3
    assert world.events[1:] == [f"received {client.id} [1, 2]", f"received {client.id} [3]"]
    assert client.pending == 3


def test_a_batch_with_a_gap_is_refused_whole() -> None:
    world = World()
    client = world.create()
    with pytest.raises(Gap) as raised:
        world.receive(client, 1, 3)
    assert raised.value.received == 0
    with pytest.raises(Malformed):
        world.hub.receive(client, [Item(1, "no list", "method")], print)
    assert world.events == []
    assert client.pending == 0


def test_a_batch_beyond_the_limit_is_accepted_in_part_then_refused_then_accepted() -> None:
    world = World()
    client = world.connect()
    assert world.receive(client, 1, 2, 3, 4, 5) == TIMING.pending == 3
    assert world.events[1:] == [f"received {client.id} [1, 2, 3]"]
    with pytest.raises(TooMany) as raised:
        world.receive(client, 4, 5)
    assert raised.value.details() == {"retry": 1}
    with pytest.raises(TooMany):
        world.receive(client, 3, 4)
    assert client.pending == 3
    client.handled += 1
    assert world.receive(client, 4, 5) == 4
    client.handled = client.inbox.received
    assert world.receive(client, 5) == 5
    assert world.events[2:] == [f"received {client.id} [4]", f"received {client.id} [5]"]


@pytest.mark.parametrize("numbers", [[], [3], [1, 2, 3]])
def test_a_repeat_is_answered_while_there_is_no_room(numbers: list[int]) -> None:
    world = World()
    client = world.connect()
    world.receive(client, 1, 2, 3)
    assert world.receive(client, *numbers) == 3
