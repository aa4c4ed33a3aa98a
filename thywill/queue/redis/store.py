"""The store of a shared queue in Redis 7 or newer, or Valkey.

Every change is made by a function that Redis runs (``library.lua``), so each operation is atomic. A batch
becomes one call for each application, and all calls travel together:

    execute([Accept chat, Append game, Finish chat])
        FCALL thywill_…_execute "thywill:{chat}:" [accept, finish]
        FCALL thywill_…_execute "thywill:{game}:" [append]
        WAITAOF 1 0                                     with ``safe = "disk"``

Calls that block (``read_log``, ``read_inbox``, claims) have connections of their own, since Redis answers the
commands of one connection one after another.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from redis.exceptions import OutOfMemoryError, ResponseError

from thywill.core.history import HistoryMessage
from thywill.errors import Unavailable
from thywill.queue.redis import codec, examination
from thywill.queue.redis.calls import Calls
from thywill.queue.redis.library import FORMAT, Library
from thywill.queue.redis.link import Command, Link
from thywill.queue.redis.options import StoreOptions
from thywill.queue.redis.redis_url import parse
from thywill.queue.redis.safety import Safety
from thywill.queue.shared.base import SharedStore, StoreUnavailable
from thywill.queue.shared.operations import (
    Accept,
    Append,
    Create,
    Operation,
    Outcome,
    Publish,
    SendHistory,
)
from thywill.queue.shared.rows import ClientRow, Election, Heartbeat, InboxEntry, LogEntry, Rewound
from thywill.queue.shared.tasks import begin

log = logging.getLogger(__name__)

CHUNK = 200
"""The most operations in one call: while Redis runs a call, all others wait."""

PAGE = 1000
"""The most entries of a stream, or rows, in one answer."""

RETRY = 1.0
"""Seconds until a broken connection is opened again."""

NEEDING_MEMORY = (Create, Accept, Append, Publish, SendHistory)
"""Operations that are refused while Redis's memory is full. The others free memory, or need hardly any."""


