"""One server at a time writes to a database: the lease, its fencing number, and who holds it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import Servers
from tests.support.records import LASTING, URLS, running, saved
from thywill.core.changes import Changes, StoredMessage
from thywill.core.positions import BITS, EPOCH
from thywill.database import peewee as peewee_module
from thywill.database.lease import SILENCE, Deposed, Lease
from thywill.database.owner import ServerProcess, this_process
from thywill.database.peewee import PeeweeDatabase, PeeweeSettings
from thywill.errors import SettingsError

Make = Callable[[], PeeweeDatabase]

OTHER = ServerProcess(4711, "web2", "http://two/", "another machine", 1)
MESSAGE = StoredMessage("chat", 1, "channel", '"all"', "{}", None, None, None, None, None, 2.5)


@pytest.fixture(params=LASTING)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of database in turn."""
    return str(request.param)


@pytest.fixture
def make(kind: str, tmp_path: Path, servers: Servers) -> Make:
    """Return a function that makes the same database anew, as another server would."""
    url = URLS.get(kind) or servers.new_url(kind)
    return lambda: PeeweeDatabase(PeeweeSettings(url=url, flush=60.0), tmp_path)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peewee_module, "HEARTBEAT", 0.01)
    monkeypatch.setattr(peewee_module, "LEASE_RETRY", 0.01)


def unexpected(reason: str) -> None:
    raise AssertionError(reason)


async def take(database: PeeweeDatabase, owner: ServerProcess, **clocks: Any) -> ServerProcess | None:
    """Take the lease of ``database`` as ``owner``, without a heartbeat."""
    for name, clock in clocks.items():
        setattr(database._lease, f"_{name}", clock)
    return await database._thread.run(database._lease.take, owner)


async def vanish(database: PeeweeDatabase) -> None:
    """Let the lock of the system go, as it does when the process ends."""
    await database._thread.run(database._thread.database.release_lock)


@pytest.mark.gen_test
async def test_a_second_server_is_refused_and_the_owner_is_named(make):
    async with running(make()) as first, running(make()) as second:
        await first.own("http://one/", 0, unexpected)
        with pytest.raises(SettingsError) as caught:
            await second.own("http://two/", 0.05, unexpected)
        owner = f"process {os.getpid()} on {socket.gethostname()}, http://one/"
        assert f"belongs to another server: {owner}. End that one" in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.gen_test
async def test_a_server_that_waits_takes_the_database_when_the_owner_stops(make):
    first = make()
    await first.start()
    await first.own("http://one/", 0, unexpected)
    async with running(make()) as second:
        waiting = asyncio.create_task(second.own("http://two/", 30, unexpected))
        second.save(saved(1))
        await asyncio.sleep(0)
        await first.stop()
        await waiting
        await second.flush()
        assert second._lease.number > 0


@pytest.mark.gen_test
async def test_of_several_servers_one_owns_the_database(make):
    all_ = [make() for _ in range(4)]
    for each in all_:
        await each.start()
    starts = (each.own("http://one/", 0, unexpected) for each in all_)
    found = await asyncio.gather(*starts, return_exceptions=True)
    assert [type(each) for each in found if each] == [SettingsError] * 3
    assert sum(each._lease.number is not None for each in all_) == 1
    for each in all_:
        await each.stop()


@pytest.mark.gen_test
async def test_a_server_that_was_suspended_is_deposed_and_writes_nothing(make):
    now = 100.0
    async with running(make()) as first, running(make()) as second:
        assert await take(first, OTHER) is None
        await vanish(first)
        if first._thread.database.share_lock:
            assert await take(second, OTHER, monotonic=lambda: now) is not None
            now += SILENCE
        assert await take(second, replace(OTHER, address="http://new/"), monotonic=lambda: now) is None
        store = first.messages()
        for write in (
            store.write(Changes(messages=[MESSAGE])),
            store.trim("chat", 1),
            store.probe(),
            first.retire(),
        ):
            if write.__name__ == "trim":
                await second.messages().write(Changes(messages=[MESSAGE._replace(id=1)]))
            with pytest.raises(Deposed, match="process 4711 on web2, http://new/"):
                await write
        first.save(saved(1))
        with pytest.raises(Deposed):
            await first.flush()
        assert [row.id for row in (await second.messages().load()).messages] == [1]
        assert await second.find("client-1") is None
        first._pending._waiting.clear()


