"""Bytes that connections hold in memory: one budget for all connections, and a limit for each address.

A connection holds requests that are not answered yet, and answers that its browser has not read. One
connection holds little more than a megabyte, but thousands together could take all memory. When the budget is
used up, the connection that holds most is closed: that frees most, and it is rarely a well-behaved browser's.
"""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

WORTH_RELEASING = 4 * 1024 * 1024
"""Bytes: after connections held more than this, free memory is given back to the system."""


def release_free_memory() -> None:
    """Give free memory back to the system.

    glibc keeps the memory of large bodies after they are freed. Other C libraries do not have this function
    and do not need it.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


class Holder(Protocol):
    """A connection that holds bytes."""

    def shed(self) -> None:
        """Drop everything that is held, and close."""
        ...


class HeldBytes:
    """Counts the bytes that each connection holds, and closes connections when there are too many.

    Args:
        most: bytes that all connections may hold.
        most_per_address: bytes that the connections of one address may hold.
        limited: counts closed connections by the name of the limit.
        release: gives free memory back to the system.
    """

    def __init__(
        self,
        most: int,
        most_per_address: int,
        limited: Counter[str],
        release: Callable[[], None] = release_free_memory,
    ) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._limited = limited
        self._sizes: dict[Holder, int] = {}
        self._shares: dict[Holder, str] = {}
        self._of_share: Counter[str] = Counter()
        self._release = release
        self._peak = 0
        self.total = 0

    def set(self, holder: Holder, share: str, size: int) -> None:
        """Set the bytes that ``holder`` holds; close the largest holders while there are too many bytes.

        Args:
            holder: the connection.
            share: the address to which the bytes count; empty for none.
            size: bytes.
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

    def release_unused(self) -> None:
        """Give memory back if many bytes were held and now few are; called every second."""
        if self._peak > WORTH_RELEASING and self.total < self._peak // 4:
            self._peak = self.total
            self._release()

    def forget(self, holder: Holder) -> None:
        """Set the bytes that ``holder`` holds to none."""
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


class AddressLimit:
    """Counts the connections of each address, or its requests in flight if it comes through a proxy.

    Args:
        most: how many one address may have.
        limited: counts refusals by the name of the limit.
    """

    def __init__(self, most: int, limited: Counter[str]) -> None:
        self._most = most
        self._limited = limited
        self._counts: dict[str, int] = {}

    def acquire(self, share: str) -> bool:
        """Count one more for ``share``, an address; return False if it has ``most`` already."""
        count = self._counts.get(share, 0)
        if count >= self._most:
            self._limited["connections_per_address"] += 1
            return False
        self._counts[share] = count + 1
        return True

    def release(self, share: str) -> None:
        """Count one less for ``share``."""
        count = self._counts[share] - 1
        if count:
            self._counts[share] = count
        else:
            del self._counts[share]
