"""The durable queue: when a message is safe, and what the next server finds after a kill."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.queue_world import ALL, World, settle
from tests.support.serving import until
from thywill.core.envelope import Item, encode_message
from thywill.core.lifecycle import State
from thywill.core.overflow import Overflow
from thywill.errors import Gone, Unavailable
from thywill.hub.step import CONNECTED, CURRENT, DISCONNECTED, Step
from thywill.queue.durable import group_commit

pytestmark = pytest.mark.gen_test


async def test_a_message_is_delivered_once_it_is_safe() -> None:
    world = await World().begin()
    client = world.connect()
    await settle()
    world.store.fault = "hang"
    sent = world.publish("a")
    await settle()
    assert not sent.done()
    assert world.poll(client) == []
    world.store.release_waiting()
    await sent
    assert world.poll(client) == [[1, "a"]]
    assert [row.data for row in world.store.messages.values()] == ['"a"']


async def test_changes_during_a_transaction_go_into_the_next() -> None:
    world = await World().begin()
    world.store.fault = "hang"
    sent = [world.publish(number) for number in range(100)]
    await settle()
    late = [world.publish(number) for number in range(100)]
    await settle()
    world.store.release_waiting()
    await asyncio.gather(*sent, *late)
    assert [len(changes.messages) for changes in world.store.written if changes.messages] == [100, 100]


async def test_ids_and_order_continue_after_a_kill() -> None:
    world = await World().begin()
    client = world.connect()
    for number in range(3):
        await world.publish(number)
    assert len(world.poll(client)) == 3
    world.poll(client, cursor=2)
    world = await world.killed()
    await world.publish(3)
    assert world.poll(world.again(client), cursor=2) == [[3, 2], [4, 3]]


async def test_a_key_replaces_a_message_that_waited_before_a_kill() -> None:
    world = await World().begin()
    client = world.connect()

    async def publish(data: str, key: str) -> None:
        message = encode_message(ALL, data, 1000, key, Overflow.CONFLATE)
        await world.actions.append("chat", ALL, message)

    for text in ("old", "new"):
        await publish(f"{text} a", "a")
        await publish(f"{text} b", "b")
    world = await world.killed()
    await publish("newest a", "a")
    again = world.again(client)
    assert world.poll(again) == [[4, "new b"], [5, "newest a"]]
    assert world.poll(again, cursor=3) == [[4, "new b"], [5, "newest a"]]
    assert world.poll(again, cursor=5) == []


async def test_a_cursor_that_was_not_committed_is_accepted_after_a_kill() -> None:
    world = await World().begin()
    client = world.connect()
    await world.publish("a")
    await world.publish("b")
    await settle()
    world = await world.killed()
    again = world.again(client)
    assert again.outbox.cursor == 0
    assert world.poll(again, cursor=1) == [[2, "b"]]


async def test_a_cursor_whose_message_was_trimmed_is_accepted() -> None:
    world = await World().begin()
    client = world.connect()
    for text in "abc":
        await world.publish(text)
    world.store.messages.pop(("chat", 2))
    world = await world.killed()
    again = world.again(client)
    assert world.poll(again, cursor=2) == [[3, "c"]]
    with pytest.raises(Gone):
        world.poll(again, cursor=4)


async def test_a_database_that_went_back_in_time_gives_no_id_twice() -> None:
    world = await World().begin()
    client = world.connect()
    await world.publish("kept")
    backup = world.store.copy()
    for text in "abc":
        await world.publish(text)
    assert [item[0] for item in world.poll(client)] == [1, 2, 3, 4]
    world.poll(client, cursor=4)
    world.store.restore(backup)
    world.wall += 1.0
    world = await world.killed()
    other = world.connect()
    await world.publish("new")
    [(number, text)] = world.poll(other)
    assert (number > 4, text) == (True, "new")
    # The page has messages 2 to 4, which are lost: it must not take the new message for one of them.
    again = world.again(client)
    with pytest.raises(Gone, match="its database was replaced by an older one: connect again"):
        world.poll(again, cursor=4)
    assert again.state is State.GONE


async def test_a_clock_that_was_set_back_gives_no_id_twice() -> None:
    world = await World().begin()
    client = world.connect()
    await world.publish("a")
    world.wall -= 1000.0
    world = await world.killed()
    await world.publish("b")
    assert world.poll(world.again(client)) == [[1, "a"], [2, "b"]]


async def test_a_client_gets_only_messages_of_its_time_in_the_channel_after_a_kill() -> None:
    world = await World().begin()
    member, left, late = world.connect(), world.connect(), world.connect()
    world.actions.unsubscribe(late, "all")
    await world.publish("a")
    world.actions.unsubscribe(left, "all")
    world.actions.subscribe(late, "all")
    await world.publish("b")
    world = await world.killed()
    got = [[data for _, data in world.poll(world.again(each))] for each in (member, left, late)]
    assert got == [["a", "b"], ["a"], ["b"]]
    assert [world.actions.channels_of(world.again(each)) for each in (member, left, late)] == [
        ["all"],
        [],
        ["all"],
    ]


async def test_a_message_that_cannot_be_stored_raises_and_is_not_delivered() -> None:
    world = await World().begin()
    client = world.connect()
    await settle()
    world.store.fault = "refuse"
    with pytest.raises(Unavailable):
        await world.publish("a")
    world.store.fault = None
    await world.publish("b")
    assert [data for _, data in world.poll(client)] == ["b"]
    world = await world.killed()
    assert [data for _, data in world.poll(world.again(client))] == ["b"]


async def test_a_message_that_may_have_been_committed_is_withdrawn() -> None:
    world = await World().begin()
    client = world.connect()
    await settle()
    world.store.fault = "unsure"
    with pytest.raises(Unavailable):
        await world.publish("a")
    assert world.store.messages
    world.store.fault = None
    await world.publish("b")
    world = await world.killed()
    assert [data for _, data in world.poll(world.again(client))] == ["b"]


async def test_a_browser_is_answered_once_its_messages_are_safe() -> None:
    world = await World().begin()
    client = world.connect()
    await settle()
    world.store.fault = "hang"
    world.send(client, 1, 2)
    await settle()
    assert world.answers == []
    assert world.listener.events == [f"connected {client.id}"]
    world.store.release_waiting()
    await settle()
    assert world.answers == [2]
    assert world.listener.events[1:] == [f"received {client.id} [1, 2]"]


async def test_messages_behind_a_refused_one_are_refused_too() -> None:
    world = await World().begin()
    client = world.connect()
    await settle()
    world.store.fault = "hang"
    world.send(client, 1)
    await settle()
    world.send(client, 2)
    await settle()
    world.store.fault = "refuse"
    world.store._gate.set()
    for _ in range(3):
        await asyncio.sleep(0)
    world.store.fault = None
    await settle()
    assert [type(answer) for answer in world.answers] == [Unavailable, Unavailable]
    assert (client.inbox.received, client.pending) == (0, 0)
    world.send(client, 1, 2)
    await settle()
    assert world.answers[-1] == 2


async def test_a_repeat_that_arrives_before_the_refusal_is_refused_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_commit, "SECONDS_PER_TURN", -1.0)  # other tasks run after each callback
    world = await World().begin()
    first, client = world.connect(), world.connect()
    await settle()

    def repeat() -> None:
        world.store.fault = None
        world.send(client, 1, 2)

    soon = asyncio.get_running_loop().call_soon
    world.store.fault = "refuse"
    world.hub.receive(first, [Item(1, "text")], lambda received, error: soon(repeat))
    world.send(client, 1)
    await settle()
    assert [type(answer) for answer in world.answers] == [Unavailable, Unavailable]
    assert (client.inbox.received, client.pending) == (0, 0)
    world.send(client, 1, 2)
    await settle()
    assert world.answers[-1] == 2
    assert world.listener.events[-1] == f"received {client.id} [1, 2]"


async def test_recovery_is_logged_only_after_a_message_was_stored(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    world = await World().begin()
    client = world.connect()
    world.send(client, 1)
    await settle()
    world.store.fault = "refuse"
    world.send(client, 2)
    await settle()
    world.store.fault = None
    world.send(client, 1)  # which is a repeat
    await settle()
    assert world.answers[-1] == 1
    assert "messages are stored again" not in caplog.messages
    world.send(client, 2)
    await settle()
    assert "messages are stored again" in caplog.messages


@pytest.mark.parametrize("ends", ["leaves", "is disconnected"])
async def test_a_client_that_ends_during_an_unsure_transaction_stays_gone(ends: str) -> None:
    world = await World().begin()
    world.store.fault = "unsure"
    client = world.connect()
    await settle()
    assert client.id in world.store.clients
    if ends == "leaves":
        world.hub.leave(client)
    else:
        world.actions.disconnect(client, "banned")
    await settle()
    world.handled(client, DISCONNECTED)
    world.store.fault = None
    await world.publish("so that it is written")
    assert (world.store.clients, world.store.subscriptions) == ({}, [])


async def test_accepted_messages_are_handled_after_a_kill() -> None:
    world = await World().begin()
    client = world.connect()
    world.send(client, 1, 2, 3)
    await settle()
    world.handled(client, 1)
    await world.publish("so that it is written")
    world = await world.killed()
    assert world.listener.events == [f"resumed {client.id}", f"received {client.id} [2, 3]"]
    again = world.again(client)
    assert (again.inbox.received, again.pending) == (3, 2)


async def test_a_repeated_step_does_not_send_again() -> None:
    world = await World().begin()
    client = world.connect()
    world.send(client, 1)
    await settle()
    CURRENT.set(Step(client.id, 1))
    await world.publish("before the kill")
    world = await world.killed()
    CURRENT.set(Step(client.id, 1))
    await world.publish("in other words")
    await world.publish("the second part")
    texts = [data for _, data in world.poll(world.again(client))]
    assert texts == ["before the kill", "the second part"]


async def test_a_task_that_outlives_its_step_sends_outside_of_any_step() -> None:
    world = await World().begin()
    client = world.connect()
    step = Step(client.id, 1)
    CURRENT.set(step)
    step.open = False
    await world.publish("late")
    assert [row.cause_client for row in world.store.messages.values()] == [None]


@pytest.mark.parametrize("handled", [False, True])
async def test_a_client_whose_connection_was_not_handled_connects_again(handled: bool) -> None:
    world = await World().begin()
    client = world.hub.create("chat", "session")
    world.poll(client)
    if handled:
        world.handled(client, CONNECTED)
    await world.publish("so that it is written")
    world = await world.killed()
    assert world.listener.events == [f"{'resumed' if handled else 'connected'} {client.id}"]


async def test_the_disconnect_step_runs_after_a_kill() -> None:
    world = await World().begin()
    client = world.connect()
    world.send(client, 1)
    world.hub.leave(client)
    await settle()
    world = await world.killed()
    assert world.listener.events[-2:] == [f"received {client.id} [1]", f"disconnected {client.id}"]
    assert client.id not in world.directory.clients
    world = await world.killed()
    assert world.listener.events, "nobody has said that it was handled"


async def test_nothing_is_left_of_a_client_whose_last_step_ended() -> None:
    world = await World().begin()
    client = world.connect()
    await world.publish("a")
    world.hub.leave(client)
    await settle()
    world.handled(client, DISCONNECTED)
    await world.publish("b")
    assert (world.store.clients, world.store.items, world.store.subscriptions) == ({}, {}, [])


async def test_a_client_that_never_polled_leaves_no_rows() -> None:
    world = await World().begin()
    client = world.hub.create("chat", "session")
    await world.publish("a")
    assert world.store.clients == {}
    world.hub.leave(client)
    await settle()
    assert world.store.clients == {}


async def test_clients_of_a_removed_application_are_deleted() -> None:
    world = await World().begin()
    other = world.hub.create("echo", "session")
    world.poll(other)
    await world.publish("so that it is written")
    world = await world.killed()
    assert world.directory.clients == {}
    await world.publish("so that it is written")
    assert world.store.clients == {}


async def test_acknowledgements_are_committed_after_a_while() -> None:
    world = await World().begin()
    client = world.connect()
    await world.publish("a")
    world.poll(client)
    world.poll(client, cursor=1)
    await until(lambda: world.store.clients[client.id].cursor == 1)


async def test_a_clean_stop_commits_everything() -> None:
    world = await World().begin()
    client = world.connect()
    await world.publish("a")
    world.poll(client)
    world.poll(client, cursor=1)
    world.send(client, 1)
    await settle()
    world.handled(client, 1)
    await world.queue.stop()
    assert world.store.clients[client.id][4:7] == (1, 1, 1)
    assert world.store.items == {}
