"""Answers an operator's questions about the clients of all servers that share the queue.

For example, an operator asks server one for "ada", and there are servers two and three:

    one         search("ada")    searches its own clients, and sends ``Search("ada")`` to two and three
    two, three                   each answers with its own clients that match, as JSON
    one                          answers with the newest of all, and the names of servers without an answer

A client is with one server at a time. If its server has just ended, it is with no server until its page polls
again; meanwhile only the queue knows it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import msgspec

from thywill.core.client_filter import ClientFilter
from thywill.core.nearest import hint
from thywill.errors import NotFound
from thywill.hub.directory import Directory
from thywill.monitoring.census import COUNTED_PER_TURN
from thywill.monitoring.lookup import CHANNELS, SHOWN, describe, search
from thywill.monitoring.watch import Watch
from thywill.queue.base import KnownClient


class Search(msgspec.Struct, tag=True):
    """Asks which clients match a text."""

    text: str


class Describe(msgspec.Struct, tag=True):
    """Asks for everything that is known about a client."""

    client: str


class List(msgspec.Struct, tag=True):
    """Asks for the records of the wanted clients."""

    wanted: ClientFilter


NAME_SHOWN = 100
"""How many characters of an application's name an error repeats."""
Question = Search | Describe | List


class Cluster:
    """Asks this server, and all others that share its queue.

    Args:
        watch: returns the view of this server.
    """

    def __init__(self, watch: Callable[[], Watch]) -> None:
        self._watch = watch

    async def search(self, text: str) -> dict[str, Any]:
        """Return the newest clients that match ``text``, and the number of all that match.

        See ``lookup.search``.

        ``silent`` has the names of the servers that have not answered.
        """
        found, silent = await self._ask(Search(text))
        clients = sorted((each for one in found for each in one["clients"]), key=lambda each: each["age"])
        return {
            "clients": clients[:SHOWN],
            "found": sum(one["found"] for one in found),
            "all": sum(one["all"] for one in found),
            "silent": silent,
        }

    async def describe(self, client_id: str) -> dict[str, Any] | None:
        """Return everything that is known about a client, or None if nothing is known.

        Raises:
            Unavailable: the client is with no server, and the queue cannot be read at present.
        """
        answers, _ = await self._ask(Describe(client_id))
        known = [each for each in answers if each is not None]
        moves = sorted((move for each in known for move in each["moves"]), key=lambda move: -move["ago"])
        for each in known:
            if each["state"] != "gone":
                return {**each, "moves": moves}
        stored = await self._watch().engine.queue.stored_client(client_id)
        if stored is not None:
            return {**_described(stored), "moves": moves}
        return {**known[0], "moves": moves} if known else None

    async def disconnect(self, client_id: str, reason: str) -> bool:
        """End a client of any server; return whether there was such a client.

        Args:
            client_id: the client's id.
            reason: a sentence that the client's page gets.

        Raises:
            Unavailable: the client is not with this server, and the queue cannot be read at present.
        """
        engine = self._watch().engine
        here = engine.directory.clients.get(client_id)
        if here is not None:
            engine.actions.disconnect(here, reason)
        elif await engine.queue.stored_client(client_id) is None:
            return False
        else:
            engine.queue.end_client(client_id, reason)
        return True

    async def records(self, wanted: ClientFilter) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the records of the wanted clients, the last seen first, and the names of silent servers.

        Raises:
            NotFound: there is no application of the wanted name.
        """
        found, silent = await self._ask(List(wanted))
        records = sorted((each for one in found for each in one), key=lambda each: -each["seen"])
        if not records and wanted.application is not None:
            self._check_application(wanted.application)
        return records[: wanted.limit], silent

    def _check_application(self, name: str) -> None:
        known = self._watch().engine.applications.pages()
        if name not in known:
            shown = name[:NAME_SHOWN]
            raise NotFound(f"there is no application {shown!r}{hint(shown, known)}")

    async def _ask(self, question: Question) -> tuple[list[Any], list[str]]:
        """Return the answers of all servers, this server's first, and the names of silent servers."""
        queue = self._watch().engine.queue
        own, others = await asyncio.gather(self._own(question), queue.ask_servers(_encode(question)))
        return [own, *(msgspec.json.decode(body) for body in others.bodies)], list(others.silent)

    async def answer(self, question: bytes) -> bytes:
        """Return the answer of this server to a question of another server; both are JSON."""
        return _encode(await self._own(_decode(question)))

    async def _own(self, question: Question) -> Any:
        watch = self._watch()
        if isinstance(question, Search):
            return await search(watch.engine.directory, question.text)
        if isinstance(question, Describe):
            return describe(watch, question.client)
        return await _records(watch.engine.directory, question.wanted)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Question).decode


async def _records(directory: Directory, wanted: ClientFilter) -> list[dict[str, Any]]:
    """Return the records of this server's clients that are wanted; each slice takes one turn of the loop."""
    clients, now = list(directory.clients.values()), time.time()
    found = []
    for first in range(0, len(clients), COUNTED_PER_TURN):
        records = (client.record() for client in clients[first : first + COUNTED_PER_TURN])
        found += [record for record in records if wanted.fits(record, now)]
        await asyncio.sleep(0)
    found.sort(key=lambda record: -record.seen)
    # Copied: the answer may wait for other servers, while hooks change the data.
    return [
        msgspec.structs.asdict(record) | {"data": deepcopy(record.data)} for record in found[: wanted.limit]
    ]


def _described(stored: KnownClient) -> dict[str, Any]:
    record = stored.record
    return {
        "id": record.id,
        "application": record.application,
        "address": record.address,
        "state": record.state,
        "transport": record.transport,
        "age": max(round(time.time() - record.created), 0),
        "queued": None,
        "session": record.session,
        "user_agent": record.user_agent,
        "seen": None,
        "server": "",
        "bytes": None,
        "given": None,
        "oldest": None,
        "cursor": stored.cursor,
        "received": stored.received,
        "pending": stored.received - stored.handled,
        "channels": stored.channels[:CHANNELS],
        "more_channels": max(len(stored.channels) - CHANNELS, 0),
    }
