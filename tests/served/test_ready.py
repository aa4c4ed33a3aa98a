"""``ready`` with the durable queue: it tries what the work needs, and says why that fails."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.serving import Running, until

Start = Callable[..., Awaitable[Running]]
QUEUE = {"component": "database"}

pytestmark = pytest.mark.gen_test


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the database the time that it needs on a busy machine."""
    monkeypatch.setattr("thywill.server.STORE_TIMEOUT", 60.0)


async def look(running: Running) -> tuple[int, dict[str, Any]]:
    response = await running.fetch("thywill/ready")
    return response.code, json.loads(response.body)


async def pragma(running: Running, text: str) -> None:
    thread = running.service.database._thread  # type: ignore[attr-defined]
    await thread.run(thread.database.execute_sql, f"PRAGMA {text}")


async def is_ready(running: Running) -> bool:
    return (await look(running))[0] == 200


@pytest.mark.parametrize(
    ("fault", "mend", "reason"),
    [
        ("query_only = 1", "query_only = 0", "readonly database"),
        ("max_page_count = 1", "max_page_count = 100000", "database or disk is full"),
    ],
)
async def test_a_database_that_takes_no_writes_is_not_ready(
    start: Start, fault: str, mend: str, reason: str
) -> None:
    running = await start(queue=QUEUE)
    await pragma(running, fault)
    code, told = await look(running)
    assert (code, told["status"]) == (503, "not ready")
    assert reason in told["reasons"][0]
    await pragma(running, mend)
    # Nobody sends anything any more, since the load balancer has heard that the server is not ready.
    assert await is_ready(running)


async def test_a_file_that_was_moved_away_is_not_ready_and_is_logged(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    running = await start(queue=QUEUE)
    assert await is_ready(running)
    file = Path(running.service.folder) / "thywill.db"
    file.rename(file.with_name("elsewhere"))
    code, told = await look(running)
    assert code == 503
    assert "was moved away, deleted or replaced" in told["reasons"][0]
    await until(lambda: "was moved away, deleted or replaced" in caplog.text)
    file.with_name("elsewhere").rename(file)
    assert await is_ready(running)


async def test_a_queue_in_memory_needs_no_database(start: Start) -> None:
    running = await start()
    await pragma(running, "query_only = 1")
    assert await is_ready(running)
    await pragma(running, "query_only = 0")
