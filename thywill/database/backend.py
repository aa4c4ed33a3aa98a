"""What each kind of database adds to Peewee's class for it."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import peewee

QUIET = 30.0
"""Seconds without use after which a connection is tested first: a firewall may have cut it."""

MIGRATING = 60
"""Seconds to wait while another server migrates the schema."""

IDLE = 5
"""Seconds for which a transaction may stand still before the database server ends it. Each holds the row of
the lease, and that of a suspended server would hold it for ever. This is shorter than ``lease.SILENCE``."""

HOUR = 3600

Transaction = Callable[[], AbstractContextManager[None]]
"""Begins a transaction for a ``with`` block; it is committed only if this server owns the database."""


class Backend(peewee.Database):
    """A Peewee database that can name itself, explain its errors and migrate its schema.

    All methods but ``label`` and ``conflict_target`` block, and are called in the database's thread.
    """

    undoes_schema: ClassVar[bool] = True
    """Whether a migration that fails is undone completely."""

    share_lock: ClassVar[str] = ""
    """The end of a SELECT that keeps others from changing its rows until the transaction ends."""

    holds_lock: bool = False
    """Whether this process holds a lock of the operating system that keeps other servers away."""

    joins_rows: ClassVar[bool] = False
    """Whether the driver itself puts many rows into one statement, as many as the server accepts."""

    @property
    def label(self) -> str:
        """The name of the database in the log, without its password."""
        return str(self.database)

    def prepare(self) -> None:
        """Create what has to exist before the first connection, such as a folder.

        Raises:
            OSError: it cannot be created.
        """

    def files(self) -> list[Path]:
        """Return the files on this machine that hold the data."""
        return []

    def usable(self) -> bool:
        """Return whether the open connection still reaches the database."""
        return True

    def take_lock(self) -> bool | None:
        """Take the lock of the operating system, if the database has one.

        Returns:
            True if this process holds the lock, False if another one does, None if the database has no such
            lock.
        """
        return None

    def release_lock(self) -> None:
        """Release the lock of the operating system."""

    def is_wrong_server(self, error: Exception) -> bool:
        """Return whether ``error`` says that this server accepts no writes, so that the connection is
        useless.

        After a planned failover the old server still answers, but only reads.
        """
        return False

    def lacks_table(self, error: Exception) -> bool:
        """Return whether ``error`` says that a table does not exist."""
        return False

    def explain(self, error: Exception) -> str:
        """Return what is wrong and what to do, as a phrase that follows the label."""
        return f"cannot be used: {one_line(str(error))}"

    def reason(self, error: Exception) -> str:
        """Return in one line why the database refused or failed."""
        text = one_line(str(error))
        if self.lacks_table(error):
            return f"{self.label} lacks a table ({text}): restart the server, which creates it empty"
        if isinstance(error, peewee.IntegrityError):
            return f"{self.label} has rows of another program ({text}): end other programs that write there"
        return self.failure(error)

    def failure(self, error: Exception) -> str:
        """Return in one line why the database is not available."""
        return f"{self.label} {self.explain(error)}"

    def refusal(self, row: Sequence[Any]) -> str | None:
        """Return why this row can never be stored; for drivers that report it like any failure."""
        return None

    def conflict_target(self, *columns: Any) -> list[Any]:
        """Return Peewee's ``conflict_target``: the columns by which an upsert finds an existing row."""
        return list(columns)

    def patient(self) -> Backend:
        """Return a database whose connection allows statements to take long, for migrations."""
        return self

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """Keep other servers from changing the schema during the ``with`` block."""
        # One transaction: a second server that starts at the same time waits, and does not apply the same
        # script.
        with self.atomic():
            yield


class ServerBackend(Backend):
    """A database behind a network; its connection may be lost at any time."""

    _used = 0.0

    def link(self) -> Any:
        """Return the driver's connection object."""
        return self.connection()  # type: ignore[no-untyped-call]

    def is_alive(self) -> bool:
        """Return whether the driver considers its connection open."""
        raise NotImplementedError

    def descriptor(self) -> int:
        """Return the file descriptor of the connection."""
        raise NotImplementedError

    def usable(self) -> bool:
        """Return whether the connection is open; only in doubt this needs a round trip to the server."""
        now = time.monotonic()
        idle, self._used = now - self._used, now
        if not self.is_alive():
            return False
        # No statement is running, so if bytes can be read the connection has ended, or there is a notice.
        return (idle < QUIET and not _is_readable(self.descriptor())) or self._answers()

    def rollback(self) -> None:
        """Roll back, unless the connection is lost: then the transaction is lost, too."""
        # On a lost connection a rollback would raise an error that hides the reason of the loss.
        if self.is_alive():
            super().rollback()

    def _answers(self) -> bool:
        try:
            self.execute_sql("SELECT 1")  # type: ignore[no-untyped-call]
        except peewee.PeeweeException:
            return False
        return True


def one_line(text: str) -> str:
    """Return ``text`` without the line breaks that some drivers put into their errors."""
    return " ".join(text.split())


def _is_readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
