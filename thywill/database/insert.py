"""Inserts many rows with few statements. It blocks and runs in the database's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import peewee

from thywill.database.backend import Backend

VALUES = 999
"""The largest number of values in one statement that an old SQLite accepts."""

Complete = Callable[[Any], Any]


class Insert:
    """Inserts rows into one table, as many with each statement as the database accepts.

    SQLite's driver releases the interpreter lock in each statement, and the event loop has to wait each time
    when the driver takes the lock again. So there are few statements, and Peewee builds their SQL only once.

    Args:
        database: the database with the table.
        model: the model of the table.
        columns: the columns, in the order of a row's values.
        complete: adds to the query how to treat rows that exist already.
    """

    def __init__(self, database: Backend, model: Any, columns: Sequence[Any], complete: Complete) -> None:
        self._database = database
        self._model = model
        self._columns = columns
        self._complete = complete
        self._statements: dict[int, str] = {}
        self.together = VALUES // len(columns)

    def __call__(self, rows: Sequence[Sequence[Any]]) -> None:
        """Insert ``rows`` in the open transaction.

        Raises:
            PeeweeException: the database refuses or fails.
        """
        whole = 0 if self._database.joins_rows else len(rows) - len(rows) % self.together
        cursor: Any = self._database.cursor()  # type: ignore[no-untyped-call]
        with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
            for start in range(0, whole, self.together):
                together = rows[start : start + self.together]
                cursor.execute(self._statement(together), [value for row in together for value in row])
            if whole < len(rows):
                cursor.executemany(self._statement(rows[:1]), rows[whole:])

    def _statement(self, rows: Sequence[Sequence[Any]]) -> str:
        statement = self._statements.get(len(rows))
        if statement is None:
            query = self._complete(self._model.insert_many(rows, fields=self._columns))
            statement = self._statements[len(rows)] = query.sql()[0]
        return statement
