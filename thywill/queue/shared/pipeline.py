"""The pipeline: one batch of operations is in flight while operations for the next one are collected.

As in the group commit of the durable queue, nothing waits for a timer, and under load one round trip carries
hundreds of operations. All operations of a server pass through the pipeline, in order.

When a batch fails, operations that a sender can retry (a browser's send, a hook's publish) are refused.
Operations that must not get lost (``keep``: the end of a step, a membership) are executed again with the next
batch. So are messages of which nobody knows whether they are in the log: the store recognizes them by their
``Cause``.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from thywill.core.histogram import Histogram
from thywill.core.measures import Measures
from thywill.core.text import counted
from thywill.errors import Unavailable
from thywill.queue.shared.base import SharedStore, StoreUnavailable
from thywill.queue.shared.operations import Append, Operation, Outcome, Publish, SendHistory, SetMember
from thywill.queue.shared.tasks import begin, end

log = logging.getLogger(__name__)

Then = Callable[[Outcome], None]

BATCH = 500
"""Operations in one batch: fewer than the causes outside of steps that the store remembers."""
SECONDS_PER_TURN = 0.004
"""Seconds for which outcomes are handled in one turn of the loop."""
RETRY = 0.5
"""Seconds until the next batch after one that failed."""
STOP_TIMEOUT = 5.0
"""Seconds for which a stopping server tries to execute the remaining operations."""


RETRIED_IF_UNSURE = (Append, Publish, SendHistory, SetMember)
"""Operations that are executed again if nobody knows whether they were, because a sender waits for them."""


class Submitted(NamedTuple):
    """An operation that waits for its outcome."""

    operation: Operation
    then: Then
    keep: bool


class Pipeline:
    """Executes operations, and passes their outcomes to callbacks.

    ``failing`` is true from a failed batch until the next one that succeeds. ``executed`` counts operations,
    and ``seconds`` has the durations of batches.

    Args:
        store: the store.
        retry: seconds until the next batch after one that failed.
    """

    def __init__(self, store: SharedStore, retry: float = RETRY) -> None:
        self._store = store
        self._retry = retry
        self._waiting: list[Submitted] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self.failing = False
        self.executed = 0
        self.seconds = Histogram()

    def start(self) -> None:
        """Begin to execute."""
        self._task = begin(self._run())

    async def stop(self) -> None:
        """Execute the remaining operations, if the store accepts them within some seconds, and end."""
        if self._task is None:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), STOP_TIMEOUT)
        await end([self._task])
        if self._waiting:
            lacked = counted(len(self._waiting), "change")
            log.error("the shared store cannot be reached: it lacks %s", lacked)

    def submit(self, operation: Operation, then: Then = lambda _: None, *, keep: bool = False) -> None:
        """Execute ``operation`` with the next batch; ``then`` gets its outcome.

        Args:
            operation: the operation.
            then: called once, with ``Unavailable`` if the operation was refused.
            keep: whether the operation is repeated until the store has executed it.
        """
        self._waiting.append(Submitted(operation, then, keep))
        self._idle.clear()
        self._wake.set()

    async def ask(self, operation: Operation, *, keep: bool = False) -> Outcome:
        """Execute ``operation`` and return its outcome, which may be ``Unavailable``."""
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def then(outcome: Outcome) -> None:
            if not answer.done():
                answer.set_result(outcome)

        self.submit(operation, then, keep=keep)
        return await answer

    def measure(self, measures: Measures) -> None:
        """Add the metrics of operations and batches."""
        text = "Operations that the shared store has executed for this server."
        measures.counter("thywill_shared_operations_total", text, self.executed)
        text = "How long the shared store took for a batch of operations."
        measures.histogram("thywill_shared_batch_seconds", text, self.seconds)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting or self.failing:
                if self._waiting:
                    batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                    await self._execute(batch)
                else:
                    self._idle.set()
                    await self._probe()
            self._idle.set()

    async def _probe(self) -> None:
        """Check whether the store is back: no client is let in meanwhile, so nothing else would try it."""
        await asyncio.sleep(self._retry)
        with suppress(StoreUnavailable):
            if not self._waiting and await self._store.problem() is None:
                self._recovered()

    async def _execute(self, batch: list[Submitted]) -> None:
        begun = time.monotonic()
        try:
            outcomes = await self._store.execute([each.operation for each in batch])
        except StoreUnavailable as error:
            await self._failed(batch, error)
        except asyncio.CancelledError:
            self._waiting = [*batch, *self._waiting]
            raise
        except Exception:
            # Not executed again, because it would fail again.
            log.exception("a batch of %s failed with an unexpected error", counted(len(batch), "operation"))
            await _report(batch, [_refusal()] * len(batch))
        else:
            self.executed += len(batch)
            self.seconds.observe(time.monotonic() - begun)
            self._recovered()
            await _report(batch, outcomes)

    def _recovered(self) -> None:
        if self.failing:
            self.failing = False
            log.warning("the shared store is back")

    async def _failed(self, batch: list[Submitted], error: StoreUnavailable) -> None:
        if not self.failing:
            self.failing = True
            log.warning("messages are refused, since the shared store cannot be reached: %s", error)
        left, refused = [], []
        for each in batch:
            if each.keep or (error.unsure and isinstance(each.operation, RETRIED_IF_UNSURE)):
                left.append(each._replace(keep=True))
            else:
                refused.append(each)
        self._waiting = [*left, *self._waiting]
        await _report(refused, [_refusal()] * len(refused))
        await asyncio.sleep(self._retry)


def _refusal() -> Unavailable:
    return Unavailable("messages cannot be stored at present", retry=1)


async def _report(batch: list[Submitted], outcomes: list[Outcome] | list[Unavailable]) -> None:
    pause = time.monotonic() + SECONDS_PER_TURN
    for each, outcome in zip(batch, outcomes, strict=True):
        try:
            each.then(outcome)
        except Exception:
            # After an exception in one callback, the others must still be called.
            log.exception("the outcome of %s could not be handled", type(each.operation).__name__)
        if time.monotonic() >= pause:
            await asyncio.sleep(0)
            pause = time.monotonic() + SECONDS_PER_TURN
