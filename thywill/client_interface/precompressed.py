"""A text with one piece that differs: everything around the piece is compressed once.

Two pages of an application differ only in their bootstraps. To compress a page takes as long as all the rest
of its making. gzip is a sequence of blocks (RFC 1951, 3.2.3), so the blocks before and after the piece can
be made beforehand, and the piece stands between them uncompressed:

    gzip's head | blocks of the text before | stored blocks of the piece | blocks of the text after | CRC
"""

from __future__ import annotations

import struct
import zlib

HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
"""The head of gzip, without a file's name and time (RFC 1952, 2.3)."""
STORED = 0xFFFF
"""The largest stored block, in bytes."""
BEST = 9


class PrecompressedTemplate:
    """The text around a piece, plain and compressed.

    Args:
        before, after: the text before and after the piece.
    """

    __slots__ = ("_crc", "_zipped_after", "_zipped_before", "after", "before")

    def __init__(self, before: bytes, after: bytes) -> None:
        self.before = before
        self.after = after
        first, last = (zlib.compressobj(BEST, zlib.DEFLATED, -zlib.MAX_WBITS) for _ in range(2))
        # A full flush ends with a whole byte, where another block may begin.
        self._zipped_before = HEAD + first.compress(before) + first.flush(zlib.Z_FULL_FLUSH)
        self._zipped_after = last.compress(after) + last.flush(zlib.Z_FINISH)
        self._crc = zlib.crc32(before)

    def plain(self, piece: bytes) -> bytes:
        """Return the text with ``piece`` in it."""
        return b"".join((self.before, piece, self.after))

    def zipped(self, piece: bytes) -> bytes:
        """Return the text with ``piece`` in it, as gzip."""
        crc = zlib.crc32(self.after, zlib.crc32(piece, self._crc))
        size = len(self.before) + len(piece) + len(self.after)
        end = struct.pack("<II", crc, size & 0xFFFFFFFF)
        return b"".join((self._zipped_before, *_stored(piece), self._zipped_after, end))


def _stored(piece: bytes) -> list[bytes]:
    """Return ``piece`` in blocks that are not compressed."""
    parts = []
    for start in range(0, len(piece), STORED):
        block = piece[start : start + STORED]
        parts += [struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF), block]
    return parts
