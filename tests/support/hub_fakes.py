"""A hub with a fake for everything around it: clocks, event loop, queue, records, applications."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any, TypeVar

import pytest

from thywill.core.envelope import Item, encode_message, encode_retry, encode_superseded
from thywill.core.history import History, HistoryBounds, pack
from thywill.core.log import LogBounds, MessageLog
from thywill.core.message import PACK, Address, Message
from thywill.core.outbox import Bounds, Outbox
from thywill.core.publication import Publication
from thywill.core.record import ClientRecord, Recorded
from thywill.core.signing import Signer
from thywill.errors import Gone, RequestError
from thywill.hub.client import LiveClient
from thywill.hub.delivery import Delivery
from thywill.hub.hub import Hub
from thywill.hub.leases import Timing
from thywill.hub.meter import Meter
from thywill.hub.ports import Listener, MessageQueue, Then
from thywill.hub.rates import ClientLimits
from thywill.hub.room import build

AWAY = (
    "this server does not know this client: it has left, its grace time has passed,"
    " or the server was restarted"
)
"""The reason of a client that has ended without another reason."""

Result = TypeVar("Result")

TIMING = Timing(grace=60, pause=5, token=1000, pending=3, record=120, tick=0.5)
SECRET = b"a secret of the tests"
LIMIT = 1000
WALL = 1_700_000_000.0


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Return what ``coroutine`` returns; it must not wait for anything."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    coroutine.close()
    raise AssertionError("it waits")


class FakeQueue(MessageQueue):
    """A queue that numbers messages and records all calls."""

    durable = True

    def __init__(self, bounds: Bounds, receivers: Delivery) -> None:
        self.bounds = bounds
        self.receivers = receivers
        self.log = MessageLog(LogBounds())
        self.records = FakeRecords()
        self.appended: list[tuple[str, Address, bytes, int | None]] = []
        self.acknowledgements: list[tuple[str, int]] = []
        self.closed: list[str] = []
        self.events: list[str] = []
        self.safe = True
        self.waiting: list[Then] = []
        self.lost: set[int] = set()
        self.histories: dict[str, History] = {}
        self._ids = count(1)

    def open(self, application: str) -> Outbox:
        return Outbox(self.bounds)

    def add(self, client: LiveClient) -> None:
        self.records.save(client)
        self.events.append(f"add {client.id}")

    def changed(self, client: LiveClient) -> None:
        self.records.save(client)

    async def append(self, application: str, address: Address, message: Message) -> int:
        self.appended.append((application, address, message.data, message.reply_to))
        message_id = next(self._ids)
        self.receivers.deliver(application, address, message_id, message, self.log)
        return message_id

    def declare(self, application: str, rules: Mapping[str, HistoryBounds]) -> None:
        self.histories[application] = History(rules, 10**6)

    def history(self, application: str) -> History:
        return self.histories[application]

    def past(self, application: str, channel: str) -> list[bytes]:
        return self.histories[application].messages(channel, 0.0)

    async def replay(self, client: LiveClient, channel: str, limit: int, entered: Callable[[], None]) -> None:
        past = self.past(client.application, channel)
        await self.enter(
            client, channel, [Message(each, reply_to=PACK) for each in pack(past, limit)], entered
        )

    async def enter(
        self, client: LiveClient, channel: str, packs: Sequence[Message], entered: Callable[[], None]
    ) -> None:
        for each in packs:
            await self.append(client.application, Address.client(client.id), each)
        entered()

    async def publish(self, publications: Sequence[Publication]) -> list[int]:
        return [await self.append(each.application, each.address, each.message) for each in publications]

    def accept(self, client: LiveClient, items: Sequence[Item], then: Then) -> None:
        self._when_safe(then)

    def handled(self, client: LiveClient, number: int) -> None:
        self.events.append(f"handled {client.id} {number}")

    def identified(self, client: LiveClient) -> None:
        self.events.append(f"identified {client.id}")

    def data_requested(self, client: LiveClient) -> None:
        self.records.save(client)
        self.events.append(f"data requested {client.id}")

    def subscribed(self, client: LiveClient, channel: str) -> None:
        self.events.append(f"subscribed {client.id} {channel}")

    def unsubscribed(self, client: LiveClient, channel: str) -> None:
        self.events.append(f"unsubscribed {client.id} {channel}")

    def is_rolled_back(self, application: str, cursor: int) -> bool:
        return cursor in self.lost

    def acknowledged(self, client: LiveClient) -> None:
        self.acknowledgements.append((client.id, client.outbox.cursor))

    def close(self, client: LiveClient, then: Then, evicted: Gone | None = None) -> None:
        if client.greeted:
            self.records.save(client)
        self.closed.append(client.id)
        self._when_safe(then)

    def _when_safe(self, then: Then) -> None:
        if self.safe:
            then(None)
        else:
            self.waiting.append(then)


class FakeRecords:
    """Keeps every record as it was when it was saved."""

    def __init__(self) -> None:
        self.saved: list[ClientRecord] = []

    def save(self, client: Recorded) -> None:
        self.saved.append(client.record())


class FakeListener(Listener):
    """An application interface that records each event of a client as a line."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def connected(self, client: LiveClient) -> None:
        self.events.append(f"connected {client.id}")

    def resumed(self, client: LiveClient) -> None:
        self.events.append(f"resumed {client.id}")

    def received(self, client: LiveClient, items: Sequence[Item]) -> None:
        self.events.append(f"received {client.id} {[item.n for item in items]}")

    def disconnected(self, client: LiveClient) -> None:
        self.events.append(f"disconnected {client.id}")


