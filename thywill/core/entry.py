"""What an outbox holds: messages (``Entry``), and the places where some were dropped (``Loss``).

These two stay plain Python where ``run.py compile`` compiles the outbox: the message log refers weakly to
entries, and a compiled class has no weak references.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

from thywill.core.message import PACK, PRESENCE
from thywill.core.overflow import Overflow

Form = TypeVar("Form")

KINDS = {PACK: b'"pack"', PRESENCE: b'"presence"'}
"""The words of the wire for messages that are neither ordinary ones nor replies."""


class Entry:
    """One message of the log. It is encoded once and shared by the outboxes of all of its receivers."""

    __slots__ = ("__weakref__", "_alone", "_form", "encoded", "exclude", "id", "is_reply", "key", "overflow")

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
        self._alone: bytes | None = None
        self._form: Any = None

    def alone(self) -> bytes:
        """Return the answer that carries only this message. All receivers share it, so it is cached."""
        if self._alone is None:
            self._alone = encode_answer((self.encoded,), self.id)
        return self._alone

    def form(self, make: Callable[[bytes], Form]) -> Form:
        """Return ``make(self.encoded)``, computed at the first call and cached for all receivers.

        Every caller has to pass the same ``make``.
        """
        if self._form is None:
            self._form = make(self.encoded)
        form: Form = self._form
        return form


class Loss:
    """The place in one outbox where messages were dropped.

    It is written and acknowledged as a message is: the browser is told until it acknowledges, and then no
    more.

    Args:
        last: the id of the last message that was dropped here.
        lost: how many were dropped here.
    """

    __slots__ = ("id", "lost")

    encoded: ClassVar[bytes] = b""

    def __init__(self, last: int, lost: int) -> None:
        self.id = last
        self.lost = lost

    def alone(self) -> bytes:
        """Return the answer that reports only this loss."""
        return encode_answer((), self.id, self.lost)


def encode_item(message_id: int, data: bytes, reply_to: int | None = None) -> bytes:
    """Encode a message for a browser.

    It is ``[id,data]``, or ``[id,outcome,n]``, the reply to its message n, or ``[id,data,kind]`` with a word
    of ``KINDS``.
    """
    if reply_to is None:
        return b"[%d,%b]" % (message_id, data)
    if reply_to < 0:
        return b"[%d,%b,%b]" % (message_id, data, KINDS[reply_to])
    return b"[%d,%b,%d]" % (message_id, data, reply_to)


def encode_answer(items: Sequence[bytes], cursor: int, lost: int = 0) -> bytes:
    """Encode the answer to a poll: messages, the cursor after them, and how many were dropped among them."""
    body = b'{"messages":[%b],"cursor":%d' % (b",".join(items), cursor)
    return body + (b',"lost":%d}' % lost if lost else b"}")


Waiting = Entry | Loss
