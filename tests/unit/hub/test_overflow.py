"""What is dropped on the way from an application to a page, which page is told, and what memory it costs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.support.hub_fakes import World, attach, run
from thywill.application import Application, make_application
from thywill.application_interface.loading import load
from thywill.core.lifecycle import State
from thywill.core.log import LogBounds, MessageLog
from thywill.core.message import Address, Message
from thywill.core.outbox import Bounds
from thywill.core.overflow import Overflow
from thywill.database.base import Database
from thywill.errors import SettingsError, UnsendableMessage
from thywill.hub import delivery
from thywill.hub.client import LiveClient
from thywill.queue.base import QueueSettings
from thywill.queue.memory import MemoryQueue

UNUSED = cast(Database, None)
NEWEST = Bounds(messages=2, batch=2, overflow=Overflow.DROP_NEWEST)


class Prices(Application):
    overflow = "drop_newest"
    channel_overflow = {"price:*": "conflate", "alerts": "disconnect"}


def bound(world: World, kind: type[Application] = Prices) -> Application:
    return make_application(kind, (), "chat", world.actions, 1000)


def members(world: World, count: int, channel: str) -> list[LiveClient]:
    clients = [world.connect() for _ in range(count)]
    for client in clients:
        world.actions.subscribe(client, channel)
    return clients


# What an application says.


def test_a_message_has_the_policy_of_its_channel_or_application() -> None:
    world, sent = World(), []
    client = world.connect()
    application = bound(world)

    async def append(name: str, address: Address, message: Message) -> int:
        sent.append((message.key, message.overflow))
        return 1

    world.actions.append = append
    run(application.publish("price:x", 1, key="k"))
    run(application.publish("alerts", 1))
    run(application.publish("other", 1))
    run(application.send(client.id, 1, key="k"))
    run(application.send_to_session("s", 1))
    run(application.clients()[0].send(1, key="k"))
    run(bound(world, Application).publish("price:x", 1))
    assert sent == [
        ("channel 'price:x' 'k'", Overflow.CONFLATE),
        (None, Overflow.DISCONNECT),
        (None, Overflow.DROP_NEWEST),
        (f"client '{client.id}' 'k'", Overflow.DROP_NEWEST),
        (None, Overflow.DROP_NEWEST),
        (f"client '{client.id}' 'k'", Overflow.DROP_NEWEST),
        (None, None),
    ]


@pytest.mark.parametrize("key", [5, "x" * 201])
def test_a_key_is_a_short_text(key: object) -> None:
    with pytest.raises(UnsendableMessage, match="its key must be a text of 200 characters at the most"):
        run(bound(World()).publish("price:x", 1, key=key))  # type: ignore[arg-type]


def test_one_price_of_each_kind_waits_in_each_channel() -> None:
    world = World()
    application = bound(world)
    [client] = members(world, 1, "price:x")
    world.actions.subscribe(client, "price:y")
    for number in range(3):
        run(application.publish("price:x", number, key="a"))
        run(application.publish("price:y", number, key="a"))
        run(application.publish("price:y", number, key="b"))
    assert [item[1] for item in world.poll(client).answer["messages"]] == [2, 2, 2]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[str]:
    folder = tmp_path / "refused"
    folder.mkdir()
    text = f"from thywill import Application\nclass A(Application):\n    {request.param}\n"
    (folder / "__init__.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "refused"
    del sys.modules["refused"]


KNOWN = "it must be one of drop_oldest, drop_newest, conflate, disconnect"
PLACE = "[application_interface] applications: refused.A"


@pytest.mark.parametrize(
    ("package", "text"),
    [
        ('overflow = "drop"', f"{PLACE}.overflow is 'drop'; {KNOWN}"),
        ("overflow = 5", f"{PLACE}.overflow is 5; {KNOWN}"),
        ('channel_overflow = {"a": "b"}', f"{PLACE}.channel_overflow['a'] is 'b'; {KNOWN}"),
        ('channel_overflow = {"a": []}', f"{PLACE}.channel_overflow['a'] is []; {KNOWN}"),
        (
            'channel_overflow = "conflate"',
            PLACE + '.channel_overflow must be like {"prices:*": "conflate"}',
        ),
        (
            'channel_overflow = {1: "conflate"}',
            PLACE + '.channel_overflow must be like {"prices:*": "conflate"}',
        ),
    ],
    indirect=["package"],
)
def test_an_unknown_policy_ends_the_start(package: str, text: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(package)
    assert str(raised.value) == text


# What the page is told.


def test_a_waiting_page_gets_a_loss_that_no_message_follows() -> None:
    world = World(bounds=NEWEST)
    client = world.connect()
    world.send_to(client, 1, 2, 3)
    assert world.poll(client).answer == {"messages": [[1, 1], [2, 2]], "cursor": 2}
    poll = world.poll(client, 2)
    assert poll.answer == {"messages": [], "cursor": 3, "lost": 1}
    assert world.poll(client, 2).answer == poll.answer
    assert world.poll(client, 3, hold=0).answer == {"messages": [], "cursor": 3}


def test_a_channel_may_end_its_slow_clients_and_no_others() -> None:
    world = World(bounds=NEWEST)
    application = bound(world)
    [client] = members(world, 1, "alerts")
    other = world.connect()
    world.send_to(client, 1, 2)
    world.send_to(other, 1, 2, 3)
    run(application.publish("alerts", "fire"))
    assert (client.state, other.state) == (State.GONE, State.CONNECTED)
    assert world.reason(client) == "the queue is full: this page read too slowly"


# What the log gives up.


def test_messages_dropped_for_the_log_are_reported_at_once_to_waiting_pages() -> None:
    world = World(bounds=Bounds(batch_size=1))
    client = world.create()
    other, stream = world.connect(), attach(world, client)
    world.send_to(client, 1, 2)
    world.send_to(other, 3)
    world.settle()
    assert (stream.calls, stream.ids) == (["flush"], [1])
    world.queue.receivers.drop_up_to("chat", 2)
    world.settle()
    assert (stream.calls, stream.ids) == (["flush", "flush"], [1, 2])
    assert world.poll(client, 0).answer == {"messages": [], "cursor": 2, "lost": 2}
    assert world.poll(other, 0).ids == [3]


def test_messages_of_another_application_are_not_dropped_for_the_log() -> None:
    world = World()
    client = world.connect("other")
    world.send_to(client, 1)
    world.queue.receivers.drop_up_to("chat", 9)
    assert world.poll(client, 0).ids == [1]


def test_pages_that_hold_much_drop_before_one_that_holds_little() -> None:
    world = World()
    queue = MemoryQueue(QueueSettings(log_bytes=100_000), UNUSED, world.queue.receivers)
    little, much = world.connect(), [world.connect() for _ in range(20)]
    run(queue.append("chat", Address.client(little.id), Message(b"1")))
    for client in much:
        run(queue.append("chat", Address.client(client.id), Message(b'"%b"' % (b"x" * 9_000))))
    world.settle()
    assert little.outbox.lost == 0
    assert sum(client.outbox.lost for client in much) > 0
    assert sum(client.outbox.size for client in much) <= 110_000


def test_a_reply_that_would_be_dropped_for_the_log_ends_its_client() -> None:
    world = World()
    client = world.connect()
    world.reply(client, b"0", 1)
    world.queue.receivers.drop_up_to("chat", 1)
    assert world.reason(client) == "the message log is full: this page read too slowly"


def test_many_queues_are_cleared_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "WORK_PER_TURN", 4)
    world = World()
    clients = members(world, 7, "lobby")
    world.send(Address.channel("lobby"), 1)
    world.queue.receivers.drop_up_to("chat", 1)
    counts = []
    while world.soon:
        counts.append(sum(len(client.outbox) for client in clients))
        world.turn()
    assert counts == [5, 3, 1]
    assert sum(len(client.outbox) for client in clients) == 0


def test_a_second_drop_finishes_the_first_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "WORK_PER_TURN", 4)
    world = World()
    clients = members(world, 7, "lobby")
    for number in (1, 2, 3):
        world.send(Address.channel("lobby"), number)
    world.queue.receivers.drop_up_to("chat", 1)
    world.queue.receivers.drop_up_to("chat", 2)
    assert {len(client.outbox) for client in clients} == {1}
    world.settle()


def test_the_queue_keeps_its_log_in_its_bounds(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    clients = members(world, 2, "lobby")
    queue = MemoryQueue(QueueSettings(log_messages=10), UNUSED, world.queue.receivers)
    for number in range(11):
        run(queue.append("chat", Address.channel("lobby"), Message(b"%d" % number)))
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == ["the message log of chat is full: it drops the oldest, 2 messages"]
    for client in clients:
        answer = world.poll(client, 0).answer
        assert (answer["lost"], [item[1] for item in answer["messages"]]) == (2, list(range(2, 11)))


def test_many_clients_that_never_poll_hold_no_more_than_the_log_may() -> None:
    world = World(bounds=Bounds(messages=20))
    clients = [world.connect() for _ in range(30)]
    log = MessageLog(LogBounds(50, 10**6))
    most = 0
    for number in range(1, 2000):
        client = clients[number % len(clients)]
        world.queue.receivers.deliver("chat", Address.client(client.id), number, Message(b"1"), log)
        most = max(most, len(log))
    assert 45 <= most <= 51
    assert len(log) == sum(len(client.outbox) for client in clients)
    lost = kept = 0
    for client in clients:
        answer = world.poll(client, 0).answer
        lost, kept = lost + answer["lost"], kept + len(answer["messages"])
    assert (lost + kept, kept) == (1999, len(log))
