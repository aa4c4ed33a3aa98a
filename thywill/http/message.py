"""A request as it was read, and the means to answer it."""

from __future__ import annotations

import http
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from urllib.parse import parse_qsl

from thywill.errors import Malformed

MAX_FIELDS = 20
JSON = b"Content-Type: application/json\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
"""The header lines of nearly every answer on the wire."""

REASONS: dict[int, bytes] = {status.value: status.phrase.encode() for status in http.HTTPStatus}


class Request:
    """One whole request; headers are kept as they were read and searched only when someone asks.

    ``target`` is the path and the query, ``headers`` are (name, value) pairs with names in any case and
    blanks behind some values, ``peer`` is the browser's address and ``scheme`` what it used, as far as a
    trusted proxy or the connection tells.
    """

    __slots__ = (
        "body",
        "expects",
        "headers",
        "host",
        "keep_alive",
        "method",
        "peer",
        "scheme",
        "target",
        "version",
    )

    def __init__(self) -> None:
        self.method = b""
        self.target = b""
        self.version = "1.1"
        self.headers: list[tuple[bytes, bytes]] = []
        self.host: bytes | None = None
        self.body = b""
        self.peer = ""
        self.scheme = "http"
        self.keep_alive = True
        self.expects = False

    @property
    def path(self) -> bytes:
        """The target without its query."""
        return self.target.partition(b"?")[0]

    def query(self) -> dict[str, str]:
        """Return the query's fields; of a repeated one, the last.

        Raises:
            Malformed: there are too many of them.
        """
        text = self.target.partition(b"?")[2].decode("latin-1")
        try:
            return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
        except ValueError:
            raise Malformed(f"the query has more than {MAX_FIELDS} fields") from None

    def header(self, name: bytes) -> bytes | None:
        """Return the value of the first header called ``name`` (in lower case), or None."""
        length = len(name)
        for key, value in self.headers:
            if len(key) == length and key.lower() == name:
                return value.strip()
        return None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request cannot be served: answer ``status`` with the ``reason`` and the header lines ``head``, and
    close the connection."""

    status: int
    reason: str
    head: bytes = b""


class WholeAnswer(NamedTuple):
    """An answer whose body is known; ``head`` holds whole header lines."""

    status: int
    body: bytes
    head: bytes = JSON


class Owner(Protocol):
    """Whoever keeps a reply to answer later."""

    def closed(self) -> None:
        """The connection closed before the answer."""
        ...


class Writer(Owner, Protocol):
    """Whoever answers piece by piece."""

    def writable(self) -> None:
        """The browser has read enough to be sent more."""
        ...


Dress = Callable[[int, bytes, bytes], tuple[int, bytes, bytes]]
"""Changes the status, the body and the header lines of an answer before it is written."""


class Reply(Protocol):
    """The one answer to a request: whole (``send``), or piece by piece (``begin``, ``write``, ``end``).

    ``owner`` is told when the connection closes before the answer is complete.
    """

    owner: Owner | None
    dress: Dress | None

    def send(self, status: int, body: bytes, head: bytes = JSON) -> None:
        """WholeAnswer with ``body``; ``head`` holds whole header lines. Without a connection it does nothing.

        An answer that has begun cannot become another one: its connection is cut.
        """
        ...

    def begin(self, status: int, head: bytes, chunk: bytes, writer: Writer) -> bool:
        """Begin an answer whose length is not known with its first piece; ``writer`` becomes the owner.

        To a HEAD it is the head alone. Returns what ``write`` does.
        """
        ...

    def write(self, chunk: bytes) -> bool:
        """Send a piece, which is not empty; tell whether the next may follow at once.

        If not, the writer is told when it may. What is written all the same waits in memory.
        """
        ...

    def end(self) -> None:
        """The answer is complete."""
        ...
