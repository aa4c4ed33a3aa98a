"""Records in a relational database: faults, schema and settings."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.support.logs import lines
from tests.support.records import NOW, RECORD, Saved, refusal, running, saved, until
from tests.support.rights import forbidden_folder
from thywill.database.base import DatabaseUnavailable
from thywill.database.peewee import DAY, PURGE_SLICE, PeeweeDatabase, PeeweeSettings
from thywill.database.schema import MIGRATIONS
from thywill.errors import SettingsError


def make(folder: Path, **settings: Any) -> PeeweeDatabase:
    return PeeweeDatabase(PeeweeSettings(**{"url": "sqlite:///test.db", "timeout": 0.05} | settings), folder)


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[Callable[[], sqlite3.Connection]]:
    """Return a function that locks the database for writing until its result is closed."""
    locks: list[sqlite3.Connection] = []

    def take() -> sqlite3.Connection:
        locks.append(sqlite3.connect(tmp_path / "test.db", isolation_level=None))
        locks[-1].execute("BEGIN IMMEDIATE")
        return locks[-1]

    yield take
    for held in locks:
        held.close()


@pytest.mark.gen_test
async def test_a_locked_database_is_retried(tmp_path, lock, caplog):
    caplog.set_level("INFO", "thywill")
    async with running(make(tmp_path, flush=0.01)) as database:
        database.save(saved(1))
        await database.flush()
        held = lock()
        client = saved(2)
        database.save(client)

        async def tried_often() -> bool:
            return client.asked >= 3

        await until(tried_often)
        with pytest.raises(DatabaseUnavailable, match="locked"):
            await database.flush()
        client.current = replace(client.current, state="gone")
        database.save(client)
        assert (await database.find("client-1")).state == "connected"
        assert [record.id for record in await database.find_all()] == ["client-1"]
        held.close()
        await database.flush()
        assert [record.id for record in await database.find_all(state="gone")] == ["client-2"]
    assert lines(caplog, "WARNING") == ["cannot write client records, 1 wait: database is locked"]
    assert len([line for line in lines(caplog, "INFO") if "written again" in line]) == 1


@pytest.mark.gen_test
async def test_a_full_disk_is_waited_for(tmp_path, caplog):
    async with running(make(tmp_path)) as database:
        await limit_pages(database, 20)
        for number in range(2000):
            database.save(saved(number))
        with pytest.raises(DatabaseUnavailable, match="full"):
            await database.flush()
        await limit_pages(database, 100_000)
        await database.flush()
        assert len(await database.find_all(limit=5000)) == 2000


async def limit_pages(database: PeeweeDatabase, pages: int) -> None:
    connection = database._thread
    await connection.run(connection.database.execute_sql, f"PRAGMA max_page_count = {pages}")


@pytest.mark.gen_test
async def test_the_buffer_is_bounded(tmp_path, lock, caplog):
    async with running(make(tmp_path, buffer=10)) as database:
        held = lock()
        for number in range(30):
            database.save(saved(number))
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable):
                await database.flush()
        held.close()
        await database.flush()
        stored = {record.id for record in await database.find_all()}
    assert stored == {f"client-{number}" for number in range(20, 30)}
    assert [line for line in lines(caplog, "WARNING") if "dropped" in line] == [
        "the buffer is full, the oldest updates of client records are dropped: database is locked",
        "20 updates of client records dropped, since the buffer was full",
    ]


@pytest.mark.gen_test
async def test_stop_logs_how_many_records_are_lost(tmp_path, lock, caplog):
    async with running(make(tmp_path)) as database:
        lock()
        database.save(saved())
    assert lines(caplog, "ERROR") == ["1 client records are lost: database is locked"]


@pytest.mark.gen_test
async def test_an_unexpected_error_does_not_end_the_writing(tmp_path, monkeypatch, caplog):
    async with running(make(tmp_path, flush=0.01)) as database:
        with monkeypatch.context() as patch:
            patch.setattr(database._table, "write", lambda rows: 1 / 0)
            database.save(saved())

            async def reported() -> bool:
                return "ZeroDivisionError" in caplog.text

            await until(reported)
        await database.flush()
        assert [record.id for record in await database.find_all()] == ["client-1"]


@pytest.mark.gen_test
async def test_a_database_that_is_not_open_says_so(tmp_path):
    database = make(tmp_path)
    database.save(saved(1))
    assert await database.find("client-1") == RECORD
    with pytest.raises(DatabaseUnavailable, match="not open"):
        await database.find("client-2")
    with pytest.raises(DatabaseUnavailable, match="not open"):
        await database.flush()


@pytest.mark.gen_test
async def test_a_record_that_the_database_refuses_does_not_hold_up_the_others(tmp_path, caplog):
    async with running(make(tmp_path)) as database:
        database.save(saved(1))
        database.save(saved(2, created=float("nan")))
        database.save(saved(3))
        await database.flush()
        assert {record.id for record in await database.find_all()} == {"client-1", "client-3"}
    assert "the record of client client-2" in caplog.text


@pytest.mark.gen_test
async def test_old_records_of_gone_clients_are_deleted(tmp_path):
    old = NOW - 31 * DAY
    number = 2 * PURGE_SLICE + 10
    async with running(make(tmp_path)) as database:
        for index in range(number):
            database.save(saved(index, state="gone", seen=old))
        database.save(saved(number, state="gone", seen=NOW - 29 * DAY))
        database.save(saved(number + 1, state="detached", seen=old))
    async with running(make(tmp_path, keep=0)) as database:
        assert len(await database.find_all(limit=5000)) == number + 2
    async with running(make(tmp_path)) as database:

        async def purged() -> bool:
            return len(await database.find_all(limit=5000)) == 2

        await until(purged)


@pytest.mark.gen_test
async def test_beyond_the_quota_the_oldest_records_of_gone_clients_are_deleted(tmp_path):
    async with running(make(tmp_path, records=3)) as database:
        for number in range(1, 7):
            state = "connected" if number == 1 else "gone"
            database.save(saved(number, seen=NOW - 100 + number, state=state))
        await database.flush()
        await database._purge()
        assert [record.id for record in await database.find_all()] == ["client-6", "client-5", "client-1"]
    async with running(make(tmp_path, records=0)) as database:
        await database._purge()
        assert len(await database.find_all()) == 3


@pytest.mark.gen_test
async def test_data_that_is_not_json_counts_as_empty(tmp_path):
    async with running(make(tmp_path)) as database:
        database.save(saved(1))
        database.save(saved(2))
        await database.flush()
        with closing(sqlite3.connect(tmp_path / "test.db")) as other, other:
            other.execute("UPDATE client SET data = '{' WHERE id = 'client-1'")
            other.execute("UPDATE client SET data = '[1]' WHERE id = 'client-2'")
        assert [record.data for record in await database.find_all()] == [{}, {}]


@pytest.mark.gen_test
async def test_sqlite_writes_ahead(tmp_path):
    async with running(make(tmp_path)) as database:
        connection = database._thread
        assert await connection.run(connection.database.pragma, "journal_mode") == "wal"
        assert await connection.run(connection.database.pragma, "synchronous") == 1
        assert await connection.run(connection.database.pragma, "busy_timeout") == 50


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"flush": 0}, "[database] flush must be more than 0, not 0"),
        ({"buffer": -1}, "[database] buffer must be more than 0, not -1"),
        ({"keep": -1}, "[database] keep must not be below 0, not -1"),
        ({"timeout": -0.5}, "[database] timeout must not be below 0, not -0.5"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings, words):
    with pytest.raises(SettingsError) as caught:
        PeeweeSettings(**settings)
    assert str(caught.value) == words


@pytest.mark.gen_test
async def test_a_relative_file_is_below_the_folder_and_an_absolute_one_is_not(tmp_path):
    async with running(make(tmp_path, url="sqlite:///deep/my%20%3Ffile.db")):
        assert (tmp_path / "deep" / "my ?file.db").exists()
    async with running(make(tmp_path, url=f"sqlite:///{tmp_path}/absolute.db")):
        assert (tmp_path / "absolute.db").exists()


@pytest.mark.gen_test
async def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    line = await refusal(make(tmp_path, url="sqlite:///file/test.db"))
    assert line == f"[database] url: cannot create {tmp_path}/file: File exists"


@pytest.mark.gen_test
async def test_a_folder_without_rights_is_refused():
    with forbidden_folder() as folder:
        assert "its folder writable" in await refusal(make(folder))
        line = await refusal(make(folder, url="sqlite:///deeper/test.db"))
    assert line == f"[database] url: cannot create {folder}/deeper: Permission denied"


@pytest.mark.gen_test
async def test_a_disk_that_cannot_be_written_is_refused(tmp_path):
    async with running(make(tmp_path)) as database:
        database.save(saved())
    with forbidden_folder(tmp_path / "test.db") as folder:
        line = await refusal(make(folder))
    assert line.startswith(f"[database] url: {folder}/test.db cannot be ")
    assert "folder" in line


@pytest.mark.gen_test
async def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "test.db").mkdir()
    assert "it must be a file" in await refusal(make(tmp_path))


@pytest.mark.gen_test
async def test_a_file_that_is_not_a_database_is_refused(tmp_path):
    (tmp_path / "test.db").write_text("something else entirely " * 100)
    line = await refusal(make(tmp_path))
    assert line == f"[database] url: {tmp_path}/test.db is not an SQLite database: name another file"


@pytest.mark.gen_test
async def test_a_table_of_another_program_is_refused(tmp_path):
    with closing(sqlite3.connect(tmp_path / "test.db")) as other, other:
        other.execute("CREATE TABLE client (name TEXT)")
    assert 'table "client" already exists' in await refusal(make(tmp_path))


@pytest.mark.gen_test
async def test_a_database_locked_by_another_program_is_refused(tmp_path, lock):
    async with running(make(tmp_path)):
        pass
    lock()
    assert "locked by another program" in await refusal(make(tmp_path))


@pytest.mark.gen_test
async def test_a_start_that_failed_can_be_repeated(tmp_path):
    (tmp_path / "test.db").mkdir()
    database = make(tmp_path)
    await refusal(database)
    (tmp_path / "test.db").rmdir()
    async with running(database):
        database.save(Saved(RECORD))
        await database.flush()


# A file that changes under the server.


async def refused(database: PeeweeDatabase) -> str:
    """Return the error of a write."""
    database.save(saved())
    with pytest.raises(DatabaseUnavailable) as caught:
        await database.flush()
    return str(caught.value)


@pytest.mark.parametrize("end", ["", "-wal", "-shm"])
@pytest.mark.gen_test
async def test_a_file_that_is_moved_away_is_refused_until_it_is_back(tmp_path, end):
    async with running(make(tmp_path, flush=60.0)) as database:
        database.save(saved(1))
        await database.flush()
        file = tmp_path / f"test.db{end}"
        file.rename(tmp_path / "elsewhere")
        assert f"{file} was moved away, deleted or replaced while the server used it" in await refused(
            database
        )
        assert not file.exists()
        (tmp_path / "elsewhere").rename(file)
        await database.flush()
        assert {record.id for record in await database.find_all()} == {"client-1"}


@pytest.mark.gen_test
async def test_a_file_that_is_replaced_is_refused(tmp_path):
    async with running(make(tmp_path, flush=60.0)) as database:
        database.save(saved(1))
        await database.flush()
        (tmp_path / "copy").write_bytes((tmp_path / "test.db").read_bytes())
        (tmp_path / "copy").rename(tmp_path / "test.db")
        assert "put the same file back, or restart the server" in await refused(database)


@pytest.mark.gen_test
async def test_another_program_that_reads_the_file_does_no_harm(tmp_path):
    async with running(make(tmp_path, flush=60.0)) as database:
        for number in range(3):
            database.save(saved(number))
            await database.flush()
            with closing(sqlite3.connect(tmp_path / "test.db")) as other:
                assert other.execute("SELECT COUNT(*) FROM client").fetchone() == (number + 1,)


@pytest.mark.parametrize("name", ["app[1]", "100%", "a?b#c", "it's {x}", "*"])
@pytest.mark.gen_test
async def test_a_folder_may_have_any_name(tmp_path, name):
    folder = tmp_path / name
    shutil.copytree(MIGRATIONS, folder / "migrations")

    class Elsewhere(PeeweeDatabase):
        migrations = folder / "migrations"

    database = Elsewhere(PeeweeSettings(), folder / "var")
    async with running(database):
        database.save(saved(1))
        await database.flush()
    assert (folder / "var" / "thywill.db").is_file()
