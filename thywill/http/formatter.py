"""Formats whole answers."""

from __future__ import annotations

from thywill.http.message import REASONS


class Formatter:
    """Formats a whole answer; caches the last, because a broadcast repeats it thousands of times."""

    __slots__ = ("_answer", "_parts")

    def __init__(self) -> None:
        self._parts: tuple[int, bytes, bytes, bytes] | None = None
        self._answer = b""

    def format(self, status: int, date: bytes, head: bytes, body: bytes) -> bytes:
        """Return the bytes of an answer; ``date`` and ``head`` are whole header lines."""
        parts = (status, date, head, body)
        if parts != self._parts:
            # RFC 9110, 8.6
            length = b"" if status == 204 else b"Content-Length: %d\r\n" % len(body)
            self._answer = b"HTTP/1.1 %d %b\r\n%b%b%b\r\n%b" % (
                status,
                REASONS[status],
                date,
                head,
                length,
                body,
            )
            self._parts = parts
        return self._answer
