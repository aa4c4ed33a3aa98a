"""The schema and its migrations, on every kind of database."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playhouse.schema_diff import diff_models

from tests.support.databases import Servers
from tests.support.records import LASTING, RECORD, URLS, refusal, running, saved
from thywill.core.changes import Changes
from thywill.database.clients import client_model
from thywill.database.messages import Models
from thywill.database.peewee import PeeweeDatabase, PeeweeSettings
from thywill.database.schema import MIGRATIONS

KNOWN = sorted(path.stem for path in MIGRATIONS.glob("[0-9]*.py"))
NEWEST = int(KNOWN[-1].split("_")[0])

NEXT = "9001_visits"
SCRIPT = """
from peewee import IntegerField

def up(migrator, database):
    migrator.migrate(migrator.add_column("client", "visits", IntegerField(default=1)))
"""
OLD_MESSAGE = """
INSERT INTO queue_message (application, id, kind, name, data, cause_client, cause_number, sent)
VALUES ('chat', 1, 'client', '"client-1"', '{}', 'client-1', 1, 2.5)
"""
FAILING = SCRIPT + "    database.execute_sql('nonsense')\n"

Make = Callable[..., PeeweeDatabase]


@pytest.fixture(params=LASTING)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of database in turn."""
    return str(request.param)


@pytest.fixture
def make(kind: str, tmp_path: Path, servers: Servers) -> Make:
    """Return a function that makes the same database anew, with changes to its settings."""
    url = URLS.get(kind) or servers.new_url(kind)

    def make_one(migrations: Path = MIGRATIONS, **settings: Any) -> PeeweeDatabase:
        class Chosen(PeeweeDatabase):
            pass

        Chosen.migrations = migrations
        return Chosen(PeeweeSettings(**{"url": url} | settings), tmp_path)

    return make_one


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """Return a copy of the folder of migrations, to add to."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations", ignore=ignored))


async def run(database: PeeweeDatabase, sql: str) -> list[Any]:
    connection = database._thread
    return await connection.run(lambda: list(connection.database.execute_sql(sql)))


@pytest.mark.gen_test
async def test_the_migrations_make_the_schema_of_the_models(make):
    async with running(make()) as database:
        connection = database._thread
        queue = Models.bound_to(connection.database)
        models = [client_model(connection.database), queue.client, queue.message, queue.item]
        assert not await connection.run(diff_models, connection.database, [*models, queue.subscription])


@pytest.mark.gen_test
async def test_an_old_schema_is_brought_up_to_date(make, migrations):
    async with running(make()) as database:
        database.save(saved())
    (migrations / f"{NEXT}.py").write_text(SCRIPT)
    async with running(make(migrations)) as database:
        assert await database.find("client-1") == RECORD
        assert await run(database, "SELECT visits FROM client") == [(1,)]


@pytest.mark.gen_test
async def test_messages_of_an_older_schema_have_no_cause_index(make, migrations):
    for later in ("0003_cause_index.py", "0006_history.py"):
        (migrations / later).unlink()
    async with running(make(migrations)) as database:
        connection = database._thread
        await connection.run(connection.database.execute_sql, OLD_MESSAGE)
    async with running(make()) as database:
        [message] = (await database.messages().load()).messages
        assert (message.cause_number, message.sent, message.cause_index) == (1, 2.5, None)
        new = message._replace(id=2, cause_index=0)
        await database.messages().write(Changes(messages=[new]))
        assert (await database.messages().load()).messages == [message, new]


@pytest.mark.gen_test
async def test_a_newer_schema_is_refused(make, migrations):
    (migrations / f"{NEXT}.py").write_text(SCRIPT)
    async with running(make(migrations)) as database:
        label = database._thread.database.label
    assert await refusal(make()) == (
        f"[database] url: {label} was written by a newer version of thywill "
        f"(schema 9001, this one knows {NEWEST}): upgrade thywill or name another database"
    )


@pytest.mark.gen_test
async def test_a_failing_migration_is_named_and_the_data_stays(make, migrations, kind):
    async with running(make()) as database:
        database.save(saved())
    (migrations / f"{NEXT}.py").write_text(FAILING)
    line = await refusal(make(migrations))
    assert f"migration {NEXT} failed" in line
    assert ("it may be half done" in line) == (kind == "mariadb")
    async with running(make()) as database:
        assert await database.find("client-1") == RECORD


@pytest.mark.gen_test
async def test_a_failing_migration_can_be_undone_and_tried_again(make, migrations, kind):
    (migrations / f"{NEXT}.py").write_text(FAILING)
    await refusal(make(migrations))
    async with running(make()) as database:
        if kind == "mariadb":
            await run(database, "ALTER TABLE client DROP COLUMN visits")
    (migrations / f"{NEXT}.py").write_text(SCRIPT)
    async with running(make(migrations)) as database:
        assert await run(database, "SELECT visits FROM client") == []


@pytest.mark.gen_test
async def test_several_may_start_at_once(make):
    databases = [make() for _ in range(4)]
    await asyncio.gather(*(database.start() for database in databases))
    for number, database in enumerate(databases):
        database.save(saved(number))
    await asyncio.gather(*(database.stop() for database in databases))
    async with running(make()) as database:
        assert len(await database.find_all()) == 4


@pytest.mark.gen_test
async def test_a_start_that_must_not_migrate_names_the_command(make):
    database = make(migrate="refuse")
    label = database._thread.database.label
    assert await refusal(database) == (
        f"[database] migrate: {label} lacks {len(KNOWN)} migrations, {', '.join(KNOWN)}: "
        "apply them with `python run.py migrate`"
    )
    assert await database.pending_migrations() == KNOWN
    assert await database.migrate() == KNOWN
    assert await database.migrate() == []
    assert await database.pending_migrations() == []
    async with running(database):
        database.save(saved())
        await database.flush()


@pytest.mark.gen_test
async def test_a_table_of_another_program_is_refused(make, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "0000_nothing.py").write_text("def up(migrator, database): pass\n")
    async with running(make(tmp_path / "empty")) as database:
        await database._thread.run(
            database._thread.database.execute_sql, "CREATE TABLE client (name INTEGER)"
        )
        await run(database, "DELETE FROM thywill_schema RETURNING name")
    assert "already exists" in await refusal(make())
