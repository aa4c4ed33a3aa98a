"""The contracts of an answer: whole, piece by piece, or a refusal."""

from __future__ import annotations

import http
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from thywill.core.native import mypyc_attr

JSON = b"Content-Type: application/json\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
"""The header lines of nearly every answer on the wire."""

BODILESS = (204, 304)
"""The statuses whose answers have no body and no Content-Length (RFC 9110, 8.6 and 15.4.5)."""

REASONS: dict[int, bytes] = {status.value: status.phrase.encode() for status in http.HTTPStatus}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that cannot be served. The answer has ``status``, ``reason`` and the header lines ``head``;
    then the connection closes."""

    status: int
    reason: str
    head: bytes = b""


class WholeAnswer(NamedTuple):
    """An answer whose body is known; ``head`` consists of whole header lines."""

    status: int
    body: bytes
    head: bytes = JSON


class Owner(Protocol):
    """Holds a reply to answer it later, and is called if the connection closes before that."""

    def closed(self) -> None:
        """The connection closed before the answer was complete."""
        ...


class Writer(Owner, Protocol):
    """Answers piece by piece, and is called when the next piece may be written."""

    def writable(self) -> None:
        """The browser has read enough for more to be sent."""
        ...


AnswerTransform = Callable[[int, bytes, bytes], tuple[int, bytes, bytes]]
"""Changes the status, the body and the header lines of an answer before it is written."""


@mypyc_attr(allow_interpreted_subclasses=True)
class Reply:
    """The one answer to a request: whole (``send``), or piece by piece (``begin``, ``write``, ``end``).

    ``owner`` is called when the connection closes before the answer is complete.

    Args:
        head_only: whether the request is a HEAD; the answer then has no body.
    """

    __slots__ = ("_head_only", "_writer", "owner", "transform")

    def __init__(self, *, head_only: bool = False) -> None:
        self._head_only = head_only
        self._writer: Writer | None = None
        self.owner: Owner | None = None
        self.transform: AnswerTransform | None = None

    def send(self, status: int, body: bytes, head: bytes = JSON) -> None:
        """Send a whole answer; ``head`` consists of whole header lines.

        Nothing happens if the connection has closed. If another answer has begun, it can no longer be
        completed, so the connection is closed at once.
        """
        raise NotImplementedError

    def begin(self, status: int, head: bytes, chunk: bytes, writer: Writer) -> bool:
        """Begin an answer of unknown length with its first piece; ``writer`` becomes the owner.

        The pieces of an answer to a HEAD request are not sent. The result is that of ``write``.
        """
        raise NotImplementedError

    def write(self, chunk: bytes) -> bool:
        """Send a piece, which must not be empty, and return whether the next may follow at once.

        If not, ``writer.writable`` is called when it may. A piece that is written before that waits in
        memory.
        """
        raise NotImplementedError

    def end(self) -> None:
        """Complete the answer."""
        raise NotImplementedError

    def _transformed(self, status: int, body: bytes, head: bytes) -> tuple[int, bytes, bytes]:
        return (status, body, head) if self.transform is None else self.transform(status, body, head)

    def writable(self) -> None:
        """The browser has read enough to be sent more."""
        if self._writer is not None:
            self._writer.writable()

    def closed(self) -> None:
        """The connection closed before the answer was complete."""
        owner, self.owner = self.owner, None
        self._writer = None
        if owner is not None:
            owner.closed()
