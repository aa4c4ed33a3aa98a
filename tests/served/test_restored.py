"""A whole server on the queue that survives, and the one that comes after it."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import Start
from tests.support.probe import Probe
from tests.support.serving import until

pytestmark = pytest.mark.gen_test
DURABLE = {"component": "database"}


async def test_messages_at_the_start_reach_restored_clients(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def on_start(probe: Probe) -> None:
        probe.task = asyncio.create_task(probe.publish("all", "good morning"))  # type: ignore[attr-defined]

    first = await start(queue=DURABLE)
    client = await first.connect()
    await client.send({"echo": "before"})
    assert await client.receive() == ["before"]
    await first.stop()
    monkeypatch.setattr(Probe, "on_start", on_start)
    client.running = await start(queue=DURABLE)
    assert await client.receive() == ["good morning"]


async def test_a_client_resumes_with_its_record_and_its_channels(start: Start) -> None:
    first = await start(queue=DURABLE)
    client = await first.connect(headers={"User-Agent": "Mozilla/4.0"})
    await client.send({"remember": {"name": "Ada"}})
    await until(lambda: first.probe.messages)
    await first.stop()
    second = await start(queue=DURABLE)
    [live] = second.service.engine.directory.clients.values()
    assert (live.id, live.data, live.user_agent) == (client.id, {"kept": {"name": "Ada"}}, "Mozilla/4.0")
    assert second.service.engine.actions.channels_of(live) == ["all"]
    record = await second.service.database.find(client.id)
    assert record is not None
    assert record.state == "detached"


async def test_with_the_queue_in_memory_nobody_is_left(start: Start) -> None:
    first = await start()
    client = await first.connect()
    await first.stop()
    client.running = await start()
    assert (await client.poll())["error"]["code"] == "gone"
    record = await client.running.service.database.find(client.id)
    assert record is not None
    assert record.state == "gone"
