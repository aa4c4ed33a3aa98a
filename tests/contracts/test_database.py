"""The contract of a database, over every implementation."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.support.databases import Servers
from tests.support.records import LASTING, NOW, RECORD, URLS, Saved, running, saved, until
from thywill.core.person import StoredPerson
from thywill.core.record import ClientRecord
from thywill.database.base import Database
from thywill.database.insert import VALUES
from thywill.database.peewee import PeeweeDatabase, PeeweeSettings
from thywill.database.rows import FIELDS

IMPLEMENTATIONS = [*LASTING, "memory"]
Make = Callable[[], Database]

# Rows to a statement.
TOGETHER = VALUES // len(FIELDS)


@pytest.fixture(params=IMPLEMENTATIONS)
def make(request: pytest.FixtureRequest, tmp_path: Path, servers: Servers) -> Make:
    """Return a function that makes the same database anew, as after a restart."""
    url = URLS.get(request.param) or servers.new_url(request.param)
    return lambda: PeeweeDatabase(PeeweeSettings(url=url), tmp_path)


@pytest.fixture(params=LASTING)
def make_lasting(request: pytest.FixtureRequest, tmp_path: Path, servers: Servers) -> Make:
    """Return such a function, only for databases that keep their records after a stop."""
    url = URLS.get(request.param) or servers.new_url(request.param)
    return lambda: PeeweeDatabase(PeeweeSettings(url=url), tmp_path)


@pytest.mark.gen_test
async def test_a_saved_record_is_found(make):
    async with running(make()) as database:
        database.save(saved())
        await database.flush()
        assert await database.find("client-1") == RECORD


@pytest.mark.gen_test
async def test_a_client_that_was_never_saved_is_not_found(make):
    async with running(make()) as database:
        assert await database.find("nobody") is None
        assert await database.find("") is None
        assert await database.find("no\0body\ud800") is None
        assert await database.find("' OR 1=1 --") is None
        assert await database.find_all(state="no\0body\ud800", application="") == []


@pytest.mark.gen_test
async def test_ids_that_look_alike_are_clients_of_their_own(make):
    ids = ["client", "Client", "cliënt", "client ", "clienṯ"]
    async with running(make()) as database:
        for each in ids:
            database.save(saved(id=each, session=each))
        await database.flush()
        assert [(await database.find(each)).session for each in ids] == ids
        assert await database.find("CLIENT") is None


@pytest.mark.gen_test
async def test_a_record_that_is_not_stored_yet_is_found(make):
    async with running(make()) as database:
        client = saved(user_agent="x" * 5000)
        database.save(client)
        waiting = await database.find("client-1")
        await database.flush()
        assert waiting == await database.find("client-1")


@pytest.mark.gen_test
async def test_a_record_that_is_found_is_a_copy(make):
    async with running(make()) as database:
        client = saved(data={"name": "first"})
        database.save(client)
        found = await database.find("client-1")
        found.data["name"] = "spoiled"
        assert client.current.data == {"name": "first"}


@pytest.mark.gen_test
async def test_saved_records_are_written_without_a_flush(make):
    async with running(make()) as database:
        client = saved()
        database.save(client)

        async def asked() -> bool:
            return client.asked == 1

        await until(asked)


@pytest.mark.gen_test
@pytest.mark.parametrize("count", [TOGETHER - 1, TOGETHER, 2 * TOGETHER + 1])
async def test_many_are_written_and_written_again(make, count):
    async with running(make()) as database:
        for state in ("connected", "detached"):
            for number in range(count):
                database.save(saved(number, state=state, user_agent=f"{state} {number}"))
            await database.flush()
        records = await database.find_all(state="detached", limit=count + 1)
    assert {record.id: record.user_agent for record in records} == {
        f"client-{number}": f"detached {number}" for number in range(count)
    }


@pytest.mark.gen_test
async def test_saves_of_one_client_become_one(make):
    async with running(make()) as database:
        client = saved()
        for seen in range(100):
            client.current = replace(RECORD, seen=NOW + seen)
            database.save(client)
        await database.flush()
        assert client.asked == 1
        assert (await database.find("client-1")).seen == NOW + 99
        assert len(await database.find_all()) == 1


@pytest.mark.gen_test
async def test_a_later_object_of_the_same_client_takes_its_place(make):
    async with running(make()) as database:
        database.save(saved(state="connected"))
        database.save(saved(state="detached"))
        await database.flush()
        assert (await database.find("client-1")).state == "detached"


@pytest.mark.gen_test
async def test_an_update_changes_all_but_the_time_of_creation(make):
    async with running(make()) as database:
        database.save(saved())
        await database.flush()
        changed = ClientRecord(
            "client-1", "s2", "echo", "::2", "curl", "sockjs", NOW + 5, NOW + 6, "gone", {}
        )
        database.save(Saved(changed))
        await database.flush()
        assert await database.find("client-1") == replace(changed, created=RECORD.created)


@pytest.mark.gen_test
async def test_flush_waits_for_the_batch_of_another_flush(make):
    async with running(make()) as database:
        for number in range(300):
            database.save(saved(number))
        await asyncio.gather(database.flush(), database.flush())
        database.save(saved(1, state="gone"))
        await asyncio.gather(database.flush(), database.flush())
        assert len(await database.find_all()) == 300
        assert len(await database.find_all(state="gone")) == 1


@pytest.mark.gen_test
async def test_a_cancelled_flush_loses_nothing(make):
    async with running(make()) as database:
        for number in range(300):
            database.save(saved(number))
        flush = asyncio.create_task(database.flush())
        await asyncio.sleep(0)
        flush.cancel()
        await asyncio.gather(flush, return_exceptions=True)
        assert len(await database.find_all()) == 300


@pytest.mark.gen_test
async def test_find_all_filters_orders_and_limits(make):
    async with running(make()) as database:
        database.save(saved(1, seen=NOW + 10, state="connected", application="chat"))
        database.save(saved(2, seen=NOW + 30, state="gone", application="chat"))
        database.save(saved(3, seen=NOW + 20, state="connected", application="echo"))
        database.save(saved(4, seen=NOW + 20, state="detached", application="echo"))

        async def ids(**filters: Any) -> list[str]:
            return [record.id[-1] for record in await database.find_all(**filters)]

        assert await ids() == ["2", "3", "4", "1"]
        assert await ids(state="connected") == ["3", "1"]
        assert await ids(application="echo") == ["3", "4"]
        assert await ids(state="connected", application="chat") == ["1"]
        assert await ids(state="unknown") == []
        assert await ids(limit=2) == ["2", "3"]


@pytest.mark.gen_test
async def test_retire_marks_every_record_as_gone(make):
    async with running(make()) as database:
        for number, state in enumerate(["connected", "detached", "gone"]):
            database.save(saved(number, state=state))
        assert await database.retire() == 2
        assert await database.retire() == 0
        assert {record.state for record in await database.find_all()} == {"gone"}
        assert (await database.find("client-0")).seen == RECORD.seen


@pytest.mark.gen_test
async def test_text_of_any_language_survives(make):
    text = "日本語 العربية עברית Ελληνικά हिन्दी 한국어 e\u0301 𝄞 👩‍👩‍👧 \u202e\u2028 \"'\\%_;--"
    async with running(make()) as database:
        data = {text: [text, "\0", "\ud800", "\uffff", ""]}
        database.save(saved(user_agent=text, address=text, data=data))
        await database.flush()
        found = await database.find("client-1")
        assert (found.user_agent, found.address, found.data) == (text, text, data)


@pytest.mark.gen_test
async def test_characters_that_no_database_stores_are_replaced(make):
    async with running(make()) as database:
        database.save(saved(user_agent="a\0b\ud800c"))
        await database.flush()
        assert (await database.find("client-1")).user_agent == "a\ufffdb\ufffdc"


@pytest.mark.gen_test
async def test_a_long_user_agent_is_cut(make):
    async with running(make()) as database:
        database.save(saved(user_agent="𝄞" * 100_000, transport="t" * 1000))
        await database.flush()
        found = await database.find("client-1")
        assert set(found.user_agent) == {"𝄞"}
        assert 200 <= len(found.user_agent) <= 1000
        assert set(found.transport) == {"t"}


@pytest.mark.gen_test
async def test_large_data_survives(make):
    async with running(make()) as database:
        data = {"text": "x" * 1_000_000}
        database.save(saved(data=data))
        await database.flush()
        assert (await database.find("client-1")).data == data


@pytest.mark.parametrize("data", [{"when": time}, {"number": float("nan")}, {("a", "b"): 1}])
@pytest.mark.gen_test
async def test_data_that_is_not_json_is_logged_and_left_out(make, caplog, data):
    async with running(make()) as database:
        database.save(saved(1, data={"name": "Ada", **data}, state="gone"))
        database.save(saved(2))
        await database.flush()
        assert (await database.find("client-1")) == replace(RECORD, data={"name": "Ada"}, state="gone")
        assert (await database.find("client-2")).data == RECORD.data
    assert "the data of client client-1 is not JSON" in caplog.text


@pytest.mark.gen_test
async def test_a_client_without_a_record_does_not_hold_up_the_others(make, caplog):
    class Broken(Saved):
        def record(self) -> ClientRecord:
            raise RuntimeError("broken")

    async with running(make()) as database:
        database.save(Broken(RECORD))
        await database.flush()
        database.save(Broken(RECORD))
        database.save(saved(2))
        await database.flush()
        assert [record.id for record in await database.find_all()] == ["client-2"]
    assert "the record of client client-1 cannot be made" in caplog.text


@pytest.fixture
def frozen() -> Iterator[None]:
    """The garbage collector looks at nothing that was there before, of which a run of all tests has much."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.gen_test
