"""The JSON of the wire: requests are decoded and validated, answers are encoded.

A request becomes one of the structs below; unknown fields are ignored. An answer is joined from messages that
are encoded already, so that a broadcast is encoded once and not for each receiver.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec

from thywill.core.jsonable import LARGEST, explain, find_wrong_number
from thywill.core.message import Address, Message
from thywill.core.overflow import Overflow
from thywill.errors import Malformed, RequestError, TooLarge, UnsendableMessage

HIGHEST_ID = LARGEST

LONG = b"0" * 16
"""The digits of the shortest integer above ``HIGHEST_ID``, after the translation by ``DIGITS``."""
DIGITS = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else byte for byte in range(256))
"""A translation table that replaces every digit by a zero."""

MOST_VALUES = 40_000
"""How many values one request may have, counted by its commas. A message of 64 KB has fewer; but to decode a
megabyte of numbers takes a tenth of a second."""

NUMBER_SHOWN = 16
"""Characters of a message's number that an error repeats."""

Number = Annotated[int, msgspec.Meta(ge=0, le=HIGHEST_ID)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]


class Connect(msgspec.Struct):
    """A page connects: it asks for a client of ``application``. A ``ticket`` names the page's user."""

    application: str
    ticket: str | None = None


class NewTicket(msgspec.Struct):
    """A client shows a new ticket of its user."""

    token: str
    ticket: str


class Poll(msgspec.Struct):
    """A client has processed the messages up to ``cursor`` and waits at most ``hold`` seconds for more."""

    token: str
    cursor: Number
    hold: Seconds | None = None


class Item(msgspec.Struct, array_like=True):
    """One numbered message from a browser. With a ``method`` it is a call, and ``data`` is its arguments."""

    n: Annotated[int, msgspec.Meta(ge=1, le=HIGHEST_ID)]
    data: Any
    method: str | None = None


NO_MESSAGES = msgspec.Raw(b"null")


class Send(msgspec.Struct):
    """A client sends messages, which ``read_items`` decodes once the token is known to be good."""

    token: str
    messages: msgspec.Raw


class Leave(msgspec.Struct):
    """A client leaves and will not come back.

    Its last ``messages`` are those that the server may not have received yet.
    """

    token: str
    messages: msgspec.Raw = NO_MESSAGES


class ClientFrame(msgspec.Struct):
    """One message of a browser in a session that stays open, such as SockJS's. Every field may be missing.

    The first frame has the ``token`` and the ``cursor`` after which to continue. A ``cursor`` in a later
    frame acknowledges the messages up to it. With ``echo`` the session answers at once, so that the browser
    can measure the round trip.
    """

    token: str | None = None
    cursor: Number | None = None
    messages: msgspec.Raw = NO_MESSAGES
    leave: bool = False
    echo: bool = False


Body = TypeVar("Body", Connect, NewTicket, Poll, Send, Leave, ClientFrame)


def _read_float(text: str) -> float:
    """Return a number with a fraction or an exponent.

    msgspec's own reader takes 20 us for a number such as 1e300, which is 3 s for a megabyte of them; Python's
    takes less than 1 us for any number.
    """
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is out of range")
    return number


_decoders: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind, float_hook=_read_float)
    for kind in (Connect, NewTicket, Poll, Send, Leave, ClientFrame)
}
_items = msgspec.json.Decoder(list[Item], float_hook=_read_float)
_parts = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.Encoder().encode


