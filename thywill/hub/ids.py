"""Ids of clients and sessions that nobody can guess."""

from __future__ import annotations

import binascii
import os
from collections.abc import Callable

SIZE = 18
"""Bytes of an id: 144 bits, in base64 without padding."""

BLOCK = SIZE * 256
URL_SAFE = bytes.maketrans(b"+/", b"-_")


class IdGenerator:
    """Makes random ids.

    Random bytes are read in blocks: a system call for each id would cost several times as much as the rest.

    Args:
        read: returns so many random bytes.
    """

    def __init__(self, read: Callable[[int], bytes] = os.urandom) -> None:
        self._read = read
        self._block = b""
        self._used = 0

    def next(self) -> str:
        """Return an id of 24 characters: letters, digits, ``-`` and ``_``."""
        if self._used == len(self._block):
            self._block, self._used = self._read(BLOCK), 0
        piece = self._block[self._used : self._used + SIZE]
        self._used += SIZE
        return binascii.b2a_base64(piece, newline=False).translate(URL_SAFE).decode()
