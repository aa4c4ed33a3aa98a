"""The settings of the store in Redis."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Safe(enum.Enum):
    """The failures that an operation survives once its outcome is known.

    - ``memory``: the end of any thywill server. If Redis itself ends, its last operations may be lost.
    - ``disk``: also the end of Redis or its machine: the operation is in the append-only file on the disk.
    - ``replicas``: also the loss of Redis's machine: a replica has the operation, too.
    """

    MEMORY = "memory"
    DISK = "disk"
    REPLICAS = "replicas"


@dataclass(frozen=True)
class StoreOptions:
    """Where the store is, and how safe it has to be.

    Args:
        url: the URL of Redis.
        prefix: the prefix of all keys.
        safe: which failures an executed operation has to survive.
    """

    url: str
    prefix: str
    safe: Safe