class FakePoll:
    """A poll as the push component parks it: one answer, before which it releases its client."""

    def __init__(self, hub: Hub, client: LiveClient) -> None:
        self._hub = hub
        self._client = client
        self.calls: list[str] = []
        self.answer: dict[str, Any] = {}
        self.after: Callable[[], object] = lambda: None

    @property
    def ids(self) -> list[int]:
        """The ids of the messages in the answer."""
        return [item[0] for item in self.answer["messages"]]

    def flush(self) -> None:
        self._hub.release(self._client)
        self._write("flush", self._client.outbox.next_answer())

    def expire(self) -> None:
        self._hub.release(self._client)
        self._write("expire", self._client.outbox.next_answer())

    def supersede(self) -> None:
        self._write("supersede", encode_superseded(self._client.outbox.cursor))

    def retry(self, seconds: float) -> None:
        self._hub.release(self._client)
        self._write("retry", encode_retry(self._client.outbox.cursor, seconds))

    def end(self, reason: Gone) -> None:
        self._write("end", json.dumps({"gone": str(reason)}).encode())

    def closed(self) -> None:
        """The browser has gone away."""
        if self._client.receiver is self:
            self._hub.release(self._client)

    def _write(self, call: str, body: bytes) -> None:
        self.calls.append(call)
        self.answer = json.loads(body)
        self.after()


