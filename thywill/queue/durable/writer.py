"""Writes what has changed, batch after batch: one transaction is under way while the next is collected."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from thywill.core.changes import Changes
from thywill.database.base import DatabaseUnavailable, MessageStore
from thywill.errors import Unavailable
from thywill.hub.contracts import Then

log = logging.getLogger(__name__)

TURN = 0.004
"""Seconds for which those that waited for a transaction are told in one turn of the loop."""

RETRY = 1.0
"""Seconds until what could not be written is tried again, unless somebody sends something before."""


class Writer:
    """Everything that is noted in ``changes`` is written soon, in order; ``then`` says when it is safe.

    ``failing`` is true from the first write that fails until the next that keeps a message, and has with it
    what was left of those before.

    Args:
        store: where it is written.
    """

    def __init__(self, store: MessageStore) -> None:
        self.changes = Changes()
        self._store = store
        self._thens: list[Then] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self.failing = False

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._keep_writing())

    async def stop(self) -> None:
        """Write what is left, if the database takes it."""
        if self.changes or self._thens:
            self.write()
        if self._task is None:
            return
        await self._idle.wait()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._cancel_timer()
        if self.changes:
            log.error("the database takes nothing: what clients have acknowledged lately is not kept")

    def write(self, then: Then | None = None) -> None:
        """Write at once; call ``then`` when all that is noted so far is safe, or could not be made so."""
        if then is not None:
            self._thens.append(then)
        self._idle.clear()
        self._wake.set()

    def write_within(self, seconds: float) -> None:
        """Write in ``seconds`` at the latest: with whatever has to be written before, if there is any."""
        due = asyncio.get_running_loop().time() + seconds
        if self._wake.is_set() or (self._timer is not None and self._due <= due):
            return
        self._cancel_timer()
        self._due = due
        self._timer = asyncio.get_running_loop().call_at(due, self.write)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _keep_writing(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._cancel_timer()
            await self._write_batch()
            if not self._wake.is_set():
                self._idle.set()

    async def _write_batch(self) -> None:
        changes, self.changes = self.changes, Changes()
        thens, self._thens = self._thens, []
        try:
            if changes:
                await self._store.write(changes)
        except DatabaseUnavailable as error:
            await self._failed(changes, thens, error)
        except Exception as error:
            log.exception("messages could not be written")
            await self._failed(changes, thens, error)
        else:
            # To delete what is not there, say, succeeds on a full disk too.
            if changes.messages or changes.items:
                self._recovered()
            await _tell(thens, safe=True)

    async def _failed(self, changes: Changes, thens: list[Then], error: Exception) -> None:
        if not self.failing:
            self.failing = True
            log.warning("messages are refused, as they cannot be kept: %s", error)
        # Those who have come meanwhile follow on what is refused, so they are refused as well.
        thens += self._thens
        self.changes, self._thens = changes.to_retry(self.changes), []
        self.write_within(RETRY)
        await _tell(thens, safe=False)
        # So do those who came while these were told: some with the very messages of one who was not told yet.
        # Again and again, since a browser may have sent the next behind the request that is answered.
        while self._thens:
            late, self._thens = self._thens, []
            self.changes = Changes().to_retry(self.changes)
            for then in late:
                _call(then, safe=False)

    def _recovered(self) -> None:
        if self.failing:
            self.failing = False
            # As urgent as the line that it ends: both may come again and again, and are then summed up.
            log.warning("messages are kept again")


async def _tell(thens: list[Then], *, safe: bool) -> None:
    pause = time.monotonic() + TURN
    for then in thens:
        _call(then, safe=safe)
        if time.monotonic() >= pause:
            await asyncio.sleep(0)
            pause = time.monotonic() + TURN


def _call(then: Then, *, safe: bool) -> None:
    # What one of them raises must not keep the others waiting for ever.
    try:
        then(None if safe else Unavailable("messages cannot be kept at present", retry=RETRY))
    except Exception:
        log.exception("what waited for the database failed")
