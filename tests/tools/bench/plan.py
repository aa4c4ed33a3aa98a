"""Which trials a run makes, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.tools.bench.front import WITH_TLS
from tests.tools.bench.servers import THYWILL, Kind

ROWS = ("poll", "xhr", "stream", "growth", "idle")
CAPACITY = "capacity"
SIZES = (1000, 2500, 5000, 10_000, 20_000, 30_000)
CAPACITY_SIZES = (1000, 10_000, 20_000, 30_000)
# What makes TLS of the load generator's connections needs as much of the machine as all the rest.
MOST_WITH_TLS = 10_000
PEER_SIZES = (1000, 5000, 10_000, 20_000, 30_000)
# As long as a poll is held: every client is answered and polls again once.
HOLD = 25


@dataclass(frozen=True)
class Trial:
    """One server, started for it, and what is done to it.

    Args:
        row: the row of ``ROWS`` that it is for.
        kind: the server.
        protocol: ``poll``, ``xhr`` or ``stream``.
        clients: their number.
        steps: as the load takes them.
        through: what stands before the server.
    """

    row: str
    kind: Kind
    protocol: str
    clients: int
    steps: tuple[str, ...]
    through: str = "none"


def one_size(row: str, kind: Kind, clients: int, rounds: int) -> Trial:
    """Return the trial of a row in which all servers have the same number of clients."""
    steps = ["connect", f"broadcast:{rounds}"]
    if kind.echoes:
        steps.append("echo:50:3")
    if kind is THYWILL and row != "poll":
        steps.append("acknowledge")
    return Trial(row, kind, row, clients, (*steps, "storm"))


def in_turns(row: str, peers: Sequence[Kind], clients: int, rounds: int) -> Iterator[Trial]:
    """Put thywill before each of the peers: a noisy moment of the machine meets both."""
    taking_part = [kind for kind in peers if row in kind.protocols]
    for kind in taking_part:
        yield one_size(row, THYWILL, clients, rounds)
        yield one_size(row, kind, clients, rounds)
    if not taking_part:
        yield one_size(row, THYWILL, clients, rounds)


def own_protocol(kind: Kind) -> str:
    """Return the way of waiting that a server is compared by: long polls."""
    return "poll" if "poll" in kind.protocols else "xhr"


def growth(peers: Sequence[Kind], most: int) -> Iterator[Trial]:
    """Yield every size; those that do not fit become the largest one that does."""
    for size in sorted({min(size, most) for size in SIZES}):
        for kind in (THYWILL, *peers):
            if size <= kind.most and (kind is THYWILL or size in (*PEER_SIZES, most)):
                yield Trial("growth", kind, own_protocol(kind), size, ("connect", "broadcast:3"))


def idle(most: int, size: int = 20_000) -> Trial:
    """Return the trial with many clients to whom nothing happens, and whose connections all break."""
    clients = min(size, most)
    return Trial("idle", THYWILL, "poll", clients, ("connect", f"idle:{HOLD}", "broadcast:3", "storm"))


def capacity(ways: Sequence[str], most: int) -> Iterator[Trial]:
    """Yield every size without and with a proxy; those that do not fit become the largest one that does.

    Args:
        ways: what stands before the server.
        most: the largest number of clients.
    """
    for size in sorted({min(size, most) for size in CAPACITY_SIZES}):
        for through in ways:
            if through not in WITH_TLS or size <= MOST_WITH_TLS:
                yield Trial(CAPACITY, THYWILL, "poll", size, capacity_steps(size), through)


def capacity_steps(size: int) -> tuple[str, ...]:
    """Return the steps; few clients at rest cost too little to be measured."""
    # A little longer than polls are held, so that the last of them has its turn too; none has two.
    resting = (f"idle:{HOLD + 3}",) if size >= 5000 else ()
    return ("connect", *resting, "broadcast:5")


def trials(
    rows: Sequence[str], peers: Sequence[Kind], clients: int, most: int, rounds: int
) -> Iterator[Trial]:
    """Yield the trials of one turn."""
    for row in ("poll", "xhr", "stream"):
        if row in rows:
            yield from in_turns(row, peers, clients, rounds)
    if "idle" in rows:
        yield idle(most)
