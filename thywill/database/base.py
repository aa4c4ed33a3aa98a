"""The contract of a database: it stores the records of the clients, and the messages of the durable queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from thywill.component import Component
from thywill.core.changes import Changes, Stored
from thywill.core.person import StoredPerson
from thywill.core.record import ClientRecord, Recorded
from thywill.errors import SettingsError, ThywillError


class DatabaseUnavailable(ThywillError):
    """The database cannot be reached or written at present.

    Saved records are not lost: they wait in a bounded buffer and are retried.

    Args:
        reason: the error of the database, or why it was not tried.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __str__(self) -> str:
        return f"the database is not available: {self.reason}"


class DatabaseContradiction(DatabaseUnavailable):
    """The database answers, but its content contradicts what the server writes.

    A table is missing, or there is a row that only another program can have written.
    """

    def __str__(self) -> str:
        return f"the database refused a write: {self.reason}"


class MessageStore(Protocol):
    """The storage of the durable queue; each method is one transaction.

    Raises:
        DatabaseUnavailable: any method raises it when the transaction failed, or may have failed: if the
            connection broke, nobody knows whether it was committed.
    """

    async def load(self) -> Stored:
        """Return all rows."""
        ...

    async def write(self, changes: Changes) -> None:
        """Write all of ``changes``, or none if it raises. The changes then survive the end of the process."""
        ...

    async def probe(self) -> None:
        """Store a message and delete it again, to find out whether messages can be stored now."""
        ...

    async def trim(self, application: str, up_to: int) -> None:
        """Delete messages of ``application`` up to the id ``up_to``, except those of channels' histories."""
        ...

    async def release(self, application: str, firsts: Mapping[str, int]) -> None:
        """Remove messages from channels' histories, so that they can be trimmed.

        Args:
            application: the application's name.
            firsts: for each channel the first id that stays in its history.
        """
        ...

    async def forget_publications(self, before: float) -> None:
        """Delete publications sent before a time, in seconds since the epoch; their messages stay."""
        ...


class Database(Component):
    """Stores one record for each client, across restarts of the server.

    All methods are called on the event loop, and none blocks it. Saves of one client are stored in order. The
    record of a client that is gone may be deleted after some time.

    Args:
        settings: an instance of ``Settings``.
        folder: the folder for relative file names.

    Raises:
        SettingsError: the settings contradict each other or name something unknown.
    """

    def __init__(self, settings: Any, folder: Path) -> None:
        self.settings = settings
        self.folder = folder

    async def start(self) -> None:
        """Open the database and bring its schema up to date.

        Raises:
            SettingsError: the database cannot be opened, or a newer version of thywill has written it.
        """

    async def stop(self) -> None:
        """Write the saved records, if the database accepts them, and close the database."""

    async def own(self, address: str, patience: float, deposed: Callable[[str], None]) -> None:
        """Become the only server that writes to the database; wait until another one has ended.

        This is called after ``start``. A database that two servers cannot share need not do anything.

        Args:
            address: where this server listens, for people.
            patience: seconds to wait for another server that owns the database.
            deposed: called with a sentence when another server has taken over the database, as happens to a
                server that was suspended. From then on nothing can be written.

        Raises:
            SettingsError: another server still owns the database; the error names that server.
        """

    def messages(self) -> MessageStore:
        """Return the storage of the durable queue, for use between ``start`` and ``stop``.

        Raises:
            SettingsError: this database cannot store messages.
        """
        raise SettingsError(f"[queue]: {type(self).__name__} stores no messages: choose another queue")

    def save(self, client: Recorded) -> None:
        """Store the record of ``client`` soon; return at once, even if the database cannot be reached.

        Several saves of one client become one: ``client.record()`` is called when the batch is written. An
        existing record keeps its ``created``.
        """
        raise NotImplementedError

    async def flush(self) -> None:
        """Return when all records that were saved before this call are stored.

        Raises:
            DatabaseUnavailable: they could not be stored now; they stay in the buffer and are retried.
        """
        raise NotImplementedError

    async def find(self, client_id: str) -> ClientRecord | None:
        """Return the last saved record of a client, stored or not; None if there is none.

        Raises:
            DatabaseUnavailable: the record is not in the buffer and the database does not answer.
        """
        raise NotImplementedError

    async def find_all(
        self, *, state: str | None = None, application: str | None = None, limit: int = 1000
    ) -> list[ClientRecord]:
        """Return the records that match, the most recently seen first.

        Records that were saved before are included, unless the database cannot be written at present.

        Args:
            state: only records in this state.
            application: only records of this application.
            limit: the largest number of records.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        raise NotImplementedError

    async def load_people(self, since: float = 0.0) -> Sequence[StoredPerson]:
        """Return the data that applications keep for people, the earliest seen first.

        Args:
            since: only people seen at or after this time, in seconds since the epoch.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        return ()

    async def save_people(self, rows: Sequence[StoredPerson], gone: Sequence[str]) -> None:
        """Store ``rows``, and delete the rows of the sessions ``gone``; does nothing of this if it raises.

        Raises:
            DatabaseUnavailable: the database cannot be written.
        """

    async def retire(self) -> int:
        """Mark every record as gone, for a server that starts without clients; return how many changed.

        Raises:
            DatabaseUnavailable: the database cannot be written.
        """
        raise NotImplementedError
