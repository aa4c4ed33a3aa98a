"""The hub's counters, for the metrics and the status page. They are cheap enough for every message.

Only events are counted here. Numbers that can be read from the state (clients, waiting messages, sessions)
are not.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from thywill.core.histogram import Histogram
from thywill.core.totals import Totals
from thywill.hub.audience import Audience
from thywill.hub.client import LiveClient
from thywill.hub.tally import ChannelTally, Tally

MOVES = 2000
"""How many changes of address and transport are remembered, of all clients together: half a megabyte."""
DELAYS = 1000
"""How many delays are collected before they are put into the histogram."""
LAG_SECONDS = 60.0
LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Move(NamedTuple):
    """A client used ``address`` and ``transport`` until the time ``until`` of the monotonic clock."""

    until: float
    client: str
    address: str
    transport: str


class Meter:
    """The counters of one hub.

    ``limited`` counts refusals by the name of the setting in ``[limits]``. ``given_up`` counts messages that
    were dropped because the log was full. ``channels`` counts messages by channel; it is None while nobody
    asks for that.

    Args:
        monotonic: the clock.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.applications: defaultdict[str, Tally] = defaultdict(Tally)
        self._delay = Histogram()
        self._delays: list[float] = []
        self.lag = Histogram(LAGS)
        self.dropped: Counter[str] = Counter()
        self.given_up = 0
        self.disconnected: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.limited: Counter[str] = Counter()
        self.channels: ChannelTally | None = None
        self.moves: deque[Move] = deque(maxlen=MOVES)
        self._lags: deque[tuple[float, float]] = deque()
        self._monotonic = monotonic
        self._turn = 0

    @property
    def delay(self) -> Histogram:
        """The delays of messages, from the moment a message is safe until the answer with it is written."""
        delays, self._delays = self._delays, []
        for delay in delays:
            self._delay.observe(delay)
        return self._delay

    def totals(self, audience: Audience) -> Totals:
        """Return the sums over all applications, and the numbers of clients and sessions in ``audience``."""
        tallies, delay = self.applications.values(), self.delay
        return Totals(
            clients=len(audience),
            sessions=audience.sessions,
            sent=sum(tally.queued for tally in tallies),
            received=sum(tally.received for tally in tallies),
            delay=delay.sum,
            delays=delay.count,
            lag=self.lag.sum,
            lags=self.lag.count,
        )

    def add(self, *applications: str) -> None:
        """Begin the counts of these applications with zeros."""
        for each in applications:
            self.applications.setdefault(each, Tally())

    def sent(self, application: str, message_id: int, receivers: Sequence[LiveClient]) -> None:
        """Count a message that was added to the outboxes of ``receivers``.

        The delay is measured for one receiver, so that a broadcast to thousands costs one measurement. Each
        message takes the next receiver in turn, so that it is not always the first or the last one.
        """
        tally = self.applications[application]
        tally.sends += 1
        count = len(receivers)
        if not count:
            return
        tally.queued += count
        now = self._monotonic()
        if now >= tally.marks.due:
            tally.marks.add(message_id, now)
        self._turn = turn = self._turn + 1
        client = receivers[turn % count]
        if client.timed is None:
            client.timed = message_id, now

    def written(self, client: LiveClient) -> None:
        """An answer to ``client`` was written: measure the delay if the answer carries the timed message."""
        timed, outbox = client.timed, client.outbox
        in_flight = outbox.in_flight
        if timed is not None and in_flight and outbox.entries[in_flight - 1].id >= timed[0]:
            client.timed = None
            self._delays.append(self._monotonic() - timed[1])
            if len(self._delays) >= DELAYS:
                _ = self.delay

    def moved(self, client: LiveClient) -> None:
        """Remember the present address and transport of ``client``, which are about to change."""
        if client.transport:
            self.moves.append(Move(self._monotonic(), client.id, client.address, client.transport))

    def moves_of(self, client_id: str) -> list[tuple[float, str, str]]:
        """Return the remembered earlier addresses and transports of one client, the oldest first.

        Each entry has the seconds since the client left them, the address and the transport.
        """
        now = self._monotonic()
        own = (move for move in self.moves if move.client == client_id)
        return [(max(now - move.until, 0.0), move.address, move.transport) for move in own]

    def age(self, application: str, message_id: int) -> float | None:
        """Return the age of a message in seconds, precise to half a second; None if it is not known."""
        since = self.applications[application].marks.since(message_id)
        return None if since is None else max(self._monotonic() - since, 0.0)

    def late(self, seconds: float) -> None:
        """Count that the loop ran a timer ``seconds`` after it was due."""
        now, seconds = self._monotonic(), max(seconds, 0.0)
        self.lag.observe(seconds)
        self._lags.append((now, seconds))
        while self._lags[0][0] < now - LAG_SECONDS:
            self._lags.popleft()

    def worst_lag(self) -> float:
        """Return the longest delay of the loop in the last minute, in seconds."""
        return max((lag for _, lag in self._lags), default=0.0)