REFUSALS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder raises if it cannot read a text."""


def decoder(kind: type[Body]) -> Callable[[bytes], Body]:
    """Return a function that decodes requests of this kind of up to ``MOST_VALUES`` bytes.

    It is faster than ``decode``, and raises one of ``REFUSALS`` for some bodies that ``decode`` can read.
    """
    return _decoders[kind].decode


def decode(kind: type[Body], body: bytes) -> Body:
    """Decode and validate a request.

    Raises:
        TooLarge: it has too many values.
        Malformed: it is not JSON, or a field is missing or has the wrong type.
    """
    if len(body) > MOST_VALUES:  # a call for each small body would cost more than the comparison
        check_values(body)
    try:
        return _decoders[kind].decode(body)  # type: ignore[no-any-return]
    except REFUSALS as error:
        return _decode_leniently(kind, body, error)


def _decode_leniently(kind: type[Body], body: bytes, error: Exception) -> Body:
    if not _has_surrogates(body):
        raise Malformed(_reason(error)) from None
    try:
        if kind in (Connect, Poll):
            return _decoders[kind].decode(replace_lone_surrogates(body))  # type: ignore[no-any-return]
        return _decode_around_messages(kind, body)
    except (ValueError, msgspec.DecodeError, RecursionError) as second:
        raise Malformed(_reason(second)) from None


def _decode_around_messages(kind: type[Body], body: bytes) -> Body:
    # The decoder refuses surrogates, so other characters of the same length replace them here. Which ones are
    # lone is found out later (``replace_lone_surrogates``), after the token was checked, because that is
    # expensive.
    neutral = body.replace(b"\\ud", b"\\uC").replace(b"\\uD", b"\\uC")
    decoded: Any = _decoders[kind].decode(neutral)
    messages = bytes(decoded.messages)
    start = neutral.find(messages)
    if start >= 0:
        decoded.messages = msgspec.Raw(body[start : start + len(messages)])
    return decoded  # type: ignore[no-any-return]


def _has_surrogates(body: bytes) -> bool:
    return b"\\ud" in body or b"\\uD" in body


def read_items(messages: msgspec.Raw, most: int, limit: int) -> list[Item]:
    """Decode the messages of a request.

    The number of messages and their sizes are checked before their data is decoded.

    Args:
        messages: the JSON array.
        most: how many messages there may be.
        limit: bytes of JSON that the data of one message may have.

    Raises:
        TooLarge: there are too many messages, or one is too large.
        Malformed: ``messages`` is not an array of messages.
    """
    text = bytes(messages)
    try:
        return _read_items(text, most, limit)
    except REFUSALS as error:
        if not _has_surrogates(text):
            raise Malformed(_reason_in_messages(error)) from None
    try:
        return _read_items(replace_lone_surrogates(text), most, limit)
    except (ValueError, RecursionError) as error:
        raise Malformed(_reason_in_messages(error)) from None


def check_values(text: bytes) -> None:
    """Check how many values a JSON text has, without decoding it.

    Raises:
        TooLarge: the text has more than ``MOST_VALUES``.
    """
    if text.count(b",") > MOST_VALUES:
        raise TooLarge(f"more than {MOST_VALUES} values in one request: send fewer messages at once")


def _read_items(text: bytes, most: int, limit: int) -> list[Item]:
    if len(text) > limit:
        parts = _parts.decode(text)
        _check_number(len(parts), most)
        for part in parts:
            _check_size(part, limit)
    items = _items.decode(text)
    _check_number(len(items), most)
    return items


def _check_number(number: int, most: int) -> None:
    if number > most:
        raise TooLarge(f"{number} messages; a request may have {most}")


def _check_size(part: msgspec.Raw, limit: int) -> None:
    if len(bytes(part)) <= limit:
        return
    fields = _parts.decode(part)
    if len(fields) > 1 and len(bytes(fields[1])) > limit:
        number = bytes(fields[0])[:NUMBER_SHOWN].decode("ascii", "replace")
        raise TooLarge(f"message {number} is over the limit of {limit} bytes")


def replace_lone_surrogates(body: bytes) -> bytes:
    """Return the JSON with lone surrogates replaced by U+FFFD: a browser sends half an emoji as ``\\ud83d``.

    Raises:
        ValueError, RecursionError: ``body`` is not JSON in UTF-8.
    """
    text = json.dumps(json.loads(body.decode()), ensure_ascii=False)
    # This runs in C, in time proportional to the text: the UTF-8 encoder writes question marks for lone
    # surrogates, so real question marks become NUL meanwhile, which JSON never holds unescaped.
    marked = text.replace("?", "\0").encode("utf-8", "replace")
    return marked.replace(b"?", b"\xef\xbf\xbd").replace(b"\0", b"?")


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    if isinstance(error, msgspec.ValidationError):
        return str(error)
    return "the body is not JSON in UTF-8"


def _reason_in_messages(error: Exception) -> str:
    reason = _reason(error)
    if isinstance(error, msgspec.ValidationError) and "`$" not in reason:
        return f"{reason} - at `$.messages`"
    return reason.replace("`$", "`$.messages")


def check_call(item: Item) -> None:
    """Check that the arguments of a call are a list.

    Raises:
        Malformed: ``item`` names a method, but its data is not an array.
    """
    if item.method is not None and not isinstance(item.data, list):
        raise Malformed(f"message {item.n} is a call, but its arguments are not an array")


def encode_data(data: Any, limit: int) -> bytes:
    """Encode an application's ``data`` as compact JSON of at most ``limit`` bytes.

    Raises:
        UnsendableMessage: the data is not JSON (``thywill.core.jsonable`` has the rule), or too large.
    """
    try:
        encoded = _encode(data)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise UnsendableMessage(f"the data cannot be written as JSON: {explain(data, error)}") from error
    if len(encoded) > limit:
        raise UnsendableMessage(f"the data has {len(encoded)} bytes of JSON, and the limit is {limit}")
    # The encoder writes NaN as null, and integers of any size. So only data whose JSON has a null or a long
    # integer is searched for wrong numbers.
    if (b"null" in encoded or LONG in encoded.translate(DIGITS)) and (wrong := find_wrong_number(data)):
        raise UnsendableMessage(f"the data cannot be written as JSON: {wrong}")
    return encoded


def encode_message(
    address: Address,
    data: Any,
    limit: int,
    key: str | None = None,
    overflow: Overflow | None = None,
    exclude: str | None = None,
) -> Message:
    """Return the message with an application's ``data``.

    Args:
        address: the receivers.
        data: any JSON value.
        limit: how many bytes of JSON the data may have.
        key: with the policy ``conflate``, the message replaces a waiting one with the same address and key.
        overflow: what to do if an outbox is full; None means the policy of the settings.
        exclude: the id of a client that does not get the message.

    Raises:
        UnsendableMessage: the data is not JSON or too large, or the key is not valid.
    """
    keyed = None if key is None else address.keyed(key)
    return Message(encode_data(data, limit), key=keyed, overflow=overflow, exclude=exclude)


def encode_superseded(cursor: int) -> bytes:
    """Encode the answer to a poll that was ended because the same client has sent a newer one."""
    return b'{"messages":[],"cursor":%d,"superseded":true}' % cursor


def encode_retry(cursor: int, seconds: float) -> bytes:
    """Encode the answer to a poll while the server drains: the client polls again after ``seconds``."""
    return b'{"messages":[],"cursor":%d,"retry":%.1f}' % (cursor, seconds)


def encode_received(number: int) -> bytes:
    """Encode the answer to a send: every message up to ``number`` is accepted."""
    return b'{"received":%d}' % number


def encode_result(result: Any, limit: int) -> bytes:
    """Encode the outcome of a call that succeeded; limit and errors are those of ``encode_data``."""
    return b'{"result":%b}' % encode_data(result, limit)


def encode_failure(code: str, message: str) -> bytes:
    """Encode the outcome of a call or message that failed."""
    return _encode({"error": {"code": code, "message": message}})


def encode_error(error: RequestError) -> bytes:
    """Encode the body of the answer to a request that is refused."""
    return _encode({"error": {"code": error.code, "message": error.message, **error.details()}})


def encode_object(fields: dict[str, Any]) -> bytes:
    """Encode any other object of the wire, such as the answer to ``connect``."""
    return _encode(fields)
