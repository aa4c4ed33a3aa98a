"""Bytes that connections hold in memory: one budget for all of them, and a share of it for each address.

A connection holds what has arrived of requests that are not answered yet, and answers that its browser does
not read. One connection holds little more than a megabyte, but thousands together could take all memory. When
the budget is used up, whoever holds most is closed: that frees most, and it is rarely a browser that behaves
well.
"""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

MUCH = 4 * 1024 * 1024
"""Bytes that were held at a time after which free memory is given back to the system."""


def give_back() -> None:
    """Give free memory back to the system.

    glibc keeps what large bodies have left behind, since it expects more of them. Other C libraries have no
    such function, and need none.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


class Holder(Protocol):
    """A connection that holds bytes."""

    def shed(self) -> None:
        """Let go of everything that is held, and close."""
        ...


class HeldBytes:
    """How many bytes each connection holds.

    Args:
        most: bytes of all connections.
        most_per_address: bytes of the connections of one address.
        limited: counts connections that were closed, by the name of the limit.
        give_back: gives free memory back to the system.
    """

    def __init__(
        self,
        most: int,
        most_per_address: int,
        limited: Counter[str],
        give_back: Callable[[], None] = give_back,
    ) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._limited = limited
        self._sizes: dict[Holder, int] = {}
        self._shares: dict[Holder, str] = {}
        self._of_share: Counter[str] = Counter()
        self._give_back = give_back
        self._peak = 0
        self.total = 0

    def set(self, holder: Holder, share: str, size: int) -> None:
        """Note that ``holder`` holds ``size`` bytes, and close who holds most where that is too much.

        Args:
            share: the address that the bytes count to; an empty text counts to none.
        """
        self.forget(holder)
        if not size:
            return
        self._sizes[holder], self._shares[holder] = size, share
        self.total += size
        self._peak = max(self._peak, self.total)
        if share:
            self._of_share[share] += size
            while self._of_share[share] > self._most_per_address:
                self._shed(
                    "held_bytes_per_address", [each for each, of in self._shares.items() if of == share]
                )
        while self.total > self._most:
            self._shed("held_bytes", list(self._sizes))

    def rest(self) -> None:
        """Give memory back if much was held, and now is not; called every second."""
        if self._peak > MUCH and self.total < self._peak // 4:
            self._peak = self.total
            self._give_back()

    def forget(self, holder: Holder) -> None:
        """Note that ``holder`` holds nothing any more."""
        size, share = self._sizes.pop(holder, 0), self._shares.pop(holder, "")
        self.total -= size
        if share:
            self._of_share[share] -= size
            if not self._of_share[share]:
                del self._of_share[share]

    def _shed(self, limit: str, holders: list[Holder]) -> None:
        largest = max(holders, key=self._sizes.__getitem__)
        self.forget(largest)
        self._limited[limit] += 1
        largest.shed()


class Places:
    """How many connections each address has, or how many requests under way where it comes through a proxy.

    Args:
        most: of one address.
        limited: counts who was refused.
    """

    def __init__(self, most: int, limited: Counter[str]) -> None:
        self._most = most
        self._limited = limited
        self._taken: dict[str, int] = {}

    def take(self, share: str) -> bool:
        """Take a place of ``share``, an address, and return whether there was one."""
        taken = self._taken.get(share, 0)
        if taken >= self._most:
            self._limited["connections_per_address"] += 1
            return False
        self._taken[share] = taken + 1
        return True

    def leave(self, share: str) -> None:
        """Give a place back."""
        taken = self._taken[share] - 1
        if taken:
            self._taken[share] = taken
        else:
            del self._taken[share]
