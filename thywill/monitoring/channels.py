"""The rates of messages by channel, for the status page; counted only while somebody has the page open."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from thywill.hub.tally import ChannelTally
from thywill.monitoring.watch import Watch

SECONDS = 10
"""A rate is the mean over this many calls of ``take``, which is called once a second."""
SHOWN = 12
"""How many channels are shown."""
NAME_SHOWN = 100
"""How many characters of a channel's name are shown."""


class ChannelSample(NamedTuple):
    """The counts between two calls of ``take``.

    Args:
        at: the time of the second call, in seconds of the monotonic clock.
        counts: by application and channel, the number of messages and the number of their receivers.
    """

    at: float
    counts: Mapping[tuple[str, str], tuple[int, int]]


class ChannelRates:
    """Computes the rates of the busiest channels.

    Args:
        watch: the running server, whose meter counts channels until ``stop``.
        monotonic: the clock, in seconds.
    """

    def __init__(self, watch: Watch, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._watch = watch
        self._monotonic = monotonic
        self._tally = watch.meter.channels = ChannelTally()
        self._samples: deque[ChannelSample] = deque([ChannelSample(monotonic(), {})], SECONDS + 1)

    def stop(self) -> None:
        """Stop counting."""
        self._watch.meter.channels = None

    def take(self) -> list[dict[str, Any]]:
        """Return the busiest channels, with messages a second, and with messages times receivers a second."""
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
