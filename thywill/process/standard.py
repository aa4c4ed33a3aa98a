"""Keeps standard input, output and error open, so that they never end the service.

The program that starts the server may have closed them, and a program that reads them may end while the
server runs. Then every ``print`` raises an error, also in an application. A closed standard error is worse:
the next file or socket becomes descriptor 2, libuv aborts, and warnings are written into that file.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any, TextIO


def open_closed() -> None:
    """Open the null device for each of the descriptors 0, 1 and 2 that is closed.

    This has to be called before other code opens a file or a socket.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The system uses the lowest free number, which is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor, kept open
    sys.stdout = sys.stdout or _text(1, "utf-8")
    sys.stderr = sys.stderr or _text(2, "utf-8")


def never_fail(name: str) -> None:
    """Make a stream drop text that it cannot write, instead of raising an error.

    Args:
        name: ``stdout`` or ``stderr``.
    """
    stream: TextIO = getattr(sys, name)
    with contextlib.suppress(OSError, ValueError):
        stream.flush()
    with contextlib.suppress(OSError, ValueError):  # the stream was replaced by an object that is no file
        setattr(sys, name, _text(stream.fileno(), stream.encoding))


def escape_unknown() -> None:
    r"""Write characters that the encoding of standard output lacks as escapes, such as ``\u2192``."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def write_out(text: str) -> str | None:
    """Write ``text`` to standard output; return why that failed, or None.

    If the reader of a pipe has ended, that is no failure: it has read as much as it wanted.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        # The rest stays in the buffer. Python would write it when it ends, and fail again.
        never_fail("stdout")
        return None if isinstance(error, BrokenPipeError) else error.strerror or str(error)
    return None


def _text(descriptor: int, encoding: str) -> TextIO:
    raw = LossyOutput(descriptor)
    buffered: Any = io.BufferedWriter(raw)
    return io.TextIOWrapper(buffered, encoding=encoding, errors="backslashreplace", line_buffering=True)


class LossyOutput(io.RawIOBase):
    """Writes to a descriptor, and drops data that cannot be written: on a full disk, to a pipe without
    reader.

    Args:
        descriptor: the descriptor; it stays open when this object is closed.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: Any) -> int:
        """Return how many bytes were written or dropped."""
        try:
            return os.write(self._descriptor, data)
        except OSError:
            return len(data)
