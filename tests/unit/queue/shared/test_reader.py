"""What a server remembers of the log."""

from __future__ import annotations

import pytest

from tests.support.serving import until
from tests.support.shared_memory import SharedMemory
from tests.support.shared_store import MemorySharedStore
from thywill.core.message import Address, Message
from thywill.queue.shared.operations import Append, Cause
from thywill.queue.shared.reader import REMEMBERED, LogReader, _Recent
from thywill.queue.shared.rows import Membership, Posted


def posted(position: int, size: int) -> Posted:
    return Posted("chat", position, Address.channel("lobby"), Message(b"x" * size))


def test_the_oldest_entries_are_forgotten_when_they_are_too_large() -> None:
    recent = _Recent(begins=40, limit=10)
    for position in range(41, 45):
        recent.add(posted(position, 4), 0.0)
    assert recent.after(41) is None
    assert [entry.id for entry in recent.after(42) or []] == [43, 44]
    recent.add(posted(45, 11), 0.0)
    assert (recent.begins, recent.size, recent.after(45)) == (45, 0, [])


def test_the_oldest_entries_are_forgotten_after_their_time() -> None:
    recent = _Recent(begins=40, limit=10)
    recent.add(Membership("chat", 41, "a", "lobby", enters=True), 0.0)
    recent.add(posted(42, 4), 0.0)
    recent.add(posted(43, 4), 1.0)
    recent.forget(REMEMBERED + 0.5)
    assert (recent.begins, recent.size, [each.id for each in recent.entries]) == (42, 4, [43])
    recent.forget(REMEMBERED + 1.5)
    assert (recent.begins, recent.size, recent.after(43)) == (43, 0, [])


@pytest.mark.gen_test
async def test_entries_are_forgotten_while_nothing_happens() -> None:
    memory, now = SharedMemory(), [0.0]
    store = MemorySharedStore(memory)
    reader = LogReader(store, ["chat"], lambda _: None, monotonic=lambda: now[0])
    await reader.start()
    await store.execute([Append("chat", None, Address.channel("lobby"), Message(b"x"), Cause("one", 1))])
    await until(lambda: reader.positions["chat"] > 0)
    last = reader.positions["chat"]
    assert reader.after("chat", last - 1) != []
    now[0] = REMEMBERED + 1
    await until(lambda: reader.after("chat", last - 1) is None)
    await reader.stop()
