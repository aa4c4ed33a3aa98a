"""What a server remembers of the log."""

from __future__ import annotations

from thywill.core.message import Address, Message
from thywill.queue.shared.reader import REMEMBERED, _Recent
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
    recent.add(posted(42, 4), REMEMBERED + 1)
    assert (recent.begins, recent.size) == (41, 4)
