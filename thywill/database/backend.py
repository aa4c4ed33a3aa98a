"""What each kind of database adds to Peewee's."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import peewee

QUIET = 30.0
"""Seconds without use after which a connection is tried before it is used: a firewall may have cut it."""

MIGRATING = 60
"""Seconds to wait for another server that is bringing the schema up to date."""

HOUR = 3600


class Backend(peewee.Database):
    """A database of Peewee that knows its name, its faults and how its schema is changed.

    All but ``label`` and ``conflict_target`` blocks, and is called in the database's thread.
    """

    undoes_schema: ClassVar[bool] = True
    """Whether a migration that fails leaves nothing behind."""

    joins_rows: ClassVar[bool] = False
    """Whether the driver itself puts many rows into a statement, no more than the server takes."""

    @property
    def label(self) -> str:
        """What to call the database in a log; never with its password."""
        return str(self.database)

    def prepare(self) -> None:
        """Make what has to be there before the first connection.

        Raises:
            OSError: it cannot be made.
        """

    def usable(self) -> bool:
        """Tell whether the open connection still leads to the database."""
        return True

    def explain(self, error: Exception) -> str:
        """Return what is wrong and what to do, in words that follow the label."""
        return f"cannot be used: {one_line(str(error))}"

    def reason(self, error: Exception) -> str:
        """Return why the database is not available at present, in one line."""
        return f"{self.label} {self.explain(error)}"

    def refusal(self, row: Sequence[Any]) -> str | None:
        """Return why this row can never be stored here, where the driver does not tell it from a failure."""
        return None

    def conflict_target(self, *columns: Any) -> list[Any]:
        """Return the columns that decide what an upsert updates, for Peewee's ``conflict_target``."""
        return list(columns)

    def patient(self) -> Backend:
        """Return a database with a connection for migrations, which may take their time."""
        return self

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """Keep other servers from changing the schema meanwhile."""
        # One transaction around it all makes a second server that starts just now wait, instead of applying
        # the same script too.
        with self.atomic():
            yield


class ServerBackend(Backend):
    """A database behind a network, which comes and goes."""

    _used = 0.0

    def link(self) -> Any:
        """Return the driver's connection."""
        return self.connection()  # type: ignore[no-untyped-call]

    def is_alive(self) -> bool:
        """Tell whether the driver still takes its connection for open."""
        raise NotImplementedError

    def descriptor(self) -> int:
        """Return the file descriptor of the connection."""
        raise NotImplementedError

    def usable(self) -> bool:
        """Look whether the server has closed it; ask it only in doubt, for that takes a round trip."""
        now = time.monotonic()
        idle, self._used = now - self._used, now
        if not self.is_alive():
            return False
        # Nothing is under way, so what can be read is the end, or a notice.
        return (idle < QUIET and not _is_readable(self.descriptor())) or self._answers()

    def rollback(self) -> None:
        """Roll back, unless the connection is lost, and with it the transaction."""
        # It would raise, and hide the reason of the loss.
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
