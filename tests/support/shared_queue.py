"""A queue that says it is shared, so that several servers may run without a real shared queue.

Its messages stay in the process that sent them: it tests processes and lists of servers, and no delivery.
"""

from __future__ import annotations

from typing import ClassVar

from thywill.queue.memory import MemoryQueue

SHARED = "tests.support.shared_queue.SharedQueue"
"""Its dotted path, for ``[queue] component``."""


class SharedQueue(MemoryQueue):
    """The memory queue of several servers, each with its own clients."""

    shared: ClassVar[bool] = True
