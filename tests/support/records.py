"""What tests of databases share: a record, a client that has one, a database that runs for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from thywill.core.record import ClientRecord
from thywill.database.base import Database
from thywill.database.peewee import PeeweeDatabase
from thywill.errors import SettingsError

LASTING = ["sqlite", "mariadb", "postgresql"]
URLS = {"sqlite": "sqlite:///records/test.db", "memory": "sqlite:///:memory:"}
# A present date, since records of gone clients are removed when they are older than the setting `keep`.
NOW = time.time()
RECORD = ClientRecord(
    id="client-1",
    session="session-1",
    application="chat",
    address="2001:db8::1",
    user_agent="Mozilla/5.0",
    transport="longpoll",
    created=NOW - 60.25,
    seen=NOW,
    state="connected",
    data={"name": "Zoë", "rooms": ["lobby", None, 1.5], "nested": {"deep": True}},
)


class Saved:
    """A client with a given record, which counts how often the record was asked for."""

    def __init__(self, record: ClientRecord) -> None:
        self.id = record.id
        self.current = record
        self.asked = 0

    def record(self) -> ClientRecord:
        self.asked += 1
        return self.current


def saved(number: int = 1, **changes: Any) -> Saved:
    return Saved(replace(RECORD, **{"id": f"client-{number}"} | changes))


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return when the condition holds; the test's own time limit ends the wait."""
    while not await condition():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(database: Database) -> AsyncIterator[Database]:
    await database.start()
    try:
        yield database
    finally:
        await database.stop()


async def refusal(database: PeeweeDatabase) -> str:
    """Return the line with which a database refuses to start."""
    with pytest.raises(SettingsError) as caught:
        await database.start()
    assert "\n" not in str(caught.value)
    return str(caught.value)
