"""The front page: an application that shows how many people are here, and how much the server delivers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from thywill.application import Application
from thywill.client import Client
from thywill.core.histogram import median
from thywill.monitoring.watch import Watch

log = logging.getLogger(__name__)

NAME = "thywill"
"""The front page's name as an application, which no other may have; its files are in ``static/thywill``."""
CHANNEL = "figures"
EVERY = 1.0
"""Seconds between two figures."""
DELAYS = 60
"""The median delay is computed over this many figures, since one second may have no delivery."""


class FrontPage(Application):
    """Sends the figures to its visitors every second; without visitors it computes nothing.

    Args:
        watch: returns the view of this server; called when a visitor comes.
    """

    title = "thywill"
    scripts = ["front.js"]
    styles = ["front.css"]
    header = False
    overflow = "conflate"

    def __init__(self, watch: Callable[[], Watch]) -> None:
        self._watch = watch
        self._task: asyncio.Task[None] | None = None

    async def on_connect(self, client: Client) -> None:
        await self._join(client)

    async def on_resume(self, client: Client) -> None:
        await self._join(client)

    async def _join(self, client: Client) -> None:
        await self.subscribe(client, CHANNEL)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send_figures())

    async def on_stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _send_figures(self) -> None:
        figures = LastSecond(self._watch())
        while self.clients():
            try:
                await self.publish(CHANNEL, await figures.take(), key=CHANNEL)
            except Exception:
                log.exception("the figures of the front page could not be sent")
            await asyncio.sleep(EVERY)


class Sample(NamedTuple):
    """The server's counters at one moment.

    Args:
        at: the time, in seconds of the monotonic clock.
        messages: how many messages were queued for browsers.
        delays: the histogram of delivery delays, as in ``Histogram.counts``.
    """

    at: float
    messages: int
    delays: tuple[int, ...]


class LastSecond:
    """Computes the figures of the last second.

    Args:
        watch: the running server.
        monotonic: the clock, in seconds.
    """

    def __init__(self, watch: Watch, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._watch = watch
        self._monotonic = monotonic
        self._samples = [self._sample()]

    async def take(self) -> dict[str, Any]:
        """Return open pages, in all and by application, messages per second, and the median delay.

        The delay is in milliseconds; None if nothing was delivered in the last minute.
        """
        count = await self._watch.census.take()
        people: Counter[str] = Counter()
        for (application, state, _), clients in count.clients.items():
            people[application] += clients if state == "connected" else 0
        last, sample = self._samples[-1], self._sample()
        self._samples = [*self._samples, sample][-DELAYS:]
        seconds = max(sample.at - last.at, 0.001)
        return {
            "pages": people.total(),
            "people": people,
            "messages": round((sample.messages - last.messages) / seconds, 1),
            "delay": self._delay(),
        }

    def _sample(self) -> Sample:
        meter = self._watch.meter
        queued = sum(tally.queued for tally in meter.applications.values())
        return Sample(self._monotonic(), queued, tuple(meter.delay.counts))

    def _delay(self) -> float | None:
        first, last = self._samples[0], self._samples[-1]
        counts = [new - old for old, new in zip(first.delays, last.delays, strict=True)]
        seconds = median(self._watch.meter.delay.bounds, counts)
        return None if seconds is None else round(seconds * 1000, 1)
