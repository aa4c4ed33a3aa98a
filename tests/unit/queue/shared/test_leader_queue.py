"""The hooks of one application on its leader, and when no hook may begin any more."""

from __future__ import annotations

import pytest

from tests.support.queue_fakes import FakeDatabase, FakeStore
from tests.support.shared_memory import SharedMemory
from tests.support.shared_store import MemorySharedStore
from thywill.core.envelope import Item
from thywill.hub.client import LiveClient
from thywill.hub.ports import Listener
from thywill.hub.step import CONNECTED
from thywill.queue.shared.leader_queue import DEPOSED, PASSED, LeaderQueue
from thywill.queue.shared.operations import NotLeader
from thywill.queue.shared.pipeline import Pipeline
from thywill.queue.shared.rows import ClientFacts, InboxEntry, encode_facts

pytestmark = pytest.mark.gen_test


class Hooks(Listener):
    """Records which hooks begin."""

    def __init__(self) -> None:
        self.begun: list[int] = []

    def connected(self, client: LiveClient) -> None:
        self.begun.append(CONNECTED)

    def resumed(self, client: LiveClient) -> None:
        raise AssertionError

    def received(self, client: LiveClient, items: list[Item]) -> None:
        self.begun += [item.n for item in items if item.n <= client.inbox.received]

    def disconnected(self, client: LiveClient) -> None:
        raise AssertionError


class Lead:
    """One leader; ``now`` is its clock, and its lease ends at 6."""

    def __init__(self) -> None:
        self.now = 0.0
        self.hooks = Hooks()
        self.reasons: list[str] = []
        self.queue = LeaderQueue(
            "chat",
            1,
            Pipeline(MemorySharedStore(SharedMemory())),
            self.hooks,
            FakeDatabase(FakeStore()),
            "one",
            self.reasons.append,
            10_000,
            lambda: 0.0,
            lambda: self.now,
        )
        self.queue.until = 6.0
        self.queue.take(InboxEntry("1", "a", CONNECTED, encode_facts(ClientFacts("session", 1.5))))

    def take(self, number: int) -> None:
        self.queue.take(InboxEntry(str(number), "a", number, b'[%d, "text"]' % number))


async def test_hooks_begin_while_the_lease_lasts() -> None:
    lead = Lead()
    lead.now = 5.9
    lead.take(1)
    assert lead.hooks.begun == [CONNECTED, 1]
    assert lead.reasons == []


async def test_a_leader_that_stood_still_for_its_lease_begins_no_hook() -> None:
    lead = Lead()
    lead.now = 6.0
    lead.take(1)
    lead.queue.until = 100.0  # a renewal that comes too late
    lead.take(2)
    assert lead.hooks.begun == [CONNECTED]
    assert lead.reasons == [PASSED]


async def test_a_leader_that_was_deposed_begins_no_hook() -> None:
    lead = Lead()
    for _ in range(2):
        lead.queue.check(NotLeader("another server leads"))
        lead.take(1)
    assert lead.hooks.begun == [CONNECTED]
    assert lead.reasons == [DEPOSED]


async def test_a_step_that_comes_again_after_a_failover_runs_once() -> None:
    lead = Lead()
    for number in (1, 2, 1, 2, 3):
        lead.take(number)
    lead.queue.take(InboxEntry("9", "a", CONNECTED, encode_facts(ClientFacts("session", 1.5))))
    assert lead.hooks.begun == [CONNECTED, 1, 2, 3]
    assert lead.queue.unfinished == 4
