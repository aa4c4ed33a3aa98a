"""SockJS's framing: the frames that a browser reads, and the messages that it sends. Pure.

A frame is ``o`` (open), ``h`` (heartbeat), ``a[...]`` (an array of messages, each a JSON string) or
``c[code,"reason"]`` (close).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from thywill.core.envelope import check_values, replace_lone_surrogates

OPEN = b"o"
HEARTBEAT = b"h"

CALLBACK = re.compile(r"[A-Za-z0-9_.-]{1,128}")
"""The names that a page's callback may have (the protocol's own rule)."""

# Browsers change these characters on some transports (the protocol's ``escapable_by_server``). JSON itself
# escapes control characters.
MANGLED = re.compile("[\u200c-\u200f\u2028-\u202f\u2060-\u206f\ufff0-\uffff]")


class Intake(NamedTuple):
    """How much one request of a browser may bring.

    Args:
        size: bytes of its body.
        messages: messages of the session in it.
    """

    size: int
    messages: int


INTAKE = Intake(sys.maxsize, 1000)
"""The limits of a session that has shown a token. The size is left to the HTTP server's limit; a page that
was offline sends many messages at once."""

_encode = msgspec.json.Encoder().encode
_texts = msgspec.json.Decoder(list[str])


class BadInput(Exception):
    """A browser sent something wrong. The answer has the status 500 and this error's text as its body."""


def quote(text: bytes) -> bytes:
    """Return the UTF-8 ``text`` as a JSON string without characters that a transport could change."""
    if text.isascii():
        return _encode(text.decode("ascii"))
    return MANGLED.sub(_escape, _encode(text.decode()).decode()).encode()


class Part:
    """An item of the envelope, quoted once for all its receivers.

    Nearly all receivers have the same cursor, so the whole frame with only this item is cached as well.

    Args:
        item: the item as JSON.
    """

    __slots__ = ("_after", "_frame", "text")

    def __init__(self, item: bytes) -> None:
        self.text = quote(item)[1:-1]
        self._after = -1
        self._frame = b""

    def frame(self, cursor: int, after: int) -> bytes:
        """Return the frame that carries only this item; the arguments are those of ``answer``."""
        if after != self._after:
            self._after = after
            self._frame = messages((answer((self.text,), cursor, after, 0),))
        return self._frame


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def messages(quoted: Iterable[bytes]) -> bytes:
    """Return the frame that carries messages, each of which is already a JSON string."""
    return b"a[%b]" % b",".join(quoted)


def close(code: int, reason: str) -> bytes:
    """Return the frame that ends a session."""
    return b"c[%d,%b]" % (code, quote(reason.encode()))


def answer(parts: Iterable[bytes], cursor: int, after: int, lost: int) -> bytes:
    """Return the envelope of messages as a JSON string.

    Args:
        parts: the texts of its items (``Part``).
        cursor: the id of the last of them.
        after: the cursor of the answer before this one. A browser with a lower cursor has missed that answer.
        lost: how many messages were dropped before these.
    """
    losses = b',\\"lost\\":%d' % lost if lost else b""
    body = b'"{\\"messages\\":[%b],\\"cursor\\":%d,\\"after\\":%d%b}"'
    return body % (b",".join(parts), cursor, after, losses)


def read_callback(name: str) -> bytes:
    """Return the name of the page's callback from the query, checked.

    Raises:
        BadInput: it cannot be the name of a function.
    """
    if not name:
        raise BadInput('"callback" parameter required')
    if not CALLBACK.fullmatch(name):
        raise BadInput('invalid "callback" parameter')
    return name.encode()


def read_messages(body: bytes, most: int) -> list[str]:
    """Return the messages that a request carries: a JSON array of at most ``most`` strings.

    Raises:
        BadInput: it is not such an array.
        TooLarge: it has too many values.
    """
    if not body:
        raise BadInput("Payload expected.")
    check_values(body)
    messages = _decode_messages(body)
    if len(messages) > most:
        raise BadInput(f"{len(messages)} messages in one request; it may have {most}.")
    return messages


def _decode_messages(body: bytes) -> list[str]:
    try:
        return _texts.decode(body)
    except msgspec.ValidationError:
        raise BadInput("Payload expected.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_leniently(body)


def _read_leniently(body: bytes) -> list[str]:
    try:
        return _texts.decode(replace_lone_surrogates(body))
    except (ValueError, msgspec.DecodeError, RecursionError):
        raise BadInput("Broken JSON encoding.") from None
