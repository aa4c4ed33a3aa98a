"""SockJS's framing: what a browser gets to read, and what it sends. Pure.

A frame is ``o`` (open), ``h`` (heartbeat), ``a[...]`` (an array of messages, each a JSON string) or
``c[code,"reason"]`` (close).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from thywill.core.envelope import mend

OPEN = b"o"
HEARTBEAT = b"h"

CALLBACK = re.compile(r"[A-Za-z0-9_.-]{1,128}")
"""What may be the name of a page's function (the protocol's own rule)."""

# Browsers mangle these on some transports (the protocol's ``escapable_by_server``). Controls are escaped by
# JSON itself.
MANGLED = re.compile("[\u200c-\u200f\u2028-\u202f\u2060-\u206f\ufff0-\uffff]")

_encode = msgspec.json.Encoder().encode
_texts = msgspec.json.Decoder(list[str])


class BadBody(Exception):
    """What a browser sent is no array of messages; the text is what the protocol answers."""


def quote(text: bytes) -> bytes:
    """Return UTF-8 as a JSON string that survives every transport."""
    if text.isascii():
        return _encode(text.decode("ascii"))
    return MANGLED.sub(_escape, _encode(text.decode()).decode()).encode()


def quote_part(text: bytes) -> bytes:
    """Return UTF-8 as a part of such a string: what ``quote`` returns, without its quotation marks."""
    return quote(text)[1:-1]


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def messages(quoted: Iterable[bytes]) -> bytes:
    """Return the frame that carries messages, which are JSON strings already."""
    return b"a[%b]" % b",".join(quoted)


def close(code: int, reason: str) -> bytes:
    """Return the frame that ends a session."""
    return b"c[%d,%b]" % (code, quote(reason.encode()))


def answer(parts: Iterable[bytes], cursor: int, after: int, lost: int) -> bytes:
    """Return the envelope of messages as a JSON string, put together from items that ``quote_part`` made.

    Args:
        parts: the items, each made once for all of its receivers.
        cursor: the id of the last of them.
        after: the cursor that the answer before this one ended with: a browser that is not there has
            missed something.
        lost: how many messages were dropped before them.
    """
    told = b',\\"lost\\":%d' % lost if lost else b""
    body = b'"{\\"messages\\":[%b],\\"cursor\\":%d,\\"after\\":%d%b}"'
    return body % (b",".join(parts), cursor, after, told)


def read_messages(body: bytes) -> list[str]:
    """Return the messages that a request carries: a JSON array of strings.

    Raises:
        BadBody: it is something else.
    """
    if not body:
        raise BadBody("Payload expected.")
    try:
        return _texts.decode(body)
    except msgspec.ValidationError:
        raise BadBody("Payload expected.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_leniently(body)


def _read_leniently(body: bytes) -> list[str]:
    try:
        return _texts.decode(mend(body))
    except (ValueError, msgspec.DecodeError, RecursionError):
        raise BadBody("Broken JSON encoding.") from None
