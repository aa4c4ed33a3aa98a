"""The queue of one application that this server leads: its roster, and the steps of its inbox.

The roster has all clients of the application, on any server, with the facts that hooks can see: id,
session, data, channels. What the hooks do becomes operations that carry the fence. If the store answers one
of them with ``NotLeader``, this server does not lead any more, and nothing that its hooks still do is
written.

A server that stood still (a suspended machine, a hook that held the loop) may not know yet that another
server leads. So no hook begins after ``until``: the time, by this server's clock, up to which its lease was
renewed.

A step that was interrupted runs again on the next leader. Messages that it sent before are recognized by
their ``Cause``: the step, the receiver, and the message's index among the step's messages to this receiver.
The store forgets the causes of a step at ``Finish``, so ``Finish`` waits until all messages of the step are
answered.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec

from thywill.core.envelope import Item
from thywill.core.history import History, HistoryBounds, HistoryMessage
from thywill.core.lifecycle import State
from thywill.core.message import Address, Message
from thywill.core.outbox import Bounds, Outbox
from thywill.database.base import Database
from thywill.errors import Unavailable
from thywill.hub.audience import Audience
from thywill.hub.client import LiveClient
from thywill.hub.ports import ActionQueue, Listener
from thywill.hub.step import CONNECTED, DISCONNECTED, Step, current
from thywill.queue.durable.client_data import ClientData
from thywill.queue.shared.histories import HistoryCopy, kept_of
from thywill.queue.shared.operations import (
    Append,
    Cause,
    Drop,
    Evict,
    Finish,
    NotLeader,
    Operation,
    Outcome,
    SaveData,
    SendHistory,
    SetMember,
)
from thywill.queue.shared.pipeline import Pipeline
from thywill.queue.shared.rebuilding import shadow
from thywill.queue.shared.rows import ClientRow, InboxEntry, Posted, decode_facts

ALL = 2**31 - 1
DEPOSED = "another server leads the application now"
PASSED = "this server could not renew its lease in time, so that another one may lead the application"


class _Post(NamedTuple):
    """A message that was sent and waits for its id."""

    step: Step | None
    to: tuple[Address, int | None]
    message: Message
    place: int
    serial: int
    answered: asyncio.Future[Outcome]


def _future() -> asyncio.Future[Outcome]:
    return asyncio.get_running_loop().create_future()


class LeaderQueue(ActionQueue):
    """Executes what the hooks of one application do, while this server leads it.

    Args:
        application: the application's name.
        fence: the number that the leader's operations carry.
        pipeline: executes operations.
        listener: runs the hooks.
        database: stores the record of a client that has ended.
        server: the name of this server.
        deposed: called once, with the reason, when this server does not lead the application any more.
        history_bytes: bytes that the histories of its channels may have together.
        wall: the clock, in seconds since the epoch.
        monotonic: the clock of the lease.

    ``until`` is the time by ``monotonic`` at which the lease ends; the caller sets it at each renewal.
    ``stored`` has the histories that the store had at the takeover.
    """

    def __init__(
        self,
        application: str,
        fence: int,
        pipeline: Pipeline,
        listener: Listener,
        database: Database,
        server: str,
        deposed: Callable[[str], None],
        history_bytes: int,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self.application = application
        self.fence = fence
        self.audience = Audience()
        self.over = False
        self.unfinished = 0
        self._pipeline = pipeline
        self._listener = listener
        self._database = database
        self._server = server
        self._deposed = deposed
        self._data = ClientData()
        self._nothing = Outbox(Bounds())
        self._clients: dict[str, LiveClient] = {}
        self._taken: dict[str, float] = {}
        self._places: dict[tuple[str, int], str] = {}
        self._in_flight: dict[tuple[str, int], int] = defaultdict(int)
        self._ended: dict[tuple[str, int], Operation] = {}
        self._outside = 0
        self._serial = 0
        self._history_bytes = history_bytes
        self._history = History({}, history_bytes)
        self._copy = HistoryCopy(history_bytes)
        self.stored: list[tuple[str, HistoryMessage]] = []
        self._wall = wall
        self._monotonic = monotonic
        self.until = math.inf

    def end(self) -> None:
        """End the lead: from now on nothing is written, and no hook begins."""
        self.over = True

    def may_begin(self) -> bool:
        """Return whether this server leads; end the lead if its lease has ended."""
        if not self.over and self._monotonic() >= self.until:
            self._depose(PASSED)
        return not self.over

    def _depose(self, reason: str) -> None:
        self.end()
        self._deposed(reason)

    # The roster and the inbox.

    def add(self, row: ClientRow) -> None:
        """Add a client that connected before this server became the leader."""
        client = shadow(row, self._nothing)
        self._clients[client.id] = client
        self._taken[client.id] = row.handled
        self._data.track(client.id, client.data)
        if row.gone is not None:
            client.state = State.GONE
            return
        client.state = State.CONNECTED
        self.audience.add(client)
        for channel in row.channels:
            self.audience.subscribe(client, channel)

    def resume(self, row: ClientRow) -> None:
        """Run ``on_resume`` for a client whose ``on_connect`` has ended."""
        if row.handled >= CONNECTED:
            self._listener.resumed(self._clients[row.id])

    def take(self, entry: InboxEntry) -> None:
        """Run a step of the inbox if this server leads; the client's earlier steps end first."""
        if not self.may_begin():
            return
        client = self._clients.get(entry.client)
        if entry.number == CONNECTED and client is None:
            client = self._connect(entry)
        if client is None or self._is_dropped(client, entry.number) or self._is_repeat(entry):
            self._submit(Drop(self.application, self.fence, [entry.id]))
            return
        self._places[client.id, entry.number] = entry.id
        self.unfinished += 1
        if entry.number == CONNECTED:
            self._listener.connected(client)
        elif entry.number == DISCONNECTED:
            self._leave(client)
            self._listener.disconnected(client)
        else:
            client.inbox.received = max(client.inbox.received, entry.number)
            self._listener.received(client, [msgspec.json.decode(entry.item, type=Item)])

    @staticmethod
    def _is_dropped(client: LiveClient, number: int) -> bool:
        return client.state is State.GONE and number > client.inbox.received

    def _is_repeat(self, entry: InboxEntry) -> bool:
        """Return whether this leader has taken the step before.

        It may have read the step from a Redis that failed before a replica had it. Then whoever has put the
        step into the inbox does that again.
        """
        number = math.inf if entry.number == DISCONNECTED else entry.number
        if number <= self._taken[entry.client]:
            return True
        self._taken[entry.client] = number
        return False

    def _connect(self, entry: InboxEntry) -> LiveClient:
        facts = decode_facts(entry.item)
        row = ClientRow(entry.client, self.application, facts, "", 0, 0, -1, True, None, None, {}, [], 0)
        self.add(row)
        return self._clients[entry.client]

    def _leave(self, client: LiveClient) -> None:
        if client.state is not State.GONE:
            client.state = State.GONE
            self.audience.remove(client)

    # What the hooks do: thywill.hub.ports.ActionQueue.

    async def append(self, application: str, address: Address, message: Message) -> int:
        return await self._answer(self._post(address, message))

    def _post(self, address: Address, message: Message) -> _Post:
        """Add a message to the next batch."""
        if self.over:
            raise Unavailable(DEPOSED, retry=1)
        step, to = current(), (address, message.reply_to)
        index = 0 if step is None else step.index(to, message.data)
        key, cause = self._cause(step, (*address, message.reply_to), index)
        post = _Post(step, to, message, index, self._record(address, message), _future())
        kept = kept_of(self._history, address, self._history_bytes)
        operation = Append(self.application, self.fence, address, message, cause, kept)
        self._pipeline.submit(operation, partial(self._posted, post.answered, key))
        return post

    def _cause(
        self, step: Step | None, to: Sequence[Any], index: int
    ) -> tuple[tuple[str, int] | None, Cause]:
        """Return the step whose end has to wait for a message, or None, and the cause of the message."""
        if step is None:
            self._outside += 1
            # With the fence, because each leadership counts from 1 and must not seem to repeat the one
            # before.
            return None, Cause(f"{self._server} {self.fence}", self._outside)
        key = (step.client, step.number)
        self._in_flight[key] += 1
        return key, Cause(*key, json.dumps([*to, index]))

    def _posted(
        self, answered: asyncio.Future[Outcome], key: tuple[str, int] | None, outcome: Outcome
    ) -> None:
        if key is not None:
            self._answered(key)
        if not answered.done():
            answered.set_result(outcome)

    async def _answer(self, post: _Post) -> int:
        """Wait until a message is in the log, and return its id."""
        try:
            return self._id_of(await post.answered)
        except (Unavailable, asyncio.CancelledError) as error:
            if post.step is not None:
                post.step.failed(post.to, post.message.data, post.place)
            if isinstance(error, Unavailable) and post.to[0].kind == "channel":
                self._history.withdraw(post.to[0].name, post.serial)
            raise

    def _id_of(self, outcome: Outcome) -> int:
        if isinstance(outcome, int):
            return outcome
        self.check(outcome)
        if isinstance(outcome, Unavailable):
            raise outcome
        raise Unavailable(DEPOSED, retry=1)

    # The histories of channels are in the store. Here are their rules, and a recording of the messages that
    # this server sends while a snapshot is made. Messages that other servers publish meanwhile are missing.

    def declare(self, application: str, rules: Mapping[str, HistoryBounds]) -> None:
        self._history = History(rules, self._history_bytes)
        self._copy.begin(rules, self.stored)
        self.stored = []

    def history(self, application: str) -> History:
        return self._history

    def posted(self, entry: Posted) -> None:
        """Note a message that this server has read in the log."""
        self._copy.posted(entry)

    def past(self, application: str, channel: str) -> list[bytes]:
        return self._copy.messages(channel, self._wall())

    async def replay(self, client: LiveClient, channel: str, limit: int, entered: Callable[[], None]) -> None:
        bounds = self._history.bounds(channel)
        if self.over or bounds is None:
            raise Unavailable(DEPOSED, retry=1)
        step = current()
        to = ("replay", channel)
        key, cause = self._cause(step, to, 0 if step is None else step.index(to, b""))
        operation = SendHistory(self.application, self.fence, client.id, channel, bounds, limit, cause)
        answered = _future()
        self._pipeline.submit(operation, partial(self._posted, answered, key))
        self._id_of(await answered)
        entered()

    def _record(self, address: Address, message: Message) -> int:
        """Record a message before it has an id; return the negative number that stands for the id."""
        self._serial -= 1
        if address.kind == "channel":
            recorded = HistoryMessage(self._serial, self._wall(), message.data, message.exclude)
            self._history.add_to_recordings(address.name, recorded)
        return self._serial

    async def enter(
        self, client: LiveClient, channel: str, packs: Sequence[Message], entered: Callable[[], None]
    ) -> None:
        if self.over:
            raise Unavailable(DEPOSED, retry=1)
        posts = [self._post(Address.client(client.id), each) for each in packs]
        # In one batch with the packs, so that no message comes in between.
        operation = SetMember(self.application, self.fence, client.id, channel, enters=True)
        member = _future()
        self._pipeline.submit(operation, partial(self._posted, member, None))
        for post in posts:
            await self._answer(post)
        self._id_of(await member)
        entered()

    def _answered(self, key: tuple[str, int]) -> None:
        self._in_flight[key] -= 1
        if not self._in_flight[key]:
            del self._in_flight[key]
            if (operation := self._ended.pop(key, None)) is not None:
                self._submit(operation)

    def subscribed(self, client: LiveClient, channel: str) -> None:
        self._set_member(client, channel, enters=True)

    def unsubscribed(self, client: LiveClient, channel: str) -> None:
        self._set_member(client, channel, enters=False)

    def _set_member(self, client: LiveClient, channel: str, *, enters: bool) -> None:
        self._submit(SetMember(self.application, self.fence, client.id, channel, enters))

    def evict(self, client: LiveClient, reason: str) -> None:
        """End a client, wherever it is. Its messages whose hooks have not begun are dropped."""
        if client.state is State.GONE or self.over:
            return
        client.inbox.refuse(client.begun + 1)
        self._leave(client)
        self._submit(Evict(self.application, self.fence, client.id, reason, client.begun))

    def identified(self, client: LiveClient) -> None:
        """Does nothing: the server that has the client saves its user (``SharedQueue.identified``)."""

    def data_requested(self, client: LiveClient) -> None:
        self._data.requested(client)

    def save_data(self) -> None:
        """Save the data of clients that code outside of steps has changed."""
        changes, _ = self._data.outside_steps(ALL)
        if changes:
            self._submit(SaveData(self.application, self.fence, changes))

    def handled(self, client: LiveClient, number: int) -> None:
        changes = self._data.step_ended(client, last=number == DISCONNECTED)
        place = self._places.pop((client.id, number), None)
        if place is None:  # on_resume
            if changes:
                self._submit(SaveData(self.application, self.fence, changes))
            return
        self.unfinished -= 1
        if number == DISCONNECTED:
            self._clients.pop(client.id, None)
            self._taken.pop(client.id, None)
            self._database.save(client)
        operation: Operation = Finish(self.application, self.fence, client.id, number, place, changes)
        if (client.id, number) in self._in_flight:
            self._ended[client.id, number] = operation
        else:
            self._submit(operation)

    def _submit(self, operation: Operation) -> None:
        if not self.over:
            self._pipeline.submit(operation, self.check, keep=True)

    def check(self, outcome: Outcome) -> None:
        """End the lead if the outcome of an operation says that another server leads the application."""
        if isinstance(outcome, NotLeader) and not self.over:
            self._depose(DEPOSED)