class RedisStore(SharedStore):
    """The store of one server.

    Args:
        options: the address of Redis, and how safe operations have to be.

    Raises:
        SettingsError: the address is malformed.
    """

    def __init__(self, options: StoreOptions) -> None:
        self._prefix = options.prefix
        self._library = Library()
        self._url = parse(options.url)
        self._safety = Safety(options.safe)
        self._calls = Calls()
        self._batches = self._link("batches")
        self._control = self._link("control")
        self._log = self._link("log")
        self._notices = self._link("claims")
        self._inboxes: dict[str, Link] = {}
        self._claimed: Callable[[str], None] | None = None
        self._received: Callable[[bytes], None] | None = None
        self._listener: asyncio.Task[None] | None = None
        self._name = ""
        self._connections = 0
        self._patient_until = 0.0

    def _link(self, name: str) -> Link:
        return Link(self._url, f"thywill-{name}")

    def _base(self, application: str) -> str:
        return f"{self._prefix}:{{{application}}}:"

    @property
    def _servers(self) -> str:
        return f"{self._prefix}:servers"

    @property
    def _libraries(self) -> str:
        return f"{self._prefix}:libraries"

    @property
    def _claims(self) -> str:
        return f"{self._prefix}:claims:"

    @property
    def _notes(self) -> str:
        return f"{self._prefix}:notes:"

    # The server.

    async def start(self, server: Heartbeat) -> None:
        self._name = server.row.name
        for line in await self.warnings():
            log.warning("%s", line)
        await self._load()
        await self._delete_libraries()
        examination.compare(server, await self.servers(), self._prefix)
        self._listen()

    async def warnings(self) -> list[str]:
        return await examination.warnings(self._control, self._url, self._prefix, self._safety)

    async def _load(self) -> None:
        await self._control.call("SET", f"{self._prefix}:format", FORMAT, "NX")
        await self._control.call("FUNCTION", "LOAD", "REPLACE", self._library.source)
        await self._use_library()

    async def _use_library(self) -> None:
        await self._ask("HSET", self._libraries, self._library.name, await self._now())

    async def _delete_libraries(self) -> None:
        """Delete libraries that no server has used for a day; a server that needs one loads it again."""
        found, now = await self._ask("HGETALL", self._libraries), await self._now()
        for name, used in zip(found[::2], found[1::2], strict=True):
            if float(used) < now - FORGET:
                with suppress(ResponseError):  # it was deleted already, or this user may not delete functions
                    await self._control.call("FUNCTION", "DELETE", name)
                await self._ask("HDEL", self._libraries, name)

    async def stop(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener
        with suppress(StoreUnavailable, ResponseError):
            await self._control.call("HDEL", self._servers, self._name)
        for link in (self._batches, self._control, self._log, self._notices, *self._inboxes.values()):
            await link.close()

    def listen(self, claimed: Callable[[str], None], received: Callable[[bytes], None]) -> None:
        self._claimed, self._received = claimed, received
        self._listen()

    def _listen(self) -> None:
        if self._name and self._claimed and self._received and self._listener is None:
            self._listener = begin(self._keep_listening(self._claimed, self._received))

    async def _keep_listening(
        self, claimed: Callable[[str], None], received: Callable[[bytes], None]
    ) -> None:
        claims, notes = self._claims + self._name, self._notes + self._name
        while True:
            try:
                await self._notices.subscribe(claims, notes)
                while True:
                    channel, data = await self._notices.published()
                    if channel == notes.encode():
                        received(data)
                    else:
                        claimed(data.decode())
            except (StoreUnavailable, ResponseError):
                await asyncio.sleep(RETRY)

    async def send(self, notes: Sequence[tuple[str, bytes]]) -> Collection[str]:
        commands = [("PUBLISH", self._notes + name, note) for name, note in notes]
        # The answer is the number of listeners, or an error, for instance if this user may not publish.
        listeners = await self._control.pipeline(commands)
        return {name for (name, _), count in zip(notes, listeners, strict=True) if not _is_heard(count)}

    def _key_of(self, name: str) -> str:
        return f"{self._prefix}:name:{name}"

    async def take_name(self, name: str, server: str, seconds: float, *, instead_of: str = "") -> str:
        arguments = (self._key_of(name), server, instead_of, int(seconds))
        return str((await self._function(self._control, "take_name", *arguments)).decode())

    async def find_name(self, name: str) -> str:
        return (await self._ask("GET", self._key_of(name)) or b"").decode()

    async def drop_name(self, name: str, server: str) -> None:
        await self._function(self._control, "drop_name", self._key_of(name), server)

    async def heartbeat(self, server: Heartbeat, seconds: float) -> None:
        until = await self._now() + seconds
        await self._ask("HSET", self._servers, server.row.name, msgspec.json.encode((until, server)))
        await self._use_library()

    async def servers(self) -> list[Heartbeat]:
        now = await self._now()
        found = await self._ask("HVALS", self._servers)
        beats = [msgspec.json.decode(text, type=tuple[float, Heartbeat]) for text in found]
        for until, server in beats:
            if until < now - FORGET:
                await self._ask("HDEL", self._servers, server.row.name)
        return sorted((each for until, each in beats if until > now), key=lambda each: each.row.name)

    async def _now(self) -> float:
        seconds, microseconds = await self._ask("TIME")
        return int(seconds) + int(microseconds) / 1e6

    async def _ask(self, *command: str | bytes | int | float) -> Any:
        return await self._call(self._control, *command)

    @staticmethod
    async def _call(link: Link, *command: str | bytes | int | float, block: float = 0) -> Any:
        try:
            return await link.call(*command, block=block)
        except ResponseError as error:
            raise StoreUnavailable(f"Redis refuses {command[0]!s}: {error}") from None

    async def problem(self) -> str | None:
        try:
            return await examination.problem(self._control, f"{self._prefix}:probe")
        except StoreUnavailable as error:
            return str(error)

    # Reading.

    async def read_log(self, after: Mapping[str, int], block: float) -> list[LogEntry]:
        if not self._log.is_open and (rewound := await self._compare(self._log, after)):
            return rewound
        self._calls.seen(after)
        names = {f"{self._base(application)}log".encode(): application for application in after}
        positions = [f"{position}-{LAST_OF_ID}" for position in after.values()]
        found = await self._read(self._log, list(names), positions, block)
        return [entry for key, entries in found for entry in codec.decode_log(names[key], entries)]

    async def _compare(self, link: Link, positions: Mapping[str, int]) -> list[LogEntry]:
        """Check whether the Redis behind a new connection has every entry that this server has read.

        If it does not, return a ``Rewound`` for each application with losses: all its clients have ended.
        """
        lost: list[LogEntry] = []
        for application, position in dict(positions).items():  # it may grow meanwhile
            if rewound := int(await self._function(link, "remembers", self._base(application), position)):
                lost.append(Rewound(application, rewound, codec.LOST))
        return lost

    async def read_inbox(self, application: str, after: str, block: float) -> list[InboxEntry]:
        link = self._inboxes.get(application)
        if link is None:
            link = self._inboxes[application] = self._link("inbox")
        key = f"{self._base(application)}inbox".encode()
        found = await self._read(link, [key], [after or "0-0"], block)
        return [entry for _, entries in found for entry in codec.decode_inbox(entries)]

    async def _read(self, link: Link, keys: list[bytes], positions: list[str], block: float) -> list[Any]:
        waits = ("BLOCK", max(1, round(block * 1000))) if block else ()
        command = ("XREAD", "COUNT", PAGE, *waits, "STREAMS", *keys, *positions)
        return await self._call(link, *command, block=block) or []

    async def range(self, application: str, after: int, until: int) -> list[LogEntry]:
        entries: list[LogEntry] = []
        while True:
            key, position = f"{self._base(application)}log", f"({after}-{LAST_OF_ID}"
            found = await self._ask("XRANGE", key, position, f"{until}-{LAST_OF_ID}", "COUNT", PAGE)
            entries += codec.decode_log(application, found)
            if len(found) < PAGE:
                return entries
            after = entries[-1].id

    async def last(self, application: str) -> int:
        return int(await self._ask("GET", f"{self._base(application)}last") or 0)

    async def trimmed(self, application: str) -> int:
        return int(await self._ask("HGET", f"{self._base(application)}state", "trimmed") or 0)

    async def roster(self, application: str) -> list[ClientRow]:
        rows: list[ClientRow] = []
        cursor = b"0"
        base = self._base(application)
        trimmed = await self.trimmed(application)
        while True:
            cursor, found = await self._ask("ZSCAN", f"{base}leases", cursor, "COUNT", PAGE)
            rows += await self._rows(application, found[::2], trimmed)
            if cursor == b"0":
                return list({row.id: row for row in rows if row.connected}.values())

    async def _rows(self, application: str, clients: list[bytes], trimmed: int) -> list[ClientRow]:
        names = [client.decode() for client in clients]
        base = self._base(application)
        answers = await self._control.pipeline([("HGETALL", f"{base}client:{name}") for name in names])
        return [
            codec.decode_stored_row(application, name, fields, trimmed)
            for name, fields in zip(names, answers, strict=True)
            if fields and not isinstance(fields, ResponseError)
        ]

    async def client(self, application: str, client_id: str) -> ClientRow | None:
        trimmed = await self.trimmed(application)
        rows = await self._rows(application, [client_id.encode()], trimmed)
        return rows[0] if rows else None

    async def histories(self, application: str) -> list[tuple[str, HistoryMessage]]:
        base = self._base(application)
        names = await self._ask("ZRANGE", f"{base}silent", 0, -1)
        found: list[tuple[str, HistoryMessage]] = []
        for name in names:
            entries = await self._ask("XRANGE", f"{base}history:".encode() + name, "-", "+")
            found += codec.decode_history(name, entries)
        return found

    # Leading.

    async def elect(
        self, application: str, server: str, seconds: float, *, fence: int = 0, stands: bool = True
    ) -> Election:
        stands = stands and await self._may_be_elected(seconds)
        arguments = (self._base(application), server, seconds, int(stands), fence)
        leader, found = await self._function(self._control, "elect", *arguments)
        return Election(leader.decode(), int(found), leader.decode() == server)

    async def _may_be_elected(self, seconds: float) -> bool:
        """Return whether a lead that seems free may be taken.

        Another Redis may be behind a new connection, which has not heard that the leader has renewed its
        lease. So such a lead is left alone for as long as that lease may last.
        """
        if not self._control.is_open:
            await self._ask("TIME")
        if self._control.opened != self._connections:
            is_first, self._connections = self._connections == 0, self._control.opened
            self._patient_until = 0.0 if is_first else time.monotonic() + seconds
        return time.monotonic() >= self._patient_until

    async def resign(self, application: str, fence: int) -> None:
        await self._function(self._control, "resign", self._base(application), fence)

    async def _function(self, link: Link, name: str, key: str, *arguments: str | float) -> Any:
        command = ("FCALL", self._library.function(name), 1, key, *arguments)
        try:
            return await link.call(*command)
        except ResponseError as error:
            if not _is_missing(error):
                raise StoreUnavailable(f"Redis refuses the queue's function {name}: {error}") from None
        await self._load()
        return await self._call(link, *command)

    # Operations.

    async def execute(self, operations: Sequence[Operation]) -> list[Outcome]:
        outcomes: list[Outcome] = [None] * len(operations)
        parts = _parts(operations)
        answers = await self._execute(operations, parts, "execute")
        full: list[int] = []
        for part, answer in zip(parts, answers, strict=True):
            if isinstance(answer, OutOfMemoryError):
                full += part
            else:
                self._fill(outcomes, operations, part, answer)
        if full:
            await self._execute_in_full_memory(outcomes, operations, full)
        return outcomes

    async def _execute(
        self, operations: Sequence[Operation], parts: Sequence[Sequence[int]], function: str
    ) -> list[Any]:
        chosen = [[operations[index] for index in part] for part in parts]
        answers = await self._send(chosen, function)
        if any(_is_missing(answer) for answer in answers):
            await self._load()
            answers = await self._send(chosen, function)
        return answers

    async def _send(self, parts: Sequence[Sequence[Operation]], function: str) -> list[Any]:
        """Send each part as one call; return the answers."""
        if not self._batches.is_open:  # if Redis has lost a batch, its repeat would send messages twice
            await self._compare(self._batches, self._calls.positions)
        numbers = [self._calls.next(part[0].application) for part in parts]
        commands = [self._command(*each, function) for each in zip(parts, numbers, strict=True)]
        answers = await self._batches.pipeline([*commands, *self._safety.commands])
        self._safety.check(answers[len(commands) :])
        for part, (_, number, *_), answer in zip(parts, numbers, answers, strict=False):
            if not isinstance(answer, ResponseError):
                self._calls.answered(part[0].application, int(number), part)
        return answers[: len(commands)]

    def _command(self, operations: Sequence[Operation], number: Command, function: str) -> Command:
        base = self._base(operations[0].application)
        packed = codec.encode_operations(operations)
        return ("FCALL", self._library.function(function), 1, base, packed, self._claims, *number)

    @staticmethod
    def _fill(
        outcomes: list[Outcome], operations: Sequence[Operation], part: Sequence[int], answer: Any
    ) -> None:
        if isinstance(answer, ResponseError):
            raise StoreUnavailable(f"Redis refuses the queue's function: {answer}", unsure=True)
        chosen = [operations[index] for index in part]
        for index, outcome in zip(part, codec.decode_outcomes(chosen, answer), strict=True):
            outcomes[index] = outcome

    async def _execute_in_full_memory(
        self, outcomes: list[Outcome], operations: Sequence[Operation], indexes: Sequence[int]
    ) -> None:
        """Execute the operations that need hardly any memory, and refuse the others."""
        small = [index for index in indexes if not isinstance(operations[index], NEEDING_MEMORY)]
        for index in indexes:
            outcomes[index] = Unavailable("Redis has no memory left (maxmemory)", retry=RETRY)
        parts = [[small[index] for index in part] for part in _parts([operations[p] for p in small])]
        for part, answer in zip(parts, await self._execute(operations, parts, "free"), strict=True):
            self._fill(outcomes, operations, part, answer)


LAST_OF_ID = 0
"""The second part of the log's ids in Redis, which are ``N-0``."""

FORGET = 86400.0
"""Seconds after which the row of a dead server, and a library that no server uses, is deleted."""


def _parts(operations: Sequence[Operation]) -> list[list[int]]:
    """Return the indices of the operations of each application, in pieces of ``CHUNK``."""
    indexes: dict[str, list[int]] = defaultdict(list)
    for index, operation in enumerate(operations):
        indexes[operation.application].append(index)
    return [each[at : at + CHUNK] for each in indexes.values() for at in range(0, len(each), CHUNK)]


def _is_heard(listeners: int | ResponseError) -> bool:
    # Two listeners: the connection of one is broken, and Redis has not noticed it yet.
    return isinstance(listeners, int) and listeners > 0


def _is_missing(answer: object) -> bool:
    """Return whether Redis has lost the library, as after FUNCTION FLUSH."""
    return isinstance(answer, ResponseError) and "Function not found" in str(answer)
