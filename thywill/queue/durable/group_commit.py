"""Group commit: one transaction is in flight while the changes for the next one are collected.

A transaction takes as long for one message as for hundreds. So the queue never waits for a timer, and never
writes one message alone while others are ready. An example with three messages of a busy server:

    0 ms   "a" arrives: nothing is in flight, so transaction 1 starts with "a".
    1 ms   "b" and "c" arrive: both go into ``changes``, since transaction 1 is still in flight.
    4 ms   Transaction 1 commits. The callback of "a" runs: "a" is delivered, its ``publish`` returns.
           Transaction 2 starts at once, with "b" and "c" together.

If transaction 1 fails instead, the callback of "a" gets ``Unavailable``, and so do those of "b" and "c": a
browser numbers its messages, so "c" cannot be accepted after "a" was refused. Changes for which nobody waits
(cursors, ended steps, memberships) move into the next transaction, which starts a second later. The database
may have committed transaction 1 although it reported a failure, if the connection broke in between. So the
next transaction first deletes "a": its sender got an error, and may have sent it again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from thywill.core.changes import Changes
from thywill.database.base import DatabaseUnavailable, MessageStore
from thywill.errors import Unavailable
from thywill.hub.ports import Then

log = logging.getLogger(__name__)

SECONDS_PER_TURN = 0.004
"""Seconds for which the callbacks of a transaction run in one turn of the loop."""

RETRY = 1.0
"""Seconds until changes are retried after a failure; a message that comes earlier retries them at once."""


class GroupCommit:
    """Commits everything that is put into ``changes``, in order, and calls callbacks when it is safe.

    ``failing`` is true from the first failed commit until the next one that stores a message. That one also
    stores what is left of the failed commits.

    Args:
        store: the database.
    """

    def __init__(self, store: MessageStore) -> None:
        self.changes = Changes()
        self._store = store
        self._callbacks: list[Then] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self.failing = False
        self._stored_at: float | None = None

    def start(self) -> None:
        """Begin to commit."""
        self._task = asyncio.create_task(self._keep_committing())

    async def stop(self) -> None:
        """Commit the remaining changes, if the database accepts them, and end."""
        if self.changes or self._callbacks:
            self.commit()
        if self._task is None:
            return
        await self._idle.wait()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._cancel_timer()
        if self.changes:
            log.error("the database accepts no writes: the last acknowledgements of browsers are not stored")

    def has_stored_within(self, seconds: float) -> bool:
        """Return whether a message was stored within the last ``seconds``, and no commit has failed since."""
        stored = self._stored_at
        return not self.failing and stored is not None and time.monotonic() - stored < seconds

    def commit(self, then: Then | None = None) -> None:
        """Commit at once; call ``then`` with None when all changes so far are safe, or with the error."""
        if then is not None:
            self._callbacks.append(then)
        self._idle.clear()
        self._wake.set()

    def commit_within(self, seconds: float) -> None:
        """Commit after ``seconds`` at the latest; an earlier commit includes the changes."""
        due = asyncio.get_running_loop().time() + seconds
        if self._wake.is_set() or (self._timer is not None and self._due <= due):
            return
        self._cancel_timer()
        self._due = due
        self._timer = asyncio.get_running_loop().call_at(due, self.commit)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _keep_committing(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._cancel_timer()
            await self._commit_batch()
            if not self._wake.is_set():
                self._idle.set()

    async def _commit_batch(self) -> None:
        changes, self.changes = self.changes, Changes()
        callbacks, self._callbacks = self._callbacks, []
        try:
            if changes:
                await self._store.write(changes)
        except DatabaseUnavailable as error:
            await self._failed(changes, callbacks, error)
        except Exception as error:
            log.exception("a transaction failed with an unexpected error")
            await self._failed(changes, callbacks, error)
        else:
            # Only a stored message proves that writes work: on a full disk, deletions still succeed.
            if changes.messages or changes.items:
                self._stored_at = time.monotonic()
                self._recovered()
            await _run(callbacks, safe=True)

    async def _failed(self, changes: Changes, callbacks: list[Then], error: Exception) -> None:
        if not self.failing:
            self.failing = True
            log.warning("messages are refused, since they cannot be stored: %s", error)
        # Messages that arrived meanwhile come after the refused ones, so they are refused as well.
        callbacks += self._callbacks
        self.changes, self._callbacks = changes.to_retry(self.changes), []
        self.commit_within(RETRY)
        await _run(callbacks, safe=False)
        # While these callbacks ran, more messages may have arrived from browsers that had no answer yet. They
        # are refused for the same reason, in a loop, since each refusal may let the next message in.
        while self._callbacks:
            late, self._callbacks = self._callbacks, []
            self.changes = Changes().to_retry(self.changes)
            for callback in late:
                _call(callback, safe=False)

    def _recovered(self) -> None:
        if self.failing:
            self.failing = False
            # At the level of the line above: the log sums up repeated lines of one level.
            log.warning("messages are stored again")


async def _run(callbacks: list[Then], *, safe: bool) -> None:
    pause = time.monotonic() + SECONDS_PER_TURN
    for callback in callbacks:
        _call(callback, safe=safe)
        if time.monotonic() >= pause:
            await asyncio.sleep(0)
            pause = time.monotonic() + SECONDS_PER_TURN


def _call(callback: Then, *, safe: bool) -> None:
    # After an exception in one callback, the others must still be called.
    try:
        callback(None if safe else Unavailable("messages cannot be stored at present", retry=RETRY))
    except Exception:
        log.exception("a callback after a transaction failed")