class World:
    """A hub and everything around it. The test decides when the loop turns and when time passes."""

    def __init__(
        self, timing: Timing = TIMING, bounds: Bounds | None = None, limits: ClientLimits | None = None
    ) -> None:
        self.now = 1000.0
        self.jump = 0.0  # of the wall clock
        self.bounds = bounds or Bounds()
        self.listener = FakeListener()
        self.soon: list[Callable[[], None]] = []
        self.signer = Signer(SECRET)
        self.meter = Meter(monotonic=lambda: self.now)
        self.room = build(
            partial(FakeQueue, self.bounds),
            lambda _actions, _queue: self.listener,
            self.signer,
            timing,
            call_soon=self.soon.append,
            limits=limits,
            meter=self.meter,
            monotonic=lambda: self.now,
            wall=lambda: WALL - 1000 + self.now + self.jump,
        )
        self.hub, self.actions, self.queue = self.room.hub, self.room.actions, self.room.queue
        self.directory, self.leases, self.drain = self.room.directory, self.room.leases, self.room.drain
        self.records = self.queue.records

    @property
    def events(self) -> list[str]:
        """The events that the listener recorded."""
        return self.listener.events

    def turn(self) -> int:
        """Let the loop turn once; return how many calls it made."""
        calls = self.soon[:]
        self.soon.clear()
        for call in calls:
            call()
        return len(calls)

    def settle(self) -> None:
        """Let the loop turn until it has nothing to do."""
        while self.turn():
            pass

    def sleep(self, seconds: float) -> None:
        """Let time pass, with a tick of the hub every half second."""
        for _ in range(round(seconds / 0.5)):
            self.now += 0.5
            self.leases.tick()
            self.settle()

    def create(self, application: str = "chat", session: str = "session") -> LiveClient:
        """Return a client that has not polled yet."""
        return self.hub.create(application, session)

    def connect(self, application: str = "chat", session: str = "session") -> LiveClient:
        """Return a client that has polled once."""
        client = self.create(application, session)
        self.poll(client, hold=0)
        return client

    def poll(self, client: LiveClient, cursor: int | None = None, hold: float = 25) -> FakePoll:
        """Poll with ``cursor``, or else with the one that was acknowledged before."""
        poll = FakePoll(self.hub, client)
        self.hub.poll(client, poll, client.outbox.cursor if cursor is None else cursor, hold)
        return poll

    def send(self, address: Address, data: Any, application: str = "chat") -> None:
        """Send as an application does."""
        run(self.actions.append(application, address, encode_message(address, data, LIMIT)))

    def reply(self, client: LiveClient, outcome: bytes, number: int) -> None:
        """Reply to a message of ``client``, as the application interface does."""
        message = Message(outcome, reply_to=number)
        run(self.actions.append(client.application, Address.client(client.id), message))

    def send_to(self, client: LiveClient, *messages: Any) -> None:
        """Send to one client."""
        for data in messages:
            self.send(Address.client(client.id), data, client.application)

    def receive(self, client: LiveClient, *numbers: int) -> int:
        """Receive messages with these numbers from the browser."""
        answers: list[int | RequestError] = []
        items = [Item(n, f"text {n}") for n in numbers]
        self.hub.receive(client, items, lambda received, error: answers.append(error or received))
        [answer] = answers
        assert isinstance(answer, int)
        return answer

    def reason(self, client: LiveClient) -> str:
        """Return the reason that the browser of a gone ``client`` gets."""
        with pytest.raises(Gone) as raised:
            self.hub.find(client.token)
        return str(raised.value)

    def states_saved(self, client: LiveClient) -> list[str]:
        """Return the states of the records that were saved of ``client``, and forget the records."""
        states = [record.state for record in self.records.saved if record.id == client.id]
        self.records.saved = [record for record in self.records.saved if record.id != client.id]
        return states


class FakeStream:
    """A stream as a push component has it; records the calls of the hub and the ids that it wrote."""

    def __init__(self, hub: Hub, client: LiveClient, cursor: int = 0) -> None:
        self._hub = hub
        self._client = client
        self._sent = cursor
        self.calls: list[str] = []
        self.ids: list[int] = []

    def flush(self) -> None:
        self.calls.append("flush")
        self.ids += [entry.id for entry in self._client.outbox.batch_after(self._sent)]
        self._sent = max([self._sent, *self.ids])

    def expire(self) -> None:
        self.calls.append("expire")

    def supersede(self) -> None:
        self.calls.append("supersede")
        self.close()

    def retry(self, seconds: float) -> None:
        self.calls.append("retry")
        self.close()

    def end(self, reason: Gone) -> None:
        self.calls.append(f"end: {reason}")

    def close(self) -> None:
        if self._client.receiver is self:
            self._hub.release(self._client)


def attach(world: World, client: LiveClient, cursor: int = 0) -> FakeStream:
    stream = FakeStream(world.hub, client, cursor)
    world.hub.attach(client, stream, cursor)
    return stream
