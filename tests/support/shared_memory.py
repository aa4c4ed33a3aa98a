"""The state of a shared store in memory, which the servers of a test share, with a clock that a test sets."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from thywill.core.history import Ring
from thywill.core.positions import EPOCH
from thywill.queue.shared.rows import ClientFacts, Heartbeat, InboxEntry, LogEntry, Posted


@dataclass
class MemoryClient:
    facts: ClientFacts
    server: str
    begins: int
    cursor: int
    received: int = 0
    handled: int = -1
    connected: bool = False
    gone: str | None = None
    data: str | None = None
    digests: list[int] = field(default_factory=list)
    channels: dict[str, int] = field(default_factory=dict)
    left: list[tuple[str, int, int]] = field(default_factory=list)
    dropped: int = 0
    lost: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class MemoryApplication:
    log: list[LogEntry] = field(default_factory=list)
    last: int = 0
    trimmed: int = 0
    dropping: int = 0
    logged: int = 0
    written: int = 0
    looks: list[tuple[int, int, int]] = field(default_factory=list)
    discarded: set[int] = field(default_factory=set)
    inbox: dict[int, InboxEntry] = field(default_factory=dict)
    steps: int = 0
    clients: dict[str, MemoryClient] = field(default_factory=dict)
    leases: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, tuple[str, float]] = field(default_factory=dict)
    published: dict[str, tuple[int, str, float]] = field(default_factory=dict)
    marks: dict[tuple[str, int], dict[str, int]] = field(default_factory=dict)
    histories: OrderedDict[str, Ring] = field(default_factory=OrderedDict)
    lowest: dict[str, tuple[int, float]] = field(default_factory=dict)
    leader: str = ""
    fence: int = 0
    until: float = 0.0
    expired: float | None = None
    patient_until: float = 0.0


def size_of(entry: LogEntry) -> int:
    """Return the bytes of a message in the log; 0 for other entries."""
    return len(entry.message.data) if isinstance(entry, Posted) else 0


class SharedMemory:
    """The state that the servers share. ``now`` is its clock, in seconds since 1970."""

    def __init__(self, now: float = EPOCH + 1000.0) -> None:
        self.now = now
        self.applications: dict[str, MemoryApplication] = defaultdict(MemoryApplication)
        self.beats: dict[str, tuple[Heartbeat, float]] = {}
        self.listeners: dict[str, Callable[[str], None]] = {}
        self.names: dict[str, str] = {}
        self.receivers: dict[str, Callable[[bytes], None]] = {}
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Wake the reads that wait."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait for a change, for ``seconds`` at most."""
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return

    def copy(self) -> Any:
        """Return a backup."""
        return deepcopy(self.applications)

    def restore(self, backup: Any) -> None:
        """Go back to the state of ``backup``; the clock goes on."""
        self.applications = deepcopy(backup)

    def flush(self) -> None:
        """Lose everything, as after FLUSHALL."""
        self.applications.clear()
        self.beats.clear()
