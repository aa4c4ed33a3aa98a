"""The queue in Redis is made by the settings, or says what is missing."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from thywill.errors import SettingsError
from thywill.queue.redis.options import Safe, StoreOptions
from thywill.queue.redis.queue import open_store
from thywill.queue.redis.store import RedisStore

OPTIONS = StoreOptions("redis://127.0.0.1:1/0", "thywill", Safe.MEMORY)


def test_the_store_is_in_redis() -> None:
    assert isinstance(open_store(OPTIONS), RedisStore)


def test_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    missing: Any = None
    monkeypatch.setitem(sys.modules, "thywill.queue.redis.store", missing)
    with pytest.raises(SettingsError) as caught:
        open_store(OPTIONS)
    line = str(caught.value)
    assert line.startswith("[queue] component: redis needs a package. Install it with: ")
    assert line.endswith("-m pip install 'redis[hiredis]'")
