"""Tasks that go on until the server stops."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.serving import until
from thywill.queue.shared.tasks import begin, end

pytestmark = pytest.mark.gen_test


async def test_a_task_that_fails_is_logged_at_once(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise RuntimeError("unexpected")

    task = begin(fail())
    await until(task.done)
    await until(lambda: "fail has ended: restart this server" in caplog.text)
    assert "RuntimeError: unexpected" in caplog.text


async def test_a_task_that_is_ended_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    task = begin(asyncio.Event().wait())  # type: ignore[arg-type]
    await end([task])
    assert (task.cancelled(), caplog.text) == (True, "")
