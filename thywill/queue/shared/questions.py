"""Questions to the other servers. Questions and answers are notes that the store carries.

    server one     ask        sends the note [ASK, "one", 7, question] to two and three
    server two     received   answers with the note [ANSWER, "two", 7, answer] to one
    server one                returns the answer of two, and the name of three, which did not answer in time

A note is not stored, so it may get lost. The asking server waits only some seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from thywill.queue.base import Answers
from thywill.queue.shared.base import SharedStore, StoreUnavailable
from thywill.queue.shared.tasks import end

log = logging.getLogger(__name__)

ANSWER_TIMEOUT = 3.0
"""Seconds that the other servers have to answer."""
ASK, ANSWER, RELAYED = 0, 1, 2


class Note(msgspec.Struct, array_like=True):
    """A note from one server to another; ``number`` tells to which question an answer belongs.

    Notes of the kind ``RELAYED`` are for ``relay.py``.
    """

    kind: int
    server: str
    number: int
    body: bytes


@dataclass
class _Asked:
    silent: set[str]
    answers: list[bytes] = field(default_factory=list)
    complete: asyncio.Event = field(default_factory=asyncio.Event)


class Questions:
    """Asks the other servers, and answers their questions.

    Args:
        store: carries the notes.
        name: the name of this server.
        answer: returns the answer of this server to a question.
        relayed: called with a note for ``relay.py``, and with the name of the server that sent it.
        patience: seconds that the other servers have to answer.
    """

    def __init__(
        self,
        store: SharedStore,
        name: str,
        answer: Callable[[bytes], Awaitable[bytes]],
        relayed: Callable[[str, bytes], None] = lambda server, note: None,
        patience: float = ANSWER_TIMEOUT,
    ) -> None:
        self._store = store
        self._name = name
        self._answer = answer
        self._relayed = relayed
        self._patience = patience
        self._asked: dict[int, _Asked] = {}
        self._last = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Stop answering questions."""
        await end(self._tasks)

    async def ask(self, question: bytes) -> Answers:
        """Return the answers of the other live servers, and the names of those that did not answer."""
        with suppress(StoreUnavailable):
            servers = [each.row.name for each in await self._store.servers()]
            return await self._ask([name for name in servers if name != self._name], question)
        return Answers((), ())

    async def _ask(self, others: list[str], question: bytes) -> Answers:
        self._last += 1
        number, asked = self._last, _Asked(set(others))
        if not others:
            return Answers((), ())
        self._asked[number] = asked
        try:
            note = encode_note(Note(ASK, self._name, number, question))
            await self._store.send([(other, note) for other in others])
            with suppress(TimeoutError):
                await asyncio.wait_for(asked.complete.wait(), self._patience)
        finally:
            del self._asked[number]
        return Answers(tuple(asked.answers), tuple(sorted(asked.silent)))

    def received(self, text: bytes) -> None:
        """Take a note from another server."""
        try:
            note = _decode(text)
        except msgspec.MsgspecError as error:
            log.warning("a note cannot be read; the server that sent it may have another version: %s", error)
            return
        if note.kind == ASK:
            task = asyncio.get_running_loop().create_task(self._reply(note))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif note.kind == RELAYED:
            self._relayed(note.server, note.body)
        elif (asked := self._asked.get(note.number)) is not None and note.server in asked.silent:
            asked.silent.remove(note.server)
            asked.answers.append(note.body)
            if not asked.silent:
                asked.complete.set()

    async def _reply(self, note: Note) -> None:
        try:
            answer = await self._answer(note.body)
            reply = encode_note(Note(ANSWER, self._name, note.number, answer))
            await self._store.send([(note.server, reply)])
        except StoreUnavailable:
            return
        except Exception:
            log.exception("a question of the server %s could not be answered", note.server)


encode_note = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Note).decode
