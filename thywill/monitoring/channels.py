"""How much is sent to which channel, for the status page; counted only while somebody looks."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from thywill.hub.tally import ChannelTally
from thywill.monitoring.watch import Watch

SECONDS = 10
"""Over how many calls of ``take``, of which there is one each second, a rate is the mean."""
SHOWN = 12
"""How many channels are shown."""
NAME_SHOWN = 100
"""Characters of a channel's name that are shown."""


class ChannelSample(NamedTuple):
    """What was counted between two calls.

    Args:
        at: the time of the second of them, by the monotonic clock.
        counts: by application and channel, how often was sent to it and to how many receivers.
    """

    at: float
    counts: Mapping[tuple[str, str], tuple[int, int]]


class ChannelRates:
    """Computes the rates of the busiest channels.

    Args:
        watch: the running server, whose meter counts channels until ``stop``.
        monotonic: the clock.
    """

    def __init__(self, watch: Watch, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._watch = watch
        self._monotonic = monotonic
        self._tally = watch.meter.channels = ChannelTally()
        self._samples: deque[ChannelSample] = deque([ChannelSample(monotonic(), {})], SECONDS + 1)

    def stop(self) -> None:
        """Count no more."""
        self._watch.meter.channels = None

    def take(self) -> list[dict[str, Any]]:
        """Return the busiest channels, with their messages a second, once and for each receiver."""
        self._samples.append(ChannelSample(self._monotonic(), self._tally.take()))
        first, *others = self._samples
        seconds = max(others[-1].at - first.at, 0.001)
        sends: Counter[tuple[str, str]] = Counter()
        sent: Counter[tuple[str, str]] = Counter()
        for sample in others:
            for key, (messages, receivers) in sample.counts.items():
                sends[key] += messages
                sent[key] += receivers
        busiest = sorted(sends, key=lambda key: (-sent[key], -sends[key], key))[:SHOWN]
        return [self._row(*key, sends[key] / seconds, sent[key] / seconds) for key in busiest]

    def _row(self, application: str, channel: str, sends: float, sent: float) -> dict[str, Any]:
        return {
            "application": application,
            "channel": channel[:NAME_SHOWN],
            "clients": len(self._watch.engine.directory.members(application, channel)),
            "rates": [round(sends, 1), round(sent, 1)],
        }
