"""The delivery promise, whatever carries the messages."""

from __future__ import annotations

import asyncio

import pytest

from tests.contracts.push.conftest import Desk
from tests.support.serving import hasten, until
from tests.support.transports import LongPoll, Transport

pytestmark = pytest.mark.gen_test


# To the browser.


async def test_messages_come_in_order(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page(kind)
    for number in range(5):
        await page.send(*({"echo": [number, each, "ü\u2028\U0001f600<"]} for each in range(5)))
    expected = [[number, each, "ü\u2028\U0001f600<"] for number in range(5) for each in range(5)]
    assert await page.until(25) == expected


async def test_a_broadcast_reaches_everyone(desk: Desk, kind: type[Transport]) -> None:
    pages = [await desk.page(each) for each in (kind, LongPoll, kind)]
    await pages[0].send({"publish": "all"})
    for page in pages:
        assert await page.until(1) == ["all"]


async def test_messages_wait_while_the_page_is_away(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page(kind)
    await page.send({"echo": "first"})
    await page.until(1)
    await page.transport.close()
    await page.use(LongPoll)
    await page.send({"echo": "second"}, {"echo": "third"})
    await until(lambda: len(page.running.probe.messages) == 3)
    await page.use(kind)
    assert await page.until(3) == ["first", "second", "third"]


async def test_unacknowledged_messages_come_again(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page(kind)
    await page.send({"echo": "a"}, {"echo": "b"})
    assert (await page.transport.receive())["messages"]
    await page.transport.close()
    await page.use(kind)
    assert await page.until(2) == ["a", "b"]


async def test_acknowledged_messages_leave_the_outbox(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page(kind)
    client = page.running.service.engine.directory.clients[page.id]
    await page.send({"echo": "a"}, {"echo": "b"})
    await page.until(2)
    waiting = asyncio.ensure_future(page.step())
    await until(lambda: client.outbox.cursor == page.cursor and not client.outbox.entries)
    await page.send({"echo": "c"})
    await waiting
    assert page.data == ["a", "b", "c"]


async def test_an_overflow_is_reported(desk: Desk, kind: type[Transport]) -> None:
    await desk.serve(queue={"messages": 3})
    page = await desk.page()
    await page.use(LongPoll)
    await page.send(*({"echo": number} for number in range(10)))
    await until(lambda: len(page.running.probe.messages) == 10)
    await page.use(kind)
    assert await page.until(3) == [7, 8, 9]
    assert page.lost == 7


async def test_a_loss_that_no_message_follows_is_reported(desk: Desk, kind: type[Transport]) -> None:
    await desk.serve(queue={"messages": 3, "overflow": "drop_newest"})
    page = await desk.page()
    await page.use(LongPoll)
    await page.send(*({"echo": number} for number in range(10)))
    await until(lambda: len(page.running.probe.messages) == 10)
    await page.use(kind)
    assert await page.until(3) == [0, 1, 2]
    while page.lost < 7:
        await page.step()
    waiting = asyncio.ensure_future(page.step())
    await until(lambda: not page.running.service.engine.directory.clients[page.id].outbox.entries)
    await page.send({"echo": "x"})
    await waiting
    assert (page.data, page.lost) == ([0, 1, 2, "x"], 7)


async def test_the_newest_wins(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page(kind)
    older = page.transport
    waiting = asyncio.ensure_future(older.receive())
    await until(lambda: page.running.service.engine.directory.clients[page.id].receiver)
    await page.use(kind)
    await page.step()
    assert (await waiting)["superseded"] is True
    await page.send({"echo": "x"})
    assert await page.until(1) == ["x"]


# To the server.


async def test_messages_arrive_in_order_and_once(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page(kind)
    assert await page.send("a", "b") == {"received": 2}
    repeat = [[2, "b"], [3, "c"]]
    assert await page.transport.send(repeat) == {"received": 3}
    assert await page.transport.send(repeat) == {"received": 3}
    await until(lambda: page.running.probe.messages == ["a", "b", "c"])


async def test_the_numbers_go_on_with_another_transport(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page(LongPoll)
    await page.send("a")
    await page.use(kind)
    assert await page.send("b") == {"received": 2}
    await page.use(LongPoll)
    assert await page.send("c") == {"received": 3}
    await until(lambda: page.running.probe.messages == ["a", "b", "c"])


async def test_a_gap_is_refused_and_mended(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page(kind)
    await page.send("a")
    error = (await page.transport.send([[3, "c"]]))["error"]
    assert (error["code"], error["received"]) == ("gap", 1)
    assert await page.send("b", "c") == {"received": 3}


async def test_messages_over_the_limits(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page(kind)
    too_large = [[1, "x" * 65_537]], [[n, 0] for n in range(1, 102)]
    for items in too_large:
        assert (await page.transport.send(items))["error"]["code"] == "too_large"
    assert await page.send("x" * 65_534) == {"received": 1}


async def test_too_many_for_the_application(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page(kind)
    await page.send({"wait": None}, *range(99))
    assert await page.send(*range(100)) == {"received": 200}
    error = (await page.transport.send([[201, 0]]))["error"]
    assert (error["code"], error["retry"]) == ("too_many", 1)
    page.running.probe.gate.set()
    await until(lambda: len(page.running.probe.messages) == 200)
    assert await page.send("more") == {"received": 201}


async def test_calls_are_answered(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page(kind)
    await page.transport.send([[1, [1, 2], "add"], [2, [], "refuse"], [3, {"raise": "on purpose"}]])
    while len(page.replies) < 3:
        await page.step()
    assert page.replies[1] == {"result": 3}
    assert page.replies[2] == {"error": {"code": "no", "message": "not today"}}
    assert page.replies[3]["error"]["code"] == "failed"


# The client's life.


async def test_another_address_changes_nothing(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page(kind, "X-Forwarded-For: 192.0.2.1")
    await page.send({"echo": 1})
    await page.until(1)
    page.transport.headers = ("X-Forwarded-For: 192.0.2.2",)
    await page.send({"echo": 2})
    assert await page.until(2) == [1, 2]
    await page.use(kind, "X-Forwarded-For: 192.0.2.3")
    await page.send({"echo": 3})
    assert await page.until(3) == [1, 2, 3]
    client = page.running.service.engine.directory.clients[page.id]
    assert client.address == "192.0.2.3"
    assert client.transport.endswith(kind.shown())


async def test_leaving(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page(kind)
    await page.send("x")
    await page.transport.leave()
    await until(lambda: ("disconnect", page.id) in page.running.probe.events)
    assert (await page.notice())["error"]["code"] == "gone"


async def test_the_application_may_disconnect(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page(kind)
    await page.send({"evict": "enough"})
    assert (await page.notice())["error"] == {"code": "gone", "message": "enough"}
    page.notices.clear()
    await page.use(kind)
    assert (await page.notice())["error"] == {"code": "gone", "message": "enough"}


async def test_a_client_whose_page_stays_away_is_gone(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page()
    await page.use(kind)
    await page.step()
    await page.transport.close()
    hasten(page.running)
    await until(lambda: page.id not in page.running.service.engine.directory.clients)


async def test_a_drain_sends_the_page_away(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page(kind)
    await page.send({"echo": "kept"})
    await page.until(1)
    page.running.service.engine.drain.begin(1)
    assert 1 <= (await page.notice())["retry"] <= 2
    assert page.data == ["kept"]


async def test_a_cursor_above_the_last_id_ends_the_client(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page()
    page.cursor = 2**53 - 1
    await page.use(kind)
    assert (await page.notice())["error"]["code"] == "gone"


@pytest.mark.parametrize("cursor", [1, 7])
async def test_a_cursor_that_was_never_sent(desk: Desk, kind: type[Transport], cursor: int) -> None:
    page = await desk.page()
    page.cursor = cursor
    await page.use(kind)
    assert (await page.notice())["error"]["code"] == "malformed"
    page.cursor = 0
    page.notices.clear()
    await page.use(kind)
    await page.send({"echo": "kept"})
    assert await page.until(1) == ["kept"]


async def test_a_token_that_this_server_did_not_issue(desk: Desk, kind: type[Transport]) -> None:
    page = await desk.page()
    page.token += "x"
    await page.use(kind)
    assert (await page.notice())["error"]["code"] == "bad_token"
