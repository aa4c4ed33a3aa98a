"""Measures how long the database takes, for the metrics."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from thywill.core.histogram import Histogram
from thywill.database.backend import Backend
from thywill.database.clients import ClientTable
from thywill.database.lease import Lease
from thywill.database.thread import DatabaseThread

P = ParamSpec("P")
T = TypeVar("T")


TABLES: dict[type, str] = {ClientTable: "clients", Lease: "lease"}


class TimedThread(DatabaseThread):
    """A database thread that measures how long its callers waited.

    ``times`` has a histogram for each operation, such as ``clients write``.
    """

    def __init__(self, database: Backend, migrations: Path, *, refuse: bool = False) -> None:
        super().__init__(database, migrations, refuse=refuse)
        self.times: defaultdict[str, Histogram] = defaultdict(Histogram)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        begun = time.monotonic()
        try:
            return await super().run(function, *args, **kwargs)
        finally:
            self.times[_name(function)].observe(time.monotonic() - begun)


def _name(function: Callable[..., object]) -> str:
    table = TABLES.get(type(getattr(function, "__self__", None)), "messages")
    return f"{table} {getattr(function, '__name__', 'other')}"
