"""Encodes operations for the functions in Redis, and decodes answers, log entries and rows.

A batch of operations is packed with MessagePack, and so are its answers. Redis's MessagePack has texts, but
no bytes. So messages travel as JSON, and so do names of channels and reasons, which may not be valid UTF-8.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import count, pairwise, takewhile
from typing import Any

import msgspec

from thywill.core.history import HistoryBounds, HistoryMessage
from thywill.core.message import PACK, Address, Message
from thywill.core.overflow import Overflow
from thywill.errors import Conflict, Gap, Gone, Reused, TooMany, Unavailable
from thywill.queue.shared.histories import sent_at
from thywill.queue.shared.operations import (
    Accept,
    Accepted,
    Append,
    Claim,
    Create,
    Depart,
    Discard,
    Drop,
    Evict,
    Expire,
    Finish,
    Greet,
    Kept,
    NotLeader,
    Operation,
    Outcome,
    Publish,
    Renew,
    Renewed,
    RolledBack,
    SaveData,
    SaveFacts,
    SendHistory,
    SetMember,
    Trim,
    Unknown,
)
from thywill.queue.shared.rows import (
    ClientFacts,
    ClientRow,
    Departure,
    InboxEntry,
    LogEntry,
    Membership,
    Posted,
    Rewound,
    Trimming,
    decode_facts,
    encode_facts,
)

ANY = -1
"""Stands for the fence of an operation that any server may execute."""

PIECE = 64
"""The most bytes of a field in the compact form of a hash (``hash-max-listpack-value``)."""

NAMES = 10_000
"""How many names of clients and channels are cached in their encoded form."""

AWAY = "this client has left, or its grace time has passed"
BEHIND = "the application has not handled the earlier messages yet"
LOST = "the servers have lost messages, because Redis has an older state: connect again"
WENT_BACK = "this page has messages that the server has lost, because Redis has an older state: connect again"

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode
_text = msgspec.json.Encoder().encode
_quote = lru_cache(maxsize=NAMES)(json.dumps)

Row = list[Any]


class Header(msgspec.Struct, array_like=True):
    """The fields of a message in the log beside its data.

    ``exclude`` is left out if it is None, so that servers of an older version can read such messages.
    """

    kind: str
    name: str
    reply_to: int | None
    key: str | None
    overflow: str | None
    exclude: str | None = None


_header = msgspec.json.Decoder(Header).decode


# Operations.


def encode_operations(operations: Iterable[Operation]) -> bytes:
    """Return a batch for the function ``execute``."""
    return _pack([ROWS[type(operation)](operation) for operation in operations])


def _create(operation: Create) -> Row:
    _, client, server, facts, seconds = operation
    return ["create", ANY, client, server, _pieces(facts), seconds]


def _greet(operation: Greet) -> Row:
    _, client, server, facts, seconds = operation
    return ["greet", ANY, client, server, _pieces(facts), seconds]


def _pieces(facts: ClientFacts) -> list[str]:
    text = encode_facts(facts).decode()
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]


def _accept(operation: Accept) -> Row:
    items = [(item.n, f"{item.digest & 0xFFFFFF:06x}", item.item.decode()) for item in operation.items]
    return ["accept", ANY, operation.client, items, operation.room, operation.seconds]


def _depart(operation: Depart) -> Row:
    return ["depart", ANY, operation.client, json.dumps(operation.reason)]


def _claim(operation: Claim) -> Row:
    return ["claim", ANY, *operation[1:]]


def _renew(operation: Renew) -> Row:
    _, server, clients, lowest, seconds, silent = operation
    return ["renew", ANY, server, clients, -1 if lowest is None else lowest, seconds, silent]


def _discard(operation: Discard) -> Row:
    _, client, server, up_to, ids, lost = operation
    return ["discard", ANY, client, server, up_to, ids, _text(lost).decode()]


def _append(operation: Append) -> Row:
    message = _message(operation.address, operation.message)
    kept = _kept(operation.address, operation.kept)
    return ["append", _fence(operation.fence), *message, *operation.cause, *([kept] if kept else [])]


def _kept(address: Address, kept: Kept | None) -> Row | None:
    if kept is None:
        return None
    return [_quote(address.name), *_bounds(kept.bounds), kept.total]


def _bounds(bounds: HistoryBounds) -> tuple[int, float, int]:
    # 0 stands for an infinite time, which Redis's MessagePack does not have.
    return bounds.count, 0 if math.isinf(bounds.seconds) else bounds.seconds, bounds.bytes


def _message(address: Address, message: Message) -> tuple[str, str]:
    (kind, name), (data, reply_to, key, overflow, exclude) = address, message
    policy = overflow.value if overflow else None
    header = (kind, _quote(name), reply_to, key, policy, *([exclude] if exclude else ()))
    return _text(header).decode(), data.decode()


def _publish(operation: Publish) -> Row:
    kept = operation.kept or [None] * len(operation.messages)
    messages = [
        (*_message(address, message), *((mark.key, mark.digest) if mark else ("", "")), _kept(address, one))
        for (address, message, mark), one in zip(operation.messages, kept, strict=True)
    ]
    cause = operation.cause
    return ["publish", ANY, messages, cause.client, cause.number, max(1, int(operation.age)), operation.check]


def _evict(operation: Evict) -> Row:
    number = -1 if operation.number is None else operation.number
    return ["evict", _fence(operation.fence), operation.client, json.dumps(operation.reason), number]


def _set_member(operation: SetMember) -> Row:
    _, fence, client, channel, enters = operation
    return ["set_member", fence, client, _quote(channel), enters]


def _replay(operation: SendHistory) -> Row:
    _, fence, client, channel, bounds, limit, cause = operation
    header = _text(("client", json.dumps(client), PACK, None, None)).decode()
    return ["replay", fence, client, _quote(channel), *_bounds(bounds), limit, header, *cause]


def _save_facts(operation: SaveFacts) -> Row:
    return ["save_facts", ANY, operation.client, _pieces(operation.facts)]


def _save_data(operation: SaveData) -> Row:
    return ["save_data", operation.fence, operation.data]


def _finish(operation: Finish) -> Row:
    return ["finish", *operation[1:]]


def _drop(operation: Drop) -> Row:
    return ["drop", operation.fence, operation.entries]


def _expire(operation: Expire) -> Row:
    _, fence, limit, grace, reason = operation
    return ["expire", fence, limit, grace, json.dumps(reason)]


def _trim(operation: Trim) -> Row:
    return ["trim", *operation[1:]]


def _fence(fence: int | None) -> int:
    return ANY if fence is None else fence


ROWS: dict[type[Any], Callable[[Any], Row]] = {
    Create: _create,
    Greet: _greet,
    Accept: _accept,
    Depart: _depart,
    Claim: _claim,
    Renew: _renew,
    Discard: _discard,
    Append: _append,
    Publish: _publish,
    Evict: _evict,
    SetMember: _set_member,
    SendHistory: _replay,
    SaveFacts: _save_facts,
    SaveData: _save_data,
    Finish: _finish,
    Drop: _drop,
    Expire: _expire,
    Trim: _trim,
}
"""Returns the row of an operation, by its class."""


# Answers.


def decode_outcomes(operations: Sequence[Operation], answer: bytes) -> list[Outcome]:
    """Return the outcome of each operation of a batch."""
    return [_outcome(*each) for each in zip(operations, _unpack(answer), strict=True)]


def _outcome(operation: Operation, answer: Row) -> Outcome:
    code, *values = answer
    if code:
        return _REFUSALS[code](*values)
    if isinstance(operation, Claim):
        client, fields, trimmed = values
        return decode_row(operation.application, client, _pairs(fields), trimmed)
    if isinstance(operation, Accept):
        return Accepted(*values)
    if isinstance(operation, Renew):
        return Renewed(*values)
    return values[0] if values else None


def _failed(reason: str) -> Outcome:
    return Unavailable(f"Redis has refused: {reason}", retry=1)


_REFUSALS: dict[int, Callable[..., Outcome]] = {
    1: lambda reason: Gone(json.loads(reason) if reason else AWAY),
    2: lambda: Unknown(AWAY),
    3: lambda: RolledBack(WENT_BACK),
    4: lambda: NotLeader("another server leads the application"),
    5: Gap,
    6: Conflict,
    7: lambda: TooMany(BEHIND, retry=1),
    8: _failed,
    9: Reused,
}
"""The outcome for each number at the beginning of ``library.lua``, except OK."""


# Entries and rows.


def decode_log(application: str, entries: Iterable[tuple[bytes, list[bytes]]]) -> list[LogEntry]:
    """Return entries of a stream ``log``."""
    return [_log_entry(application, int(place.partition(b"-")[0]), fields) for place, fields in entries]


def _log_entry(application: str, entry_id: int, fields: list[bytes]) -> LogEntry:
    kind, value = fields[:2]
    if kind == b"m":
        header = _header(value)
        policy = Overflow(header.overflow) if header.overflow else None
        message = Message(fields[3], header.reply_to, header.key, policy, header.exclude)
        return Posted(application, entry_id, Address(header.kind, json.loads(header.name)), message)
    client, text = value.decode(), json.loads(fields[3])
    if kind == b"g":
        return Departure(application, entry_id, client, text)
    if kind == b"x":
        return Rewound(application, entry_id, text)
    if kind == b"t":
        return Trimming(application, entry_id, text)
    return Membership(application, entry_id, client, sys.intern(text), enters=kind == b"+")


def decode_history(
    name: bytes, entries: Iterable[tuple[bytes, list[bytes]]]
) -> list[tuple[str, HistoryMessage]]:
    """Return entries of a stream ``history:CHANNEL``; ``name`` is the channel's name in the key."""
    channel = json.loads(name)
    ids = [(int(place.partition(b"-")[0]), fields[1]) for place, fields in entries]
    return [(channel, HistoryMessage(position, sent_at(position), data)) for position, data in ids]


