"""The list of the servers that share a queue: the endpoint, and ``run.py servers``."""

from __future__ import annotations

import json
import os
import time

import pytest

from tests.conftest import Start
from tests.support.serving import Running
from tests.support.shared_queue import SHARED
from thywill import __version__

pytestmark = pytest.mark.gen_test

KEY = "a-key-of-the-tests"


async def test_a_server_alone_lists_itself(running: Running) -> None:
    await running.connect()
    response = await running.fetch("thywill/servers")
    (row,) = json.loads(response.body)["servers"]
    assert row["name"] == running.service.queue.describe_server().name
    assert (row["address"], row["process"], row["version"]) == (running.base, os.getpid(), __version__)
    assert (row["clients"], row["leads"]) == (1, ["probe"])
    assert time.time() - 60 < row["started"] <= time.time()
    assert (await running.fetch("thywill/servers", {})).code == 405


async def test_the_list_is_for_operators(start: Start) -> None:
    running = await start(monitoring={"key": KEY})
    assert (await running.fetch("thywill/servers")).code == 401
    headers = {"Authorization": f"Bearer {KEY}"}
    assert (await running.fetch("thywill/servers", headers=headers)).code == 200


async def test_servers_of_a_shared_queue_own_no_database(start: Start) -> None:
    """A second one on the same folder starts at once, and leaves the records of the first one alone."""
    first = await start(queue={"component": SHARED})
    client = await first.connect()
    await first.service.database.flush()
    await start(queue={"component": SHARED})
    record = await first.service.database.find(client.id)
    assert record is not None
    assert record.state == "connected"
