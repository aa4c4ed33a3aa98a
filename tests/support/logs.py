"""What tests of logs share: a log that runs for a while, its records and its lines."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from thywill.log.base import Log

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} "


@asynccontextmanager
async def running(log: Log) -> AsyncIterator[Log]:
    await log.start()
    try:
        yield log
    finally:
        await log.stop()


def record(
    message: str, *args: Any, level: int = logging.WARNING, name: str = "thywill.hub.hub"
) -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 1, message, args, None)


def lines(caplog: pytest.LogCaptureFixture, level: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == level]
