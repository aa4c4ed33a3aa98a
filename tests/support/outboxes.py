"""Short ways to fill an outbox, and to read it."""

from __future__ import annotations

import json
from typing import Any

from thywill.core.log import Entry
from thywill.core.outbox import Bounds, Outbox
from thywill.core.overflow import Overflow

WIDE = Bounds()
ITEM = len(b'[1,"x"]')


def fill(outbox: Outbox, *ids: int) -> int:
    """Append a message of ``ITEM`` bytes for each id below ten; return how many were dropped."""
    return sum(outbox.append(Entry(each, b'"x"')) for each in ids)


def outbox_of(*ids: int, bounds: Bounds = WIDE) -> Outbox:
    outbox = Outbox(bounds)
    assert fill(outbox, *ids) == 0
    return outbox


def poll(outbox: Outbox) -> tuple[list[int], int, int]:
    """Return the ids, the cursor and the number of lost messages in the next answer."""
    answer: dict[str, Any] = json.loads(outbox.next_answer())
    assert set(answer) <= {"messages", "cursor", "lost"}
    assert answer.get("lost") != 0
    return [item[0] for item in answer["messages"]], answer["cursor"], answer.get("lost", 0)


def waiting(outbox: Outbox) -> list[int]:
    assert outbox.size == sum(len(entry.encoded) for entry in outbox.entries)
    ids = [item.id for item in outbox.entries if not item.lost]
    assert len(outbox) == len(ids) == len(outbox.entries) - outbox.losses
    return ids


def reply(outbox: Outbox, message_id: int) -> int:
    return outbox.append(Entry(message_id, b"0", 1))


def send(outbox: Outbox, message_id: int, key: str | None = None, overflow: Overflow | None = None) -> int:
    return outbox.append(Entry(message_id, b'"x"', None, key, overflow))