def decode_inbox(entries: Iterable[tuple[bytes, list[bytes]]]) -> list[InboxEntry]:
    """Return entries of a stream ``inbox``."""
    return [
        InboxEntry(place.decode(), fields[1].decode(), int(fields[3]), fields[5]) for place, fields in entries
    ]


def _pairs(fields: Sequence[Any]) -> dict[Any, Any]:
    return dict(list(pairwise(fields))[::2])


def decode_stored_row(application: str, client: str, fields: Sequence[bytes], trimmed: int) -> ClientRow:
    """Return the row of a client from the fields and values of its hash."""
    values = {name.decode(): value.decode() for name, value in _pairs(fields).items() if name != b"digests"}
    return decode_row(application, client, values, trimmed)


def decode_row(application: str, client: str, fields: dict[str, str], trimmed: int) -> ClientRow:
    """Return the row of a client from the fields of its hash."""
    dropped, _, lost = fields.get("lost", "0 []").partition(" ")
    return ClientRow(
        id=client,
        application=application,
        facts=decode_facts(_whole(fields).encode()),
        server=fields["server"],
        cursor=int(fields["cursor"]),
        received=int(fields["received"]),
        handled=int(fields["handled"]),
        connected=fields["connected"] == "1",
        gone=json.loads(fields["gone"]) if "gone" in fields else None,
        data=fields.get("data"),
        channels={json.loads(name[1:]): int(since) for name, since in fields.items() if name[0] == "#"},
        left=_left(fields.get("left", "[]")),
        trimmed=trimmed,
        dropped=int(dropped),
        lost=[(last, count) for last, count in json.loads(lost)],
    )


def _whole(fields: dict[str, str]) -> str:
    pieces = (fields.get(f"f{place}", "") for place in count(1))
    return "".join(takewhile(bool, pieces))


def _left(text: str) -> list[tuple[str, int, int]]:
    return [(json.loads(channel), int(since), int(until)) for channel, since, until in json.loads(text)]
