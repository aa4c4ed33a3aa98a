"""Lets the clock of an audited server jump: the file ``AUDIT_CLOCK`` has the seconds that are added to it.

Python imports this module at its start, before anything has asked for the time.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from pathlib import Path

SIZE = 8


def _shift(path: Path) -> None:
    with path.open("rb") as file:
        seconds = mmap.mmap(file.fileno(), SIZE, access=mmap.ACCESS_READ)
    asked, read = time.time, struct.Struct("d").unpack_from
    time.time = lambda: asked() + read(seconds)[0]


if "AUDIT_CLOCK" in os.environ:
    _shift(Path(os.environ["AUDIT_CLOCK"]))
