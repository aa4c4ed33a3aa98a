"""What thywill needs of each kind of database beyond Peewee."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import peewee

QUIET = 30.0
"""After so many seconds without use a connection is tested first: a firewall may have cut it."""

MIGRATING = 60
"""Seconds to wait while another server migrates the schema."""

HOUR = 3600

Transaction = Callable[[], AbstractContextManager[None]]
"""Begins a transaction for a ``with`` block, which is committed only while this server owns the database."""


class Backend(peewee.Database):
    """A Peewee database that can name itself, explain its errors and migrate its schema.

    All methods but ``label`` and ``conflict_target`` block, and are called in the database's thread.
    """

    undoes_schema: ClassVar[bool] = True
    """Whether a migration that fails is undone completely."""

    share_lock: ClassVar[str] = ""
    """What a SELECT needs at its end to keep others from changing its rows until the transaction ends."""

    holds_lock: bool = False
    """Whether a lock of the operating system keeps other servers away, which ends with this process."""

    joins_rows: ClassVar[bool] = False
    """Whether the driver puts many rows into one statement, no more than the server accepts."""

    @property
    def label(self) -> str:
        """The name of the database in the log, never with its password."""
        return str(self.database)

    def prepare(self) -> None:
        """Create what has to exist before the first connection.

        Raises:
            OSError: it cannot be created.
        """

    def files(self) -> list[Path]:
        """Return the files on this machine that hold the data."""
        return []

    def usable(self) -> bool:
        """Tell whether the open connection still reaches the database."""
        return True

    def take_lock(self) -> bool | None:
        """Take the lock of the operating system, if the database has one.

        Returns:
            True if this process holds it, False if another one does, None if the database has no such lock.
        """
        return None

    def release_lock(self) -> None:
        """Release that lock."""

    def is_wrong_server(self, error: Exception) -> bool:
        """Tell whether ``error`` says that this server takes no writes any more: the connection is useless.

        After a planned failover the old server still answers, but only reads.
        """
        return False

    def lacks_table(self, error: Exception) -> bool:
        """Tell whether ``error`` says that a table does not exist."""
        return False

    def explain(self, error: Exception) -> str:
        """Return what is wrong and what to do, as words that follow the label in a sentence."""
        return f"cannot be used: {one_line(str(error))}"

    def reason(self, error: Exception) -> str:
        """Return in one line why the database did not do what it was asked."""
        text = one_line(str(error))
        if self.lacks_table(error):
            return f"{self.label} lacks a table ({text}): restart the server, which creates it empty"
        if isinstance(error, peewee.IntegrityError):
            return f"{self.label} contradicts the server ({text}): end other programs that write there"
        return self.failure(error)

    def failure(self, error: Exception) -> str:
        """Return in one line why the database is not available."""
        return f"{self.label} {self.explain(error)}"

    def refusal(self, row: Sequence[Any]) -> str | None:
        """Return why this row can never be stored, if the driver cannot tell that from a failure."""
        return None

    def conflict_target(self, *columns: Any) -> list[Any]:
        """Return the columns whose conflict makes an upsert update, for Peewee's ``conflict_target``."""
        return list(columns)

    def patient(self) -> Backend:
        """Return a database whose connection allows statements to take long, for migrations."""
        return self

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """Keep other servers from changing the schema during the ``with`` block."""
        # The one transaction makes a second server that starts at the same time wait, instead of applying
        # the same script.
        with self.atomic():
            yield


class ServerBackend(Backend):
    """A database behind a network; its connection may be lost at any time."""

    _used = 0.0

    def link(self) -> Any:
        """Return the driver's connection object."""
        return self.connection()  # type: ignore[no-untyped-call]

    def is_alive(self) -> bool:
        """Tell whether the driver considers its connection open."""
        raise NotImplementedError

    def descriptor(self) -> int:
        """Return the file descriptor of the connection."""
        raise NotImplementedError

    def usable(self) -> bool:
        """Tell whether the connection is open; the server is asked, in a round trip, only if in doubt."""
        now = time.monotonic()
        idle, self._used = now - self._used, now
        if not self.is_alive():
            return False
        # No statement is in progress, so whatever can be read is the end of the connection, or a notice.
        return (idle < QUIET and not _is_readable(self.descriptor())) or self._answers()

    def rollback(self) -> None:
        """Roll back, unless the connection is lost: then the transaction is too."""
        # On a lost connection it would raise an error that hides the reason of the loss.
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