@pytest.mark.gen_test
async def test_a_deposed_server_learns_it_by_its_heartbeat(make):
    told = asyncio.get_running_loop().create_future()
    async with running(make()) as first, running(make()) as second:
        await first.own("http://one/", 0, told.set_result)
        await vanish(first)
        await second._thread.run(second._lease.model.update(released=True).execute)
        while await take(second, OTHER) is not None:
            """The first server has shown its heartbeat just now."""
        assert await told == ("another server writes to the database now: process 4711 on web2, http://two/")


@pytest.mark.gen_test
async def test_an_owner_that_shows_its_heartbeat_keeps_the_database(make, kind):
    if kind == "sqlite":
        pytest.skip("SQLite's owner has a lock of the system and needs no heartbeat")
    clock = iter(range(100, 200, int(SILENCE) - 1))
    async with running(make()) as first, running(make()) as second:
        assert await take(first, OTHER) is None
        for _ in range(4):
            assert await take(second, OTHER, monotonic=lambda: float(next(clock))) is not None
            await first._thread.run(first._lease.beat)


@pytest.mark.gen_test
async def test_the_number_grows_though_the_clock_is_set_back(make):
    numbers = []
    for seconds in (EPOCH + 50, EPOCH + 10, EPOCH + 100):
        async with running(make()) as database:
            assert await take(database, OTHER, wall=lambda seconds=seconds: seconds) is None
            numbers.append(database._lease.number)
    assert numbers == [50 << BITS, (50 << BITS) + 1, 100 << BITS]


@pytest.mark.gen_test
async def test_a_database_that_is_replaced_by_its_backup_has_another_number(make):
    async with running(make()) as database:
        assert await take(database, OTHER) is None
        await database._thread.run(database._lease.model.update(number=7).execute)
        with pytest.raises(Deposed):
            await database.messages().write(Changes(messages=[MESSAGE]))


@pytest.fixture
def killed() -> ServerProcess:
    """A process that ran for a moment, and was killed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        stat = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        owner = replace(this_process("http://one/"), process=process.pid, started=int(stat[19]))
        assert not owner.has_ended()
        process.kill()
    assert owner.has_ended()
    return owner


@pytest.mark.gen_test
async def test_the_database_of_a_process_that_was_killed_is_free_at_once(make, killed):
    async with running(make()) as first, running(make()) as second:
        assert await take(first, killed) is None
        await vanish(first)
        assert await take(second, OTHER) is None


def test_a_process_on_another_machine_or_with_a_reused_number_is_distinguished():
    mine = this_process("http://one/")
    assert not mine.has_ended()
    assert replace(mine, started=mine.started + 1).has_ended()
    assert not replace(mine, machine="another boot", started=mine.started + 1).has_ended()
    assert not replace(mine, machine="").has_ended()


@pytest.mark.gen_test
async def test_two_names_of_one_file_are_one_database(tmp_path):
    one = PeeweeDatabase(PeeweeSettings(url="sqlite:///test.db"), tmp_path)
    async with running(one):
        (tmp_path / "other.db").symlink_to("test.db")
        async with running(PeeweeDatabase(PeeweeSettings(url="sqlite:///other.db"), tmp_path)) as other:
            assert await take(one, OTHER) is None
            assert await take(other, OTHER) is not None


@pytest.mark.gen_test
async def test_databases_in_memory_have_no_owner_in_common(tmp_path):
    settings = PeeweeSettings(url="sqlite:///:memory:")
    one, other = (PeeweeDatabase(settings, tmp_path) for _ in range(2))
    async with running(one), running(other):
        await one.own("http://one/", 0, unexpected)
        await other.own("http://two/", 0, unexpected)


def test_a_lease_that_was_never_taken_checks_nothing(tmp_path):
    from thywill.database.urls import make_database

    database = make_database("sqlite:///:memory:", tmp_path, 1.0)
    database.connect()
    with Lease(database).transaction():
        pass
    database.close()
