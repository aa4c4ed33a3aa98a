"""The list of the servers that share a queue: the endpoint, and ``run.py servers``."""

from __future__ import annotations

import asyncio
import json
import os
import time

import pytest

from tests.conftest import Start
from tests.gate.environment import ROOT
from tests.support.command import free_port
from tests.support.serving import Running
from tests.support.shared_queue import SHARED
from tests.support.status import figures, open_status_page
from thywill import __version__
from thywill.commands import operating, servers
from thywill.config import Settings

pytestmark = pytest.mark.gen_test

KEY = "a-key-of-the-tests"


async def test_a_server_alone_lists_itself(running: Running) -> None:
    response = await running.fetch("thywill/servers")
    (row,) = json.loads(response.body)["servers"]
    assert row["name"] == running.service.queue.describe_server().name
    assert (row["address"], row["process"], row["version"]) == (running.base, os.getpid(), __version__)
    # Also those that nobody has visited; thywill is the front page.
    assert (row["clients"], row["leads"]) == (0, ["probe", "thywill"])
    assert time.time() - 60 < row["started"] <= time.time()
    assert (await running.fetch("thywill/servers", {})).code == 405


async def test_the_list_is_for_operators(start: Start) -> None:
    running = await start(monitoring={"key": KEY})
    assert (await running.fetch("thywill/servers")).code == 401
    headers = {"Authorization": f"Bearer {KEY}"}
    assert (await running.fetch("thywill/servers", headers=headers)).code == 200


async def test_the_command_prints_them(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    await running.connect()
    settings = Settings({"server": {"port": int(running.base[:-1].rpartition(":")[2])}}, "settings")
    loop = asyncio.get_running_loop()
    status = await loop.run_in_executor(None, servers.run, {"url": None, "json": False}, settings, ROOT)
    head, row, total = capsys.readouterr().out.splitlines()
    assert status == 0
    assert head.split() == list(servers.COLUMNS)
    assert running.base in row
    assert row.endswith("probe, thywill")
    assert total == "1 server, 1 client"


async def test_a_command_without_the_key_says_so(start: Start) -> None:
    running = await start(monitoring={"key": KEY})
    loop = asyncio.get_running_loop()
    with pytest.raises(operating.NotListed, match="wants the key"):
        await loop.run_in_executor(None, operating.ask, running.base, "", "servers")
    (row,) = (await loop.run_in_executor(None, operating.ask, running.base, KEY, "servers"))["servers"]
    assert row["address"] == running.base


def test_a_server_that_does_not_run() -> None:
    with pytest.raises(operating.NotListed, match="no server answers: Connection refused; start one"):
        operating.ask(f"http://127.0.0.1:{free_port()}/", "", "servers")


async def test_the_page_shows_them(running: Running) -> None:
    client = await open_status_page(running)
    (row,) = (await figures(client))["servers"]
    assert (row["address"], row["own"]) == (running.base, True)


async def test_servers_of_a_shared_queue_own_no_database(start: Start) -> None:
    """A second one on the same folder starts at once, and leaves the records of the first one alone."""
    first = await start(queue={"component": SHARED})
    client = await first.connect()
    await first.service.database.flush()
    await start(queue={"component": SHARED})
    record = await first.service.database.find(client.id)
    assert record is not None
    assert record.state == "connected"
