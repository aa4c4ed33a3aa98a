"""The shared queue with its store in Redis or Valkey: ``[queue] component = "redis"``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import msgspec

from thywill.database.base import Database
from thywill.errors import SettingsError
from thywill.hub.delivery import Delivery
from thywill.queue.redis.options import Safe, StoreOptions
from thywill.queue.shared.base import SharedStore
from thywill.queue.shared.queue import SharedQueue, SharedQueueSettings


@dataclass(frozen=True, slots=True)
class RedisQueueSettings(SharedQueueSettings):
    """The section ``[queue]`` with ``component = "redis"``.

    Args:
        url: the address of Redis: ``redis://``, ``rediss://`` (TLS), ``unix://`` or ``sentinel://``.
        prefix: the prefix of all keys. Servers with the same prefix share a queue.
        safe: the failures that a message has to survive before its sender gets an answer (``Safe``).
    """

    url: str = "redis://127.0.0.1:6379/0"
    prefix: Annotated[str, msgspec.Meta(pattern=r"^[\w.-]{1,50}$")] = "thywill"
    safe: Safe = Safe.MEMORY


class RedisQueue(SharedQueue):
    """The queue of servers that share a Redis."""

    Settings: ClassVar[type[Any]] = RedisQueueSettings

    def __init__(
        self,
        settings: RedisQueueSettings,
        database: Database,
        receivers: Delivery,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        options = StoreOptions(settings.url, settings.prefix, settings.safe)
        super().__init__(settings, database, receivers, store=open_store(options), wall=wall)


def open_store(options: StoreOptions) -> SharedStore:
    """Return the store; it is not connected yet.

    Raises:
        SettingsError: the package ``redis`` is not installed, or the address is malformed.
    """
    try:
        from thywill.queue.redis.store import RedisStore
    except ImportError:
        command = f"{sys.executable} -m pip install 'redis[hiredis]'"
        raise SettingsError(f"[queue] component: redis needs a package. Install it with: {command}") from None
    return RedisStore(options)
