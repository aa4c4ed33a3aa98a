"""The durable queue under random faults: servers killed at any moment, writes that fail or hang,
answers that are lost.

Only the store is a fake; it stands for the database's file."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.hub_fakes import FakePoll
from tests.support.queue_fakes import FakeDatabase, FakeStore
from thywill.application import Application
from thywill.application_interface.loading import Loaded, page_of
from thywill.application_interface.local import LocalApplications, LocalSettings
from thywill.client import Client
from thywill.core.envelope import Item, encode_message
from thywill.core.message import Address
from thywill.core.signing import Signer
from thywill.errors import RequestError, Unavailable
from thywill.hub.actions import Actions
from thywill.hub.leases import Timing
from thywill.hub.rates import ClientLimits
from thywill.hub.room import build
from thywill.queue.durable import group_commit
from thywill.queue.durable.queue import DatabaseQueue, DatabaseQueueSettings

T = TypeVar("T")
APPLICATION = "relay"
NO_LIMITS = ClientLimits(polls_burst=1e9, sends_burst=1e9)
"""The pages here do in milliseconds what takes browsers minutes."""
SIGNER = Signer(b"a secret of the tests")


@pytest.fixture(autouse=True)
def _others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    # Other tasks run after each callback of a transaction.
    monkeypatch.setattr(group_commit, "SECONDS_PER_TURN", -1.0)


ALL = Address.channel("all")


class Relay(Application):
    """Publishes each message in two parts and counts them; a test may hold it between the two."""

    def __init__(self) -> None:
        self.stopped = False

    async def on_connect(self, client: Client) -> None:
        await self.subscribe(client, "all")

    async def on_message(self, client: Client, message: Any) -> None:
        for part in ("one", "two"):
            while True:
                try:
                    await self.publish("all", [client.id, message, part])
                    break
                except Unavailable:
                    await asyncio.sleep(0)
            client.data["parts"] = client.data.get("parts", 0) + 1
            while self.stopped:  # noqa: ASYNC110 - the loop turns when a test says so
                await asyncio.sleep(0)


class Applications(LocalApplications):
    """One ``Relay``, without a package."""

    def __init__(self, actions: Actions) -> None:
        super().__init__(
            LocalSettings([]), actions, 1000, 5.0, [Loaded(Relay, page_of(Relay, APPLICATION, Path()))]
        )
        self.relay = cast(Relay, self.application(APPLICATION))


class Server:
    """One run of the server over the database; a kill ends it and the next run begins."""

    def __init__(self, database: FakeDatabase) -> None:
        self.database = database
        loop = asyncio.get_running_loop()
        self.room = build(
            partial(DatabaseQueue, DatabaseQueueSettings(messages=10_000, cursors=0.001), self.database),
            lambda actions, _queue: Applications(actions),
            SIGNER,
            Timing(),
            call_soon=loop.call_soon,
            limits=NO_LIMITS,
        )
        self.hub, self.queue, self.applications = self.room.hub, self.room.queue, self.room.applications

    async def start(self) -> None:
        await self.queue.start()
        self.room.leases.restore(await self.queue.restore({APPLICATION}))
        self.room.leases.resume()


class Page:
    """A browser's page: it ignores ids that it has, and repeats messages that were not accepted."""

    def __init__(self, client_id: str, token: str, cursor: int) -> None:
        self.id = client_id
        self.token = token
        self.cursor = cursor
        self.got: list[Any] = []
        self.written = 0
        self.accepted = 0

    def take(self, answer: dict[str, Any]) -> None:
        assert "lost" not in answer
        for message_id, data in answer["messages"]:
            if message_id > self.cursor:
                self.got.append(data)
        self.cursor = max(answer["cursor"], self.cursor)


