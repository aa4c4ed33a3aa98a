"""What the settings say about the store in Redis."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Safe(enum.Enum):
    """What an operation has to survive before anybody relies on it.

    - ``memory``: the end of any thywill server. What Redis had executed just before its own end may be lost.
    - ``disk``: the end of Redis and of its machine, too: it is in the append-only file, and on the disk.
    - ``replicas``: the loss of Redis's machine: a replica has it, too.
    """

    MEMORY = "memory"
    DISK = "disk"
    REPLICAS = "replicas"


@dataclass(frozen=True)
class StoreOptions:
    """Where the store is, and how safe it has to be.

    Args:
        url: where Redis is.
        prefix: what all keys begin with.
        safe: when an operation counts as executed.
    """

    url: str
    prefix: str
    safe: Safe
