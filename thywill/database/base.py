"""The contract of a database: it keeps the records of the clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from thywill.component import Component
from thywill.core.changes import Changes, Stored
from thywill.core.record import ClientRecord, Recorded
from thywill.errors import SettingsError, ThywillError


class DatabaseUnavailable(ThywillError):
    """The database cannot be reached or written at present.

    Nothing is lost by it: what was saved waits in a bounded buffer and is tried again.

    Args:
        reason: what the database itself said, or why it was not asked.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __str__(self) -> str:
        return f"the database is not available: {self.reason}"


class MessageStore(Protocol):
    """Where a queue that survives keeps what it has; each method is one transaction.

    Raises:
        DatabaseUnavailable: from any method: it could not be done, or nobody knows whether it was.
    """

    async def load(self) -> Stored:
        """Return everything that is kept."""
        ...

    async def write(self, changes: Changes) -> None:
        """Write ``changes``, all or none of them: afterwards they are safe against the end of the process."""
        ...

    async def trim(self, application: str, up_to: int) -> None:
        """Delete the messages up to the id ``up_to``."""
        ...


class Database(Component):
    """Keeps one record for each client, across restarts of the server.

    No method blocks the event loop, and all are called on it. The order of the saves of one client is kept.
    A record that is gone may be removed after a while.

    Args:
        settings: an instance of ``Settings``.
        folder: where relative file names begin.

    Raises:
        SettingsError: the settings cannot be meant so.
    """

    def __init__(self, settings: Any, folder: Path) -> None:
        self.settings = settings
        self.folder = folder

    async def start(self) -> None:
        """Open the database and bring its schema up to date.

        Raises:
            SettingsError: it cannot be opened, or a newer thywill has written it.
        """

    async def stop(self) -> None:
        """Write what was saved, if the database lets us, and close it."""

    def messages(self) -> MessageStore:
        """Return the store for a queue that survives; it is used between ``start`` and ``stop``.

        Raises:
            SettingsError: this database has none.
        """
        raise SettingsError(f"[queue]: {type(self).__name__} keeps no messages: choose another queue")

    def save(self, client: Recorded) -> None:
        """Have the record of ``client`` stored soon; return at once, whatever the database does.

        Several saves of one client become one: ``client.record()`` is called when the batch is written. The
        ``created`` of a record that is stored already is left as it is.
        """
        raise NotImplementedError

    async def flush(self) -> None:
        """Return when everything that was saved before this call is stored.

        Raises:
            DatabaseUnavailable: it could not be written now; it is kept and tried again.
        """
        raise NotImplementedError

    async def find(self, client_id: str) -> ClientRecord | None:
        """Return the record of one client as it was saved last, stored or not; None where there is none.

        Raises:
            DatabaseUnavailable: the record is not in the buffer, and the database does not answer.
        """
        raise NotImplementedError

    async def find_all(
        self, *, state: str | None = None, application: str | None = None, limit: int = 1000
    ) -> list[ClientRecord]:
        """Return the records that match, those seen last first.

        What was saved before is among them, unless the database cannot be written at present.

        Args:
            state: only records in this state.
            application: only records of this application.
            limit: how many at most.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        raise NotImplementedError

    async def retire(self) -> int:
        """Mark every record as gone, for a start with a queue that forgot all; return how many were not.

        Raises:
            DatabaseUnavailable: the database cannot be written.
        """
        raise NotImplementedError
