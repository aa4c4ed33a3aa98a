"""The storage of the durable queue: every database, and the fake that other tests use."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.support.databases import Servers
from tests.support.queue_fakes import FakeStore
from thywill.core.changes import (
    Changes,
    MembershipChange,
    Stored,
    StoredClient,
    StoredItem,
    StoredMessage,
    StoredPublication,
    StoredSubscription,
)
from thywill.database.base import DatabaseUnavailable, MessageStore
from thywill.database.peewee import PeeweeDatabase, PeeweeSettings

pytestmark = pytest.mark.gen_test
Open = Callable[[], AbstractAsyncContextManager[MessageStore]]

TEXT = "Zoë \u2028 😀 \\ ' \" %s"


def client(number: int = 1, application: str = "chat") -> StoredClient:
    return StoredClient(f"client-{number}", application, "session", 1.5, cursor=7)


def message(number: int, application: str = "chat", data: str = TEXT) -> StoredMessage:
    return StoredMessage(
        application, number, "channel", '"all"', json.dumps(data), None, None, None, None, None, 2.5
    )


@pytest.fixture(params=["fake", "sqlite", "mariadb", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path, servers: Servers) -> Open:
    """Return a function that opens the same store, each time as the next server would."""
    if request.param == "fake":
        fake = FakeStore()

        @asynccontextmanager
        async def same() -> AsyncIterator[MessageStore]:
            yield fake

        return same
    url = "sqlite:///test.db" if request.param == "sqlite" else servers.new_url(request.param)

    @asynccontextmanager
    async def anew() -> AsyncIterator[MessageStore]:
        database = PeeweeDatabase(PeeweeSettings(url=url), tmp_path)
        await database.start()
        try:
            yield database.messages()
        finally:
            await database.stop()

    return anew


async def write(opened: Open, *all_changes: Changes) -> Stored:
    """Write the changes one after another, and return what the next server finds."""
    async with opened() as store:
        for changes in all_changes:
            await store.write(changes)
    async with opened() as store:
        return await store.load()


async def test_everything_is_found_by_the_next_server(opened):
    values = (3, "key", "conflate", "client-1", 4, 5.5, 6, True, "client-2")
    full = StoredMessage("chat", 2, "client", '"client-1"', "{}", *values)
    kept = await write(
        opened,
        Changes(
            clients={"client-1": client(1)},
            messages=[message(1), full],
            items=[StoredItem("client-1", 1, json.dumps([1, TEXT]))],
            memberships=[MembershipChange(True, "client-1", json.dumps("röom"), 7)],
        ),
    )
    assert kept.messages == [message(1), full]
    assert kept.clients == [client(1)._replace(received=1)]
    assert kept.items == [StoredItem("client-1", 1, json.dumps([1, TEXT]))]
    assert kept.subscriptions == [StoredSubscription("client-1", json.dumps("röom"), 7, None)]


async def test_an_empty_store_has_no_rows(opened):
    assert await write(opened) == Stored()


async def test_messages_come_in_the_order_of_their_ids(opened):
    kept = await write(opened, Changes(messages=[message(10), message(9)]), Changes(messages=[message(2)]))
    assert [row.id for row in kept.messages] == [2, 9, 10]


async def test_ids_are_those_of_their_application(opened):
    kept = await write(opened, Changes(messages=[message(1), message(1, "echo")]))
    assert sorted(row.application for row in kept.messages) == ["chat", "echo"]


async def test_large_numbers_and_large_messages(opened):
    row = message(2**53 - 1, data="x" * 300_000)
    kept = await write(opened, Changes(messages=[row]))
    assert kept.messages == [row]


async def test_changes_of_a_client(opened):
    first = Changes(clients={"client-1": client(1), "client-2": client(2)})
    second = Changes(
        items=[StoredItem("client-1", n, "[]") for n in (1, 2, 3)],
        cursors={"client-1": 9},
        handled={"client-1": 2},
        gone={"client-2": None},
    )
    kept = await write(opened, first, second)
    one, two = sorted(kept.clients)
    assert (one.cursor, one.received, one.handled, bool(one.gone)) == (9, 3, 2, False)
    assert (two.cursor, two.received, two.handled, bool(two.gone)) == (7, 0, -1, True)
    assert [item.n for item in kept.items] == [3]


async def test_the_data_of_a_client_is_what_was_written_last(opened):
    first = Changes(clients={"client-1": client(1)._replace(data="{}"), "client-2": client(2)})
    text = json.dumps({"name": TEXT, "large": "x" * 300_000})
    later = Changes(handled={"client-1": 1}, data={"client-1": text, "nobody": text})
    one, two = sorted((await write(opened, first, later)).clients)
    assert (one.handled, one.data, two.data) == (1, text, None)
    kept = await write(opened, Changes(handled={"client-1": 2}), Changes(data={"client-2": '{"a":1}'}))
    one, two = sorted(kept.clients)
    assert (one.handled, one.data, two.data) == (2, text, '{"a":1}')


async def test_messages_of_an_evicted_client_behind_its_last_step_do_not_count_as_received(opened):
    first = Changes(clients={"client-1": client(1)}, items=[StoredItem("client-1", n, "[]") for n in (1, 2)])
    both = Changes(
        items=[StoredItem("client-1", 3, "[]")],
        gone={"client-1": None},
        evicted={"client-1": (1, json.dumps(TEXT))},
    )
    [one] = (await write(opened, first, both)).clients
    assert (one.received, bool(one.gone), one.evicted) == (1, True, json.dumps(TEXT))


async def test_data_that_is_larger_than_the_server_takes_keeps_nothing_else_from_being_written(
    tmp_path, servers
):
    huge = "x" * 20_000_000
    database = PeeweeDatabase(PeeweeSettings(url=servers.new_url("mariadb")), tmp_path)
    await database.start()
    store = database.messages()
    await store.write(Changes(clients={"client-1": client(1), "client-2": client(2)._replace(data=huge)}))
    await store.write(Changes(data={"client-1": "{}", "client-2": "{}"}))
    await store.write(Changes(handled={"client-1": 1}, data={"client-1": huge}))
    one, two = sorted((await store.load()).clients)
    await database.stop()
    assert (one.handled, one.data, two.data) == (1, "{}", "{}")


@pytest.mark.gen_test
async def test_large_messages_together_stay_below_the_limit_of_the_server(tmp_path, servers):
    items = [StoredItem("client-1", number, "x" * 60_000) for number in range(1, 400)]
    database = PeeweeDatabase(PeeweeSettings(url=servers.new_url("mariadb")), tmp_path)
    await database.start()
    store = database.messages()
    await store.write(Changes(items=items))
    kept = await store.load()
    await database.stop()
    assert kept.items == items


async def test_channels_are_left_and_entered_in_order(opened):
    moves = [
        MembershipChange(True, "client-1", '"a"', 1),
        MembershipChange(False, "client-1", '"a"', 3),
        MembershipChange(True, "client-1", '"a"', 5),
        MembershipChange(True, "client-1", '"b"', 5),
        MembershipChange(True, "client-1", '"A"', 5),
        MembershipChange(False, "client-1", '"b"', 6),
    ]
    kept = await write(opened, Changes(memberships=moves))
    found = sorted((each.channel, each.since, each.until) for each in kept.subscriptions)
    assert found == [('"A"', 5, None), ('"a"', 1, 3), ('"a"', 5, None), ('"b"', 5, 6)]


async def test_nothing_is_left_of_a_forgotten_client(opened):
    both = Changes(
        clients={"client-1": client(1), "client-2": client(2)},
        items=[StoredItem("client-1", 1, "[]"), StoredItem("client-2", 1, "[]")],
        memberships=[
            MembershipChange(True, "client-1", '"a"', 1),
            MembershipChange(True, "client-2", '"a"', 1),
        ],
    )
    kept = await write(opened, both, Changes(forgotten={"client-1": None}))
    assert [row.id for row in kept.clients] == ["client-2"]
    assert [row.client for row in kept.items] == ["client-2"]
    assert [row.client for row in kept.subscriptions] == ["client-2"]


async def test_changes_whose_outcome_is_unknown_may_be_written_again(opened):
    changes = Changes(clients={"client-1": client(1)}, items=[StoredItem("client-1", 1, "[]")])
    kept = await write(opened, changes, changes)
    assert (len(kept.clients), len(kept.items)) == (1, 1)


async def test_a_message_whose_id_exists_is_refused(opened):
    async with opened() as store:
        await store.write(Changes(messages=[message(1)]))
        with pytest.raises(DatabaseUnavailable):
            await store.write(Changes(clients={"client-1": client(1)}, messages=[message(1, data="other")]))
        kept = await store.load()
        assert (kept.messages, kept.clients) == ([message(1)], [])
        await store.write(Changes(messages=[message(2)], withdrawn=[("chat", 1)]))
        assert (await store.load()).messages == [message(2)]


async def test_messages_are_withdrawn(opened):
    kept = await write(
        opened, Changes(messages=[message(1), message(2)]), Changes(withdrawn=[("chat", 1), ("chat", 9)])
    )
    assert [row.id for row in kept.messages] == [2]


async def test_messages_are_trimmed_and_others_stay(opened):
    async with opened() as store:
        await store.write(Changes(messages=[message(number) for number in range(1, 5001)]))
        await store.write(Changes(messages=[message(1, "echo")]))
        await store.trim("chat", 4998)
        await store.trim("chat", 4998)
    async with opened() as store:
        rows = (await store.load()).messages
    assert sorted((row.application, row.id) for row in rows) == [("chat", 4999), ("chat", 5000), ("echo", 1)]


async def test_subscriptions_that_have_ended_go_with_their_messages(tmp_path):
    database = PeeweeDatabase(PeeweeSettings(), tmp_path)
    await database.start()
    store = database.messages()
    moves = [
        MembershipChange(True, "client-1", '"a"', 1),
        MembershipChange(False, "client-1", '"a"', 3),
        MembershipChange(True, "client-1", '"b"', 1),
    ]
    await store.write(Changes(clients={"client-1": client(1)}, memberships=moves, messages=[message(4)]))
    await store.trim("chat", 4)
    found = [each.channel for each in (await store.load()).subscriptions]
    await database.stop()
    assert found == ['"b"']


def publication(number: int, sent: float = 2.5) -> StoredPublication:
    return StoredPublication("chat", number, f"{number:032x}", "d" * 32, sent)


async def test_publications_are_found_by_the_next_server_in_the_order_of_their_time(opened):
    later, earlier = publication(1, sent=3.5), publication(2)
    kept = await write(opened, Changes(publications=[later, earlier]))
    assert kept.publications == [earlier, later]


async def test_publications_are_withdrawn_with_their_messages(opened):
    both = Changes(messages=[message(1), message(2)], publications=[publication(1), publication(2)])
    kept = await write(opened, both, Changes(withdrawn=[("chat", 1)]))
    assert [row.id for row in kept.messages] == [2]
    assert kept.publications == [publication(2)]


async def test_old_publications_are_forgotten_and_their_messages_stay(opened):
    rows = [publication(number, sent=float(number)) for number in (1, 2, 3)]
    async with opened() as store:
        await store.write(Changes(messages=[message(1)], publications=rows))
        await store.forget_publications(3.0)
        kept = await store.load()
    assert (kept.publications, kept.messages) == ([rows[2]], [message(1)])


async def test_a_history_is_not_trimmed_until_it_is_released(opened: Open) -> None:
    async with opened() as store:
        kept = [message(number)._replace(history=number in (1, 3)) for number in (1, 2, 3, 4)]
        await store.write(Changes(messages=kept))
        await store.trim("chat", 4)
        assert [row.id for row in (await store.load()).messages] == [1, 3]
        await store.release("chat", {"all": 3, "other": 9})
        await store.trim("chat", 4)
        assert [(row.id, row.history) for row in (await store.load()).messages] == [(3, True)]


async def test_an_entry_is_withdrawn_with_its_message(opened: Open) -> None:
    async with opened() as store:
        entry = MembershipChange(True, "client-1", '"all"', 5)
        await store.write(Changes(clients={"client-1": client()}, messages=[message(5)], entries=[entry]))
        assert [row.since for row in (await store.load()).subscriptions] == [5]
        await store.write(Changes(withdrawn=[("chat", 5)], unentered=[entry]))
        stored = await store.load()
        assert (stored.messages, stored.subscriptions) == ([], [])
