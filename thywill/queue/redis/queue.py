"""The queue that several servers share in Redis 7 or newer, or Valkey."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from thywill.database.base import Database
from thywill.hub.delivery import Delivery
from thywill.queue.redis.options import Safe, StoreOptions
from thywill.queue.redis.store import RedisStore
from thywill.queue.shared.queue import SharedQueue, SharedQueueSettings


@dataclass(frozen=True, slots=True)
class RedisQueueSettings(SharedQueueSettings):
    """The section ``[queue]`` with ``component = "redis"``.

    Args:
        url: where Redis is: ``redis://``, ``rediss://``, ``unix://`` or ``sentinel://``.
        prefix: what all keys begin with; servers with the same one are a cluster.
        safe: when a message counts as safe, see ``Safe``.
    """

    url: str = "redis://127.0.0.1:6379/0"
    prefix: str = "thywill"
    safe: Safe = Safe.MEMORY


class RedisQueue(SharedQueue):
    """A shared queue in Redis."""

    Settings: ClassVar[type[Any]] = RedisQueueSettings

    def __init__(
        self,
        settings: RedisQueueSettings,
        database: Database,
        receivers: Delivery,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        store = RedisStore(StoreOptions(settings.url, settings.prefix, settings.safe))
        super().__init__(settings, database, receivers, store=store, wall=wall)
