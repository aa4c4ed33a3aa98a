"""Real database servers: faults while the server runs."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support import serving
from tests.support.command import wait_for
from tests.support.databases import KINDS, PASSWORD, USER, DatabaseServer, MariaDB, Servers
from tests.support.logs import lines
from tests.support.records import RECORD, running, saved, until
from thywill.database.base import DatabaseUnavailable
from thywill.database.peewee import PeeweeDatabase, PeeweeSettings

Make = Callable[..., PeeweeDatabase]
SHORT = 2.0
"""The time-out, in seconds, where a test waits for its end."""


@pytest.fixture
def server(database_server: DatabaseServer) -> DatabaseServer:
    """Each server in turn."""
    return database_server


@pytest.fixture
def mariadb(servers: Servers) -> DatabaseServer:
    """MariaDB alone."""
    return servers.get("mariadb")


@pytest.fixture
def url(server: DatabaseServer) -> str:
    """The URL of a new database."""
    return server.url(server.make_database())


@pytest.fixture
def make(url: str, tmp_path: Path) -> Make:
    """Return a function that makes the database anew, with changes to its settings."""
    # Nothing is purged behind a test: it could meet a server that is away, and then nobody asks for a second.
    # A busy machine has much time to answer, unless a test waits for the end of it.
    usual = {"url": url, "flush": 0.01, "timeout": 60.0, "keep": 0, "records": 0}
    return lambda **changes: PeeweeDatabase(PeeweeSettings(**usual | changes), tmp_path)


@pytest.fixture(autouse=True)
def _no_password_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level("DEBUG")
    yield
    assert PASSWORD not in caplog.text
    assert quote(PASSWORD, safe="") not in caplog.text


async def reached(database: PeeweeDatabase, client_id: str = "client-1") -> bool:
    """Tell whether the database answers."""
    try:
        await database.find(client_id)
    except DatabaseUnavailable:
        return False
    return True


async def until_written(database: PeeweeDatabase) -> None:
    """Wait until everything that was saved is stored."""

    async def written() -> bool:
        return not len(database._pending)

    await until(written)


def opened_lines(caplog: pytest.LogCaptureFixture, level: str) -> list[str]:
    names = ("thywill.database",)
    return [r.getMessage() for r in caplog.records if r.levelname == level and r.name in names]


@pytest.mark.gen_test
async def test_records_wait_while_the_server_is_away_and_catch_up(make, server, caplog):
    async with running(make()) as database:
        database.save(saved(1))
        await database.flush()
        server.kill()
        database.save(saved(2))
        with pytest.raises(DatabaseUnavailable) as caught:
            await database.flush()
        assert "\n" not in str(caught.value)
        assert (await database.find("client-2")).id == "client-2"
        assert not await reached(database)
        server.start()
        await until_written(database)
        assert (await database.find("client-1")) == RECORD
        assert {record.id for record in await database.find_all()} == {"client-1", "client-2"}
    (warning,) = opened_lines(caplog, "WARNING")
    assert warning.startswith(f"cannot write client records, 1 wait: {server.scheme}://{USER}@127.0.0.1:")
    assert "check that it runs" in warning
    assert len([line for line in opened_lines(caplog, "INFO") if "are written again after" in line]) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.gen_test
async def test_a_restart_between_two_calls_is_not_noticed(make, server, number):
    async with running(make(flush=60.0)) as database:
        database.save(saved())
        await database.flush()
        # Last in the line: nothing else is under way that could meet the server while it is gone.
        assert await database.find("client-1") == RECORD
        server.stop(number)
        server.start()
        assert await database.find("client-1") == RECORD


@pytest.mark.gen_test
async def test_an_idle_connection_that_the_server_cuts_is_opened_again(make, server):
    if isinstance(server, MariaDB):
        cut, usual = "SET GLOBAL wait_timeout = 1", "SET GLOBAL wait_timeout = 28800"
        count = f"SELECT COUNT(*) FROM information_schema.processlist WHERE user = '{USER}'"
    else:
        cut, usual = (f"ALTER USER {USER} {change} idle_session_timeout" for change in ("SET", "RESET"))
        cut += " = '500ms'"
        count = f"SELECT COUNT(*) FROM pg_stat_activity WHERE usename = '{USER}'"
    server.execute(cut)
    async with running(make(flush=60.0)) as database:
        database.save(saved())
        await database.flush()

        async def is_cut() -> bool:
            return server.execute(count)[0][0] == 0

        await until(is_cut)
        server.execute(usual)
        assert await database.find("client-1") == RECORD


@pytest.mark.gen_test
async def test_a_silent_server_is_disconnected_and_used_again_later(make, server):
    async with running(make(flush=60.0, timeout=SHORT)) as database:
        database.save(saved(1))
        await database.flush()
        server.freeze()
        database.save(saved(2))
        with pytest.raises(DatabaseUnavailable):
            await database.flush()
        with pytest.raises(DatabaseUnavailable):
            await database.find("client-1")
        server.thaw()

        async def answers() -> bool:
            return await reached(database)

        await until(answers)
        await database.flush()
        assert (await database.find("client-2")).id == "client-2"


@pytest.mark.gen_test
async def test_all_callers_of_a_silent_server_wait_for_one_time_out(make, server):
    async with running(make(flush=60.0, timeout=SHORT)) as database:
        await database.find("client-1")
        server.freeze()
        before = asyncio.get_running_loop().time()
        answers = await asyncio.gather(*(reached(database) for _ in range(50)))
        # One by one they would take a hundred time-outs.
        assert asyncio.get_running_loop().time() - before < 50 * SHORT
        assert not any(answers)
        server.thaw()


@asynccontextmanager
async def locked(server: DatabaseServer, name: str) -> AsyncIterator[None]:
    """Hold a lock on the table, as another program does."""
    with closing(server.connect(name)) as connection:
        cursor = connection.cursor()
        if isinstance(server, MariaDB):
            cursor.execute("LOCK TABLES client WRITE")
        else:
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE client")
        yield


@pytest.mark.gen_test
async def test_a_lock_of_another_program_is_waited_for_and_named(make, server, url):
    async with running(make(flush=60.0, timeout=SHORT)) as database:
        database.save(saved())
        async with locked(server, url.rpartition("/")[2]):
            with pytest.raises(DatabaseUnavailable, match="is locked by another program: stop that one"):
                await database.flush()
        await database.flush()
        assert await database.find("client-1") == RECORD


@pytest.mark.gen_test
async def test_a_statement_that_takes_too_long_is_ended(make, server):
    sleep = "SELECT SLEEP(60)" if isinstance(server, MariaDB) else "SELECT pg_sleep(60)"
    async with running(make(timeout=SHORT)) as database:
        connection = database._thread
        with pytest.raises(DatabaseUnavailable, match="took longer than \\[database\\] timeout allows"):
            await connection.run(connection.database.execute_sql, sleep)
        assert await reached(database)


@pytest.mark.gen_test
async def test_a_transaction_that_stands_still_is_ended(make, server):
    """As that of a server that is suspended in the middle: its lease could never be taken over."""
    if isinstance(server, MariaDB):
        count = f"SELECT COUNT(*) FROM information_schema.processlist WHERE user = '{USER}'"
    else:
        count = f"SELECT COUNT(*) FROM pg_stat_activity WHERE usename = '{USER}'"
    async with running(make(flush=60.0)) as database:
        backend = database._thread.database

        def stand_still() -> None:
            with backend.atomic():
                backend.execute_sql("SELECT 1")
                wait_for(lambda: server.execute(count)[0][0] == 0)
                backend.execute_sql("SELECT 1")

        with pytest.raises(DatabaseUnavailable):
            await database._thread.run(stand_still)
        database.save(saved())
        await database.flush()
        assert await database.find("client-1") == RECORD


@pytest.mark.gen_test
async def test_a_stop_while_the_server_is_away_logs_what_is_lost(make, server, caplog):
    async with running(make(flush=60.0)) as database:
        database.save(saved())
        server.kill()
    (line,) = lines(caplog, "ERROR")
    assert line.startswith("1 client records are lost: ")
    assert "does not answer" in line


@pytest.mark.gen_test
async def test_delivery_goes_on_while_the_server_is_away(io_loop, server, url, tmp_path):
    settings = {"url": url, "flush": 0.01, "timeout": 60.0}
    service = serving.Running(serving.sections(tmp_path, database=settings))
    await service.service.start()
    try:
        early = await service.connect()
        await service.service.database.flush()
        server.kill()
        late = await service.connect()
        for client in (early, late):
            await client.send({"echo": "there"})
            assert await client.receive() == ["there"]
        server.start()
        await until_written(service.service.database)
        records = await service.service.database.find_all(state="connected")
        assert {record.id for record in records} == {early.id, late.id}
    finally:
        await service.stop()


@pytest.mark.gen_test
async def test_a_server_that_becomes_read_only_is_waited_for(mariadb, tmp_path):
    url = mariadb.url(mariadb.make_database())
    async with running(PeeweeDatabase(PeeweeSettings(url=url), tmp_path)) as database:
        database.save(saved())
        mariadb.execute("SET GLOBAL read_only = 1")
        with pytest.raises(DatabaseUnavailable, match="is read-only"):
            await database.flush()
        mariadb.execute("SET GLOBAL read_only = 0")
        await database.flush()
        assert await database.find("client-1") == RECORD


@pytest.mark.gen_test
async def test_records_that_mariadb_always_refuses_do_not_delay_the_others(mariadb, tmp_path, caplog):
    url = mariadb.url(mariadb.make_database())
    mariadb.execute("SET GLOBAL max_allowed_packet = 2097152")
    try:
        async with running(PeeweeDatabase(PeeweeSettings(url=url), tmp_path)) as database:
            database.save(saved(1))
            database.save(saved(2, created=float("nan")))
            database.save(saved(3, data={"text": "x" * 3_000_000}))
            database.save(saved(4, data={"text": '"\\\n' * 150_000}))
            await database.flush()
            assert {record.id for record in await database.find_all()} == {"client-1", "client-4"}
    finally:
        mariadb.execute("SET GLOBAL max_allowed_packet = 16777216")
    assert lines(caplog, "ERROR") == [
        "the database cannot store the record of client client-2: a number in it is not finite",
        "the database cannot store the record of client client-3: "
        "it is larger than half of the server's max_allowed_packet, 2097152 bytes",
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.gen_test
async def test_a_full_disk_is_waited_for(kind, tmp_path):
    server = KINDS[kind]()
    try:
        with server.small_disk() as disk:
            url = server.url(server.make_database_on(disk))
            async with running(PeeweeDatabase(PeeweeSettings(url=url, flush=60.0), tmp_path)) as database:
                for number in range(10_000):
                    # Noise, for PostgreSQL would pack anything else.
                    database.save(saved(number, data={"text": random.randbytes(1000).hex()}))
                with pytest.raises(DatabaseUnavailable, match="is full: make room on its disk"):
                    await database.flush()
                disk.grow()
                await database.flush()
                assert len(await database.find_all(limit=20_000)) == 10_000
    finally:
        server.close()
