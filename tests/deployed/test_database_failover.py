"""Real database servers that change under a running server: failover, a suspended owner, what is lost."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.command import wait_for
from tests.support.databases import DatabaseServer, MariaDB
from tests.support.proxy import Proxy
from tests.support.records import RECORD, running, saved, until
from tests.support.served import ask, serving
from thywill.core.changes import Changes, StoredMessage
from thywill.database.base import DatabaseContradiction, DatabaseUnavailable
from thywill.database.peewee import PeeweeDatabase, PeeweeSettings

MESSAGE = StoredMessage("chat", 1, "channel", '"all"', "{}", None, None, None, None, None, 2.5)


@pytest.fixture
def second(database_server: DatabaseServer) -> Iterator[DatabaseServer]:
    """Another server of the same kind."""
    server = type(database_server)()
    yield server
    server.close()


def set_read_only(server: DatabaseServer, *, on: bool) -> None:
    """Do what an operator does to the old server in a planned failover."""
    if isinstance(server, MariaDB):
        server.execute(f"SET GLOBAL read_only = {int(on)}")
    else:
        server.execute(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if on else 'off'}")
        server.execute("SELECT pg_reload_conf()")
        wanted = "on" if on else "off"
        wait_for(lambda: server.execute("SHOW default_transaction_read_only") == [(wanted,)])


async def replicate(url: str, folder: Path) -> None:
    """Make the schema there, as a replica has it."""
    async with running(PeeweeDatabase(PeeweeSettings(url=url), folder)):
        pass


@pytest.mark.gen_test
async def test_a_planned_failover_is_followed(database_server, second, tmp_path):
    first, name = database_server, database_server.make_database()
    second.execute(f"CREATE DATABASE {name}")
    second._grant(name)
    await replicate(second.url(name), tmp_path)
    with Proxy(first.port) as proxy:
        url = first.url(name, port=proxy.server_address[1])
        async with running(PeeweeDatabase(PeeweeSettings(url=url, flush=60.0), tmp_path)) as database:
            await database.flush()
            set_read_only(first, on=True)
            proxy.target = ("127.0.0.1", second.port)  # the address moves; open connections stay
            try:
                database.save(saved(1))

                async def written() -> bool:
                    with suppress(DatabaseUnavailable):
                        await database.flush()
                    return not len(database._pending)

                await until(written)
                assert await database.find("client-1") == RECORD
            finally:
                set_read_only(first, on=False)
    assert second.execute("SELECT COUNT(*) FROM client", name) == [(1,)]


@pytest.mark.gen_test
async def test_of_several_hosts_the_one_that_can_be_written_is_used(database_server, second, tmp_path):
    first, name = database_server, database_server.make_database()
    second.execute(f"CREATE DATABASE {name}")
    second._grant(name)
    url = first.url(name, port=f"{first.port},127.0.0.1:{second.port}")
    set_read_only(first, on=True)
    try:
        async with running(PeeweeDatabase(PeeweeSettings(url=url), tmp_path)) as database:
            database.save(saved(1))
            await database.flush()
    finally:
        set_read_only(first, on=False)
    assert second.execute("SELECT COUNT(*) FROM client", name) == [(1,)]
    second.stop()
    async with running(PeeweeDatabase(PeeweeSettings(url=url), tmp_path)) as database:
        assert await database.find("client-1") is None


@pytest.mark.gen_test
async def test_a_row_of_another_program_does_not_count_as_a_database_that_is_away(database_server, tmp_path):
    url = database_server.url(database_server.make_database())
    async with running(PeeweeDatabase(PeeweeSettings(url=url), tmp_path)) as database:
        await database.messages().write(Changes(messages=[MESSAGE]))
        with pytest.raises(DatabaseContradiction) as caught:
            await database.messages().write(Changes(messages=[MESSAGE]))
    assert str(caught.value).startswith(f"the database refused a write: {database._thread.database.label}")
    assert str(caught.value).endswith("end other programs that write there")
    assert "not available" not in str(caught.value)


@pytest.mark.gen_test
async def test_a_table_that_is_lost_is_created_by_a_restart(database_server, tmp_path, caplog):
    name = database_server.make_database()
    settings = PeeweeSettings(url=database_server.url(name))
    async with running(PeeweeDatabase(settings, tmp_path)) as database:
        database_server.execute("DROP TABLE queue_message", name)
        with pytest.raises(DatabaseContradiction, match="restart the server, which creates it empty"):
            await database.messages().write(Changes(messages=[MESSAGE]))
    async with running(PeeweeDatabase(settings, tmp_path)) as database:
        assert "lacked queue_message, which is now empty" in caplog.text
        await database.messages().write(Changes(messages=[MESSAGE]))


def test_an_owner_that_was_suspended_sends_its_browsers_away(database_server, tmp_path):
    url = database_server.url(database_server.make_database())
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    # One secret, as servers have that take over from one another.
    (folders[0] / "secret").write_bytes(os.urandom(32))
    (folders[1] / "secret").write_bytes((folders[0] / "secret").read_bytes())
    options = ("--queue", "database", "--database", url)
    with serving(folders[0]) as serve, serving(folders[1]) as serve_other:
        first = serve(*options)
        token = ask(first.port, "connect", {"application": "echo"})["token"]
        ask(first.port, "poll", {"token": token, "cursor": 0, "hold": 0})
        first.process.send_signal(signal.SIGSTOP)
        second = serve_other(*options)
        assert ask(second.port, "send", {"token": token, "messages": [[1, "x"]]}) == {"received": 1}
        # The request is there before the owner goes on, which may end soon after that.
        connection = http.client.HTTPConnection("127.0.0.1", first.port, timeout=60)
        connection.request("POST", "/thywill/send", json.dumps({"token": token, "messages": [[1, "y"]]}))
        first.process.send_signal(signal.SIGCONT)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        assert (answer["error"]["code"], answer["error"]["retry"] > 0) in [
            ("unavailable", True),
            ("draining", True),
        ]
        status, _ = first.ended()
        assert status == 2
        *_, line = first.log.read_text().splitlines()
        assert f"another server writes to the database now: process {second.process.pid} on " in line
        answer = ask(second.port, "poll", {"token": token, "cursor": 0})
        assert [text for _, text in answer["messages"]] == ["x"]
