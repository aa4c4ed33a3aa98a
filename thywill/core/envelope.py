"""The wire: what travels as JSON between browser and server, decoded, validated and encoded.

Requests become the structs below; a field that is not known is ignored. Answers are put together from
parts that are encoded already, so that a broadcast is encoded once for all of its receivers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import msgspec

from thywill.errors import Malformed, RequestError, UnsendableMessage

HIGHEST_ID = 2**53 - 1
"""The largest integer that every browser's numbers hold exactly (ECMA-262, Number.MAX_SAFE_INTEGER)."""

Number = Annotated[int, msgspec.Meta(ge=0, le=HIGHEST_ID)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]


class Connect(msgspec.Struct):
    """A page asks for a client."""

    application: str


class Poll(msgspec.Struct):
    """A client has processed all up to ``cursor`` and waits for more, ``hold`` seconds at the most."""

    token: str
    cursor: Number
    hold: Seconds | None = None


class Item(msgspec.Struct, array_like=True):
    """One numbered message from a browser; with a ``method`` it is a call and ``data`` its arguments."""

    n: Annotated[int, msgspec.Meta(ge=1, le=HIGHEST_ID)]
    data: Any
    method: str | None = None


class Send(msgspec.Struct):
    """A batch of messages from a client."""

    token: str
    messages: list[Item]


class Leave(msgspec.Struct):
    """A client goes for good."""

    token: str


class Frame(msgspec.Struct):
    """What a client says in one message of a session that stays, such as SockJS's, as far as it has to.

    The first shows its ``token``, with the cursor to go on after; later a ``cursor`` acknowledges.
    """

    token: str | None = None
    cursor: Number | None = None
    messages: list[Item] | None = None
    leave: bool = False


Request = TypeVar("Request", Connect, Poll, Send, Leave, Frame)

_decoders: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind) for kind in (Connect, Poll, Send, Leave, Frame)
}
_encode = msgspec.json.Encoder().encode


def decode(kind: type[Request], body: bytes) -> Request:
    """Return the request that ``body`` holds.

    Raises:
        Malformed: it is not JSON, or a field is missing or of another type.
    """
    try:
        return _decoders[kind].decode(body)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _decode_leniently(kind, body, error)


def _decode_leniently(kind: type[Request], body: bytes, error: Exception) -> Request:
    if b"\\ud" not in body and b"\\uD" not in body:
        raise Malformed(_reason(error)) from None
    try:
        return _decoders[kind].decode(mend(body))  # type: ignore[no-any-return]
    except (ValueError, msgspec.DecodeError, RecursionError) as second:
        raise Malformed(_reason(second)) from None


def mend(body: bytes) -> str:
    """Return JSON with its lone surrogates replaced: a browser escapes half an emoji as ``\\ud83d``.

    Raises:
        ValueError, RecursionError: ``body`` is not JSON in UTF-8.
    """
    text = json.dumps(json.loads(body.decode()), ensure_ascii=False)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    if isinstance(error, msgspec.ValidationError):
        return str(error)
    return "the body is not JSON in UTF-8"


def check_call(item: Item) -> None:
    """Refuse a call whose arguments are no list.

    Raises:
        Malformed: ``item`` names a method, but its data is not an array.
    """
    if item.method is not None and not isinstance(item.data, list):
        raise Malformed(f"message {item.n} is a call, but its arguments are not an array")


def encode_data(data: Any, limit: int) -> bytes:
    """Return an application's ``data`` as compact JSON of at most ``limit`` bytes.

    Raises:
        UnsendableMessage: it is not JSON, or too large.
    """
    try:
        encoded = _encode(data)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise UnsendableMessage(f"not JSON: {error}") from error
    if len(encoded) > limit:
        raise UnsendableMessage(f"{len(encoded)} bytes of JSON; a message may have {limit}")
    return encoded


def encode_item(message_id: int, data: bytes, reply_to: int | None = None) -> bytes:
    """Return one message for a browser: ``[id,data]``, or ``[id,outcome,n]`` as the reply to its item n."""
    if reply_to is None:
        return b"[%d,%b]" % (message_id, data)
    return b"[%d,%b,%d]" % (message_id, data, reply_to)


def encode_answer(items: Sequence[bytes], cursor: int, lost: int = 0) -> bytes:
    """Return a poll's answer: the encoded ``items``, the cursor after them, how many were lost before."""
    body = b'{"messages":[%b],"cursor":%d' % (b",".join(items), cursor)
    return body + (b',"lost":%d}' % lost if lost else b"}")


def encode_superseded(cursor: int) -> bytes:
    """Return the answer to a poll that a newer poll of the same client replaced."""
    return b'{"messages":[],"cursor":%d,"superseded":true}' % cursor


def encode_retry(cursor: int, seconds: float) -> bytes:
    """Return the answer to a poll while the server drains: come back after ``seconds``."""
    return b'{"messages":[],"cursor":%d,"retry":%.1f}' % (cursor, seconds)


def encode_received(number: int) -> bytes:
    """Return the answer to a send: every message up to ``number`` is accepted."""
    return b'{"received":%d}' % number


def encode_result(result: Any, limit: int) -> bytes:
    """Return the outcome of a call that succeeded, as ``encode_data`` does."""
    return b'{"result":%b}' % encode_data(result, limit)


def encode_failure(code: str, message: str) -> bytes:
    """Return the outcome of a call or message that failed."""
    return _encode({"error": {"code": code, "message": message}})


def encode_error(error: RequestError) -> bytes:
    """Return the body of the answer to a request that is refused."""
    return _encode({"error": {"code": error.code, "message": error.message, **error.details()}})


def encode_object(fields: dict[str, Any]) -> bytes:
    """Return any other object of the wire, such as what ``connect`` answers."""
    return _encode(fields)