class Promise(RuleBasedStateMachine):
    """``expected`` holds what was promised; ``unsure`` holds messages that may have been stored."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.store = self.run(self.make_store())
        self.database = FakeDatabase(self.store)
        self.pages: list[Page] = []
        self.published = 0
        self.expected: dict[str, list[int]] = {}
        self.unsure: set[int] = set()
        self.run(self.boot())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    async def make_store(self) -> FakeStore:
        return FakeStore()

    async def boot(self) -> None:
        self.server = Server(self.database)
        await self.server.start()

    async def settle(self, turns: int = 60) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        try:
            self.run(self.account())
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.run(self.settle())
            self.loop.close()

    # What browsers do.

    @rule()
    @precondition(lambda self: len(self.pages) < 3 and self.store.fault is None)
    def a_page_connects(self) -> None:
        self.run(self.connect())

    async def connect(self) -> None:
        client = self.server.hub.create(APPLICATION, "session")
        page = Page(client.id, client.token, client.outbox.cursor)
        self.pages.append(page)
        self.expected[page.id] = []
        self.poll(page)
        await self.settle()

    @rule(data=st.data(), arrives=st.booleans())
    @precondition(lambda self: self.pages)
    def a_page_polls(self, data: st.DataObject, arrives: bool) -> None:
        page = data.draw(st.sampled_from(self.pages))
        self.run(self.ask(page, arrives=arrives))

    async def ask(self, page: Page, *, arrives: bool) -> None:
        answer = self.poll(page)
        if arrives:
            page.take(answer)

    @rule(data=st.data(), count=st.integers(1, 3), answered=st.booleans(), turns=st.sampled_from([1, 5, 60]))
    @precondition(lambda self: self.pages)
    def a_page_sends(self, data: st.DataObject, count: int, answered: bool, turns: int) -> None:
        page = data.draw(st.sampled_from(self.pages))
        page.written += count
        received = self.run(self.send(page, turns))
        if answered and received is not None:
            page.accepted = max(page.accepted, received)

    def poll(self, page: Page) -> dict[str, Any]:
        client = self.server.hub.find(page.token)
        poll = FakePoll(self.server.hub, client)
        self.server.hub.poll(client, poll, page.cursor, 0)
        if not poll.calls:
            poll.expire()
        return poll.answer

    async def send(self, page: Page, turns: int = 60) -> int | None:
        """Send all that is not known to be accepted; return the answer, None if it is an error or late.

        It is late after so many ``turns`` of the loop.
        """
        answers: list[int] = []

        def answer(received: int, error: RequestError | None) -> None:
            if error is None:
                answers.append(received)

        client = self.server.hub.find(page.token)
        items = [Item(n, n) for n in range(page.accepted + 1, page.written + 1)]
        self.server.hub.receive(client, items, answer)
        await self.settle(turns)
        return answers[0] if answers else None

    # What the application does.

    @rule()
    def the_application_publishes(self) -> None:
        self.run(self.publish())

    async def publish(self) -> None:
        self.published += 1
        number = self.published
        message = encode_message(ALL, number, 1000)
        task = asyncio.ensure_future(self.server.room.actions.append(APPLICATION, ALL, message))
        await self.settle()
        if task.done() and task.exception() is None:
            for numbers in self.expected.values():
                numbers.append(number)
        else:
            self.unsure.add(number)
            task.cancel()

    @rule(stopped=st.booleans())
    def hooks_wait(self, stopped: bool) -> None:
        self.server.applications.relay.stopped = stopped
        self.run(self.settle())

    # What goes wrong.

    @rule(fault=st.sampled_from([None, None, "refuse", "unsure", "hang"]))
    def the_database(self, fault: str | None) -> None:
        self.run(self.set_fault(fault))

    async def set_fault(self, fault: str | None) -> None:
        self.store.release_waiting()
        self.store.fault = fault
        self.server.queue._commits.commit()
        await self.settle()

    @rule()
    def the_server_is_killed(self) -> None:
        self.run(self.kill())

    async def kill(self) -> None:
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()
        await self.settle(5)
        self.store.release_waiting()
        await self.boot()
        await self.settle()

    @rule()
    @precondition(lambda self: self.store.fault is None)
    def the_log_is_trimmed(self) -> None:
        position = self.server.queue._positions[APPLICATION]
        self.run(self.server.queue._trim(APPLICATION, position))

    @invariant()
    def nothing_comes_twice_or_out_of_order(self) -> None:
        for page in getattr(self, "pages", []):
            numbers = [data for data in page.got if isinstance(data, int)]
            assert numbers == sorted(set(numbers))
            relayed = Counter(json.dumps(data) for data in page.got if isinstance(data, list))
            assert not relayed or max(relayed.values()) == 1

    async def account(self) -> None:
        """Wait until nothing is in flight, and check that each page has everything it was promised."""
        await self.set_fault(None)
        self.server.applications.relay.stopped = False
        await self.settle(200)
        for page in self.pages:
            page.accepted = await self.send(page) or page.accepted
            assert page.accepted == page.written
        await self.settle(500)
        for page in self.pages:
            for _ in range(100):
                page.take(self.poll(page))
            self.check(page)
            data = self.server.hub.find(page.token).data or {}
            assert data.get("parts", 0) == 2 * page.written

    def check(self, page: Page) -> None:
        numbers = [data for data in page.got if isinstance(data, int)]
        assert [number for number in numbers if number not in self.unsure] == self.expected[page.id]
        for sender in self.pages:
            ours = [data[1:] for data in page.got if isinstance(data, list) and data[0] == sender.id]
            both = [[n, part] for n in range(1, sender.written + 1) for part in ("one", "two")]
            # Who came later has not got what was sent before.
            assert ours == both[len(both) - len(ours) :]
            if sender is page or self.pages.index(page) < self.pages.index(sender):
                assert ours == both


TestPromise = Promise.TestCase
TestPromise.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