@pytest.mark.usefixtures("frozen")
async def test_thousands_at_once_do_not_stop_the_loop(make):
    async def probe(turns: list[float]) -> None:
        while True:
            # Of the processor, not of the clock: what else the machine does is not held against the database.
            before = time.process_time()
            await asyncio.sleep(0)
            turns.append(time.process_time() - before)

    async with running(make()) as database:
        turns: list[float] = []
        for number in range(30_000):
            database.save(saved(number))
        probing = asyncio.create_task(probe(turns))
        await database.flush()
        probing.cancel()
        assert max(turns) < 0.1
        assert len(await database.find_all(limit=40_000)) == 30_000


@pytest.mark.gen_test
async def test_records_survive_a_restart(make_lasting):
    async with running(make_lasting()) as database:
        database.save(saved())
    async with running(make_lasting()) as database:
        assert await database.find("client-1") == RECORD
        database.save(saved(state="gone"))
    async with running(make_lasting()) as database:
        assert await database.find("client-1") == replace(RECORD, state="gone")


@pytest.mark.gen_test
async def test_one_object_starts_again_after_a_stop(make_lasting):
    database = make_lasting()
    database.save(saved())
    async with running(database):
        assert await database.find("client-1") == RECORD
    await database.stop()
    async with running(database):
        assert await database.find("client-1") == RECORD


@pytest.mark.gen_test
async def test_stop_without_start_does_nothing(make):
    await make().stop()


@pytest.mark.gen_test
async def test_people_are_found_by_the_next_server_the_oldest_first(make_lasting):
    rows = [StoredPerson("late", '{"name":"Eve"}', 3.0), StoredPerson("early", '{"name":"Zo\\u00eb"}', 1.5)]
    async with running(make_lasting()) as database:
        assert list(await database.load_people()) == []
        await database.save_people(rows, ())
        await database.save_people([StoredPerson("more", "{}", 2.0), rows[0]._replace(seen=4.0)], ())
        await database.save_people((), ["more", "unknown"])
    async with running(make_lasting()) as database:
        assert list(await database.load_people()) == [rows[1], rows[0]._replace(seen=4.0)]
        assert list(await database.load_people(4.0)) == [rows[0]._replace(seen=4.0)]
