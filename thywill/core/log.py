"""The messages that wait for the clients of one application (``Entry``), and the bound on all of them.

Each outbox is bounded, but a thousand full outboxes can still fill the memory. So the messages of one
application are counted together. A broadcast to 1,000 clients is one ``Entry`` in 1,000 outboxes, and is
counted once. The count should fall when the last of the 1,000 clients has acknowledged the message, but
acknowledgements should cost nothing more for that. So the log refers to entries *weakly*: when the last
outbox removes its reference, CPython frees the entry and at once calls ``_released``, which subtracts it.

    publish 7 to two clients    outboxes [7] [7]    the log counts 1
    one client acknowledges 7   outboxes [] [7]     the log counts 1
    the other acknowledges it   outboxes [] []      7 is freed; the log counts 0

When there are more messages than the bounds allow, ``excess`` says up to which id messages are to be dropped:
a tenth more than necessary (``FILLED_AFTER_DROPPING``), so that the next message does not exceed the bounds
again. Dropping takes several turns of the loop while messages keep arriving, so ``excess`` asks again only
when the log has grown by another tenth (``EXCESS_FACTOR``).

At first only outboxes that hold more than a fair share of the bounds drop messages. Otherwise a hundred pages
that ask for much and read nothing would cost all others the few messages that they wait for. Some outbox
always holds more than its share, since all shares together are less than what is held. But a message is freed
only when every outbox has dropped it. So if the log has grown all the same, all outboxes drop.

This file stays plain Python where ``run.py compile`` compiles the outbox: a compiled class has no weak
references.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from thywill.core.message import PACK, PRESENCE
from thywill.core.overflow import Overflow

Form = TypeVar("Form")

KINDS = {PACK: b'"pack"', PRESENCE: b'"presence"'}
"""The words of the wire for messages that are neither ordinary ones nor replies."""


class Entry:
    """One message of the log. It is encoded once and shared by the outboxes of all of its receivers."""

    __slots__ = ("__weakref__", "_form", "answer", "encoded", "exclude", "id", "is_reply", "key", "overflow")

    lost: ClassVar[int] = 0

    def __init__(
        self,
        message_id: int,
        data: bytes,
        reply_to: int | None = None,
        key: str | None = None,
        overflow: Overflow | None = None,
        exclude: str | None = None,
    ) -> None:
        self.id = message_id
        self.is_reply = reply_to is not None and reply_to != PRESENCE
        self.key = key
        self.overflow = overflow
        self.exclude = exclude
        self.encoded = encode_item(message_id, data, reply_to)
        self.answer: bytes | None = None
        self._form: Any = None

    def alone(self) -> bytes:
        """Return the answer that carries only this message. All receivers share it, as ``answer``."""
        if self.answer is None:
            self.answer = encode_answer((self.encoded,), self.id)
        return self.answer

    def form(self, make: Callable[[bytes], Form]) -> Form:
        """Return ``make(self.encoded)``, computed at the first call and cached for all receivers.

        Every caller has to pass the same ``make``.
        """
        if self._form is None:
            self._form = make(self.encoded)
        form: Form = self._form
        return form


class Loss:
    """Takes the place of dropped messages in one outbox.

    A loss is written and acknowledged like a message, so the browser learns of it exactly once.

    Args:
        last: the id of the last message that was dropped here.
        lost: how many messages were dropped here.
    """

    __slots__ = ("id", "lost")

    encoded: ClassVar[bytes] = b""
    answer: ClassVar[bytes | None] = None

    def __init__(self, last: int, lost: int) -> None:
        self.id = last
        self.lost = lost

    def alone(self) -> bytes:
        """Return the answer that reports only this loss."""
        return encode_answer((), self.id, self.lost)


def encode_item(message_id: int, data: bytes, reply_to: int | None = None) -> bytes:
    """Encode a message for a browser.

    The form is ``[id,data]`` for an ordinary message, ``[id,outcome,n]`` for the reply to the browser's
    message n, and ``[id,data,kind]`` with a word of ``KINDS`` for others.

    Args:
        message_id: the id.
        data: encoded JSON.
        reply_to: as in ``thywill.core.message.Message``.
    """
    if reply_to is None:
        return b"[%d,%b]" % (message_id, data)
    if reply_to < 0:
        return b"[%d,%b,%b]" % (message_id, data, KINDS[reply_to])
    return b"[%d,%b,%d]" % (message_id, data, reply_to)


def encode_answer(items: Sequence[bytes], cursor: int, lost: int = 0) -> bytes:
    """Encode the answer to a poll: messages, the cursor after them, and how many of them were dropped."""
    body = b'{"messages":[%b],"cursor":%d' % (b",".join(items), cursor)
    return body + (b',"lost":%d}' % lost if lost else b"}")


Waiting = Entry | Loss

FILLED_AFTER_DROPPING = 0.9
"""The part of the bounds that the log fills after dropping."""
EXCESS_FACTOR = 1.1
"""The factor by which the log may exceed its bounds while messages are being dropped."""


@dataclass(frozen=True, slots=True)
class LogBounds:
    """How many messages, and how many bytes of encoded messages, one log may hold."""

    messages: int = 100_000
    size: int = 64 * 1024 * 1024


NOBODY = LogBounds(0, 0)
"""A share of nothing: every outbox holds more and has to drop."""


class _Held(weakref.ref[Entry]):
    __slots__ = ("id", "size")

    id: int
    size: int


class MessageLog:
    """Counts the messages of one application that at least one outbox holds; each is counted once.

    ``is_over`` says whether the log exceeded its bounds when the last message was added. Then the caller has
    to ask ``excess``.
    """

    def __init__(self, bounds: LogBounds) -> None:
        self._bounds = bounds
        self._held: dict[int, _Held] = {}
        self._release = self._released
        self._slack = 1.0
        self.size = 0
        self.is_over = False

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, entry: Entry) -> None:
        """Count ``entry`` for as long as an outbox holds it. No other entry of its id may be counted."""
        held = _Held(entry, self._release)
        held.id, held.size = entry.id, len(entry.encoded)
        self._held[entry.id] = held
        self.size += held.size
        self.is_over = len(self._held) > self._bounds.messages or self.size > self._bounds.size
        if not self.is_over:
            self._slack = 1.0

    def share(self, entry: Entry) -> Entry:
        """Count a message once, even if another entry of the same id is counted; return the entry to hold."""
        held = self._held.get(entry.id)
        known = None if held is None else held()
        if known is not None:
            return known
        self.hold(entry)
        return entry

    def _released(self, held: weakref.ref[Entry]) -> None:
        assert isinstance(held, _Held)
        del self._held[held.id]
        self.size -= held.size

    def excess(self) -> tuple[int, int] | None:
        """Return the id up to which to drop messages and how many messages that are, or None for nothing."""
        bounds, slack = self._bounds, self._slack
        if len(self._held) <= bounds.messages and self.size <= bounds.size:
            self._slack = 1.0
            return None
        if len(self._held) <= bounds.messages * slack and self.size <= bounds.size * slack:
            return None
        self._slack *= EXCESS_FACTOR
        return self._oldest()

    def fair_share(self, outboxes: int) -> LogBounds:
        """Return the fair share: an outbox that holds no more need not drop what ``excess`` asks for.

        Args:
            outboxes: how many outboxes there are.
        """
        if self._slack > EXCESS_FACTOR:
            return NOBODY  # the second time: what the largest outboxes have dropped was not enough
        bounds, part = self._bounds, FILLED_AFTER_DROPPING / max(outboxes, 1)
        return LogBounds(
            int(bounds.messages * part) if len(self._held) > bounds.messages else sys.maxsize,
            int(bounds.size * part) if self.size > bounds.size else sys.maxsize,
        )

    def _oldest(self) -> tuple[int, int]:
        messages = int(len(self._held) - self._bounds.messages * FILLED_AFTER_DROPPING)
        size = self.size - self._bounds.size * FILLED_AFTER_DROPPING
        count = up_to = 0
        for held in sorted(self._held.values(), key=lambda held: held.id):  # ``share`` adds out of order
            if count >= messages and size <= 0:
                break
            up_to, count, size = held.id, count + 1, size - held.size
        return up_to, count
