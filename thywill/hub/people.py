"""The data that applications keep for people: a dict for each browser's session.

All clients of a session have the same dict, and nothing reports a change in it. So a dict that was asked for
is compared with its last saved text for some seconds, and once more when the session has no client any more.
An example:

     0.0 s   a hook asks for the person of session "s": {"name": "Ada"} is read from its saved text
     0.2 s   the hook sets the name to "Eve"
     0.5 s   ``changes`` finds that the dict differs, and returns a row, which is saved
    60.0 s   the last client of "s" is gone: the dict is dropped, and its text stays

If a dict is no JSON or too large it is not saved, and its last saved text stays.

Several servers may keep the same people in one database. Each server reads the rows that others have saved
(``take``) and merges them into its open dicts, key by key; keys that hooks have changed here keep their
values.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import Any

from thywill.core.person import StoredPerson, public_id
from thywill.core.record import decode_data, encode_data

log = logging.getLogger("thywill.hub")

COMPARED_FOR = 10.0
"""Seconds for which a dict is compared after it was asked for."""
CHECKED_PER_CALL = 2000
"""How many open dicts one call checks, to drop those of sessions that have ended."""
DAY = 86_400.0


class People:
    """The people of all applications.

    Args:
        most: how many people are kept; beyond it, the person whom no hook has asked for longest is forgotten.
        size: bytes of JSON that one person may have.
        age: seconds after which a person whom no hook has asked for is forgotten.

    ``follow`` reads the rows that other servers have saved; the part that saves people sets it.
    """

    def __init__(self, most: int = 100_000, size: int = 4096, age: float = 90 * DAY) -> None:
        self.most = most
        self.size = size
        self.age = age
        self._saved: dict[str, StoredPerson] = {}
        self._open: dict[str, dict[str, Any]] = {}
        self._asked: dict[str, float | None] = {}
        self._refused: set[str] = set()
        self.follow: Callable[[], Awaitable[None]] = _nothing

    def __len__(self) -> int:
        return len(self._saved)

    def load(self, rows: Iterable[StoredPerson]) -> None:
        """Take the saved rows, the oldest first, when the server starts."""
        self._saved = {row.session: row for row in rows}

    @property
    def latest(self) -> float:
        """When the last saved row was saved, in seconds since the epoch; 0 if there is none."""
        return next(reversed(self._saved.values())).seen if self._saved else 0.0

    def take(self, rows: Iterable[StoredPerson]) -> None:
        """Take rows that other servers have saved, the oldest first."""
        for row in rows:
            old = self._saved.get(row.session)
            if old == row:
                continue
            own, before = self._open.get(row.session), "{}" if old is None else old.data
            if own is not None and row.data != before:
                _merge(own, decode_data(before), decode_data(row.data))
            self.saved([row])

    def of(self, session: str) -> dict[str, Any]:
        """Return the dict of ``session``; the caller may change it."""
        found = self._open.get(session)
        if found is None:
            saved = self._saved.get(session)
            found = self._open[session] = decode_data(saved.data) if saved else {}
        self._asked[session] = None
        return found

    def changes(self, is_alive: Callable[[str], bool], now: float) -> list[StoredPerson]:
        """Return the rows that have to be saved.

        Args:
            is_alive: returns whether a session has a client.
            now: seconds since the epoch.
        """
        rows = [row for session in self._watched(now) if (row := self._changed(session, now))]
        return rows + self._close(is_alive, now)

    def saved(self, rows: Iterable[StoredPerson]) -> None:
        """Remember rows that the database has now."""
        for row in rows:
            self._saved.pop(row.session, None)
            self._saved[row.session] = row

    def excess(self, now: float) -> list[str]:
        """Forget people who are too old or too many; return their sessions."""
        gone: list[str] = []
        for session, row in self._saved.items():
            if row.seen > now - self.age and len(self._saved) - len(gone) <= self.most:
                break
            gone.append(session)
        for session in gone:
            del self._saved[session]
        return gone

    def _watched(self, now: float) -> list[str]:
        for session, asked in list(self._asked.items()):
            if asked is None:
                self._asked[session] = now
            elif asked < now - COMPARED_FOR:
                del self._asked[session]
        return list(self._asked)

    def _close(self, is_alive: Callable[[str], bool], now: float) -> list[StoredPerson]:
        rows = []
        for session in list(islice(self._open, CHECKED_PER_CALL)):
            data = self._open.pop(session)
            if session in self._asked or is_alive(session):
                self._open[session] = data  # at the end, so that the next call checks others
                continue
            self._open[session] = data
            if row := self._changed(session, now):
                rows.append(row)
                self._asked[session] = now  # dropped when it is saved
            else:
                del self._open[session]
                self._refused.discard(session)
        return rows

    def _changed(self, session: str, now: float) -> StoredPerson | None:
        old = self._saved.get(session)
        text = self._encoded(session)
        if text is None or (old is None and text == "{}"):
            return None
        if old is not None and old.data == text and now - old.seen < DAY:
            return None
        return StoredPerson(session, text, now)

    def _encoded(self, session: str) -> str | None:
        try:
            text = encode_data(self._open[session])
            problem = f"it has {len(text)} bytes, and may have {self.size}" if len(text) > self.size else ""
        except Exception as error:  # noqa: BLE001 - an application may put anything there
            problem = f"it is not JSON: {error}"
        if not problem:
            return text
        if session not in self._refused:
            self._refused.add(session)
            log.error("the person %s cannot be saved: %s", public_id(session), problem)
        return None


async def _nothing() -> None:
    """Do nothing: no other server saves people."""


def _merge(own: dict[str, Any], before: dict[str, Any], others: dict[str, Any]) -> None:
    """Merge ``others`` into ``own``; keys that were changed here since ``before`` keep their values."""
    changed = {key: value for key, value in own.items() if key not in before or before[key] != value}
    merged = {key: value for key, value in others.items() if key in own or key not in before}
    own.clear()
    own.update(merged | changed)
