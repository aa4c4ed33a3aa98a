"""``thywill.testing``: an application is driven without a browser, and the clock is the test's own."""

from __future__ import annotations

import asyncio
import time

import pytest

from thywill import Application, Client, Refused, RpcError, User, Visitor, every, rpc
from thywill.testing import run

pytestmark = pytest.mark.gen_test


class Board(Application):
    def __init__(self, greeting: str = "hello") -> None:
        self.greeting = greeting
        self.events: list[str] = []
        self.ticks = 0

    async def on_start(self) -> None:
        self.events.append("start")

    async def on_stop(self) -> None:
        self.events.append("stop")

    async def on_connect(self, client: Client) -> None:
        await self.subscribe(client, "board")
        await client.send({"greeting": self.greeting, "to": (1, 2)})

    async def on_message(self, client: Client, message: object) -> None:
        if message == "fail":
            raise OSError("no")
        await self.publish("board", message)

    async def on_disconnect(self, client: Client) -> None:
        self.events.append("disconnect")
        await self.publish("board", "left")

    @every(2)
    async def tick(self) -> None:
        self.ticks += 1

    @rpc
    async def add(self, client: Client, a: int, b: int) -> int:
        return a + b

    @rpc
    async def later(self, client: Client) -> str:
        await asyncio.sleep(10)
        return "now"

    @rpc
    async def in_a_thread(self, client: Client) -> str:
        await asyncio.to_thread(time.sleep, 0.01)
        return "done"


async def test_pages_send_and_get_messages_as_json() -> None:
    async with run(Board, "hi") as app:
        ada, bob = await app.connect(), await app.connect()
        assert await ada.next() == {"greeting": "hi", "to": [1, 2]}
        await ada.send("one", {"n": 2})
        assert await ada.all() == ["one", {"n": 2}]
        await bob.next()
        assert await bob.all() == ["one", {"n": 2}]
        assert app.application.events == ["start"]
        assert ada.session != bob.session
    assert app.application.events == ["start", "stop"]


async def test_calls_are_answered_by_a_result_or_an_error() -> None:
    async with run(Board) as app:
        page = await app.connect()
        assert await page.call("add", 1, 2) == 3
        assert await page.call("in_a_thread") == "done"
        with pytest.raises(RpcError, match=r"^not_found: there is no method 'sub' to call$"):
            await page.call("sub", 1, 2)


async def test_time_stands_still_until_the_test_moves_it() -> None:
    async with run(Board) as app:
        page = await app.connect()
        begun = time.monotonic()
        outcome = await page.begin_call("later")
        await app.advance(9.5)
        assert outcome() is None
        assert app.application.ticks == 4
        await app.advance(0.5)
        assert outcome() == {"result": "now"}
        await app.advance(1000)
        assert app.application.ticks == 505
        assert page.gone is None
        assert time.monotonic() - begun < 60


async def test_a_page_that_stays_away_is_gone_and_one_that_comes_back_gets_all() -> None:
    async with run(Board) as app:
        ada, bob = await app.connect(), await app.connect()
        await ada.all(), await bob.all()
        await bob.go_away()
        await ada.send("while he is away")
        await app.advance(50)
        assert await bob.all() == []
        await bob.come_back()
        assert await bob.next() == "while he is away"
        await bob.go_away()
        await app.advance(70)
        assert app.application.events == ["start", "disconnect"]
        await bob.come_back()
        assert bob.gone == "this client is gone"


async def test_a_page_may_leave_and_another_may_share_its_session() -> None:
    async with run(Board) as app:
        ada = await app.connect()
        again = await app.connect(session=ada.session, address="192.0.2.7")
        assert (again.session, again.client.address) == (ada.session, "192.0.2.7")
        await again.all()
        await ada.leave()
        assert await again.next() == "left"


async def test_what_does_not_come_is_told_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thywill.testing.page.THREADS_TIMEOUT", 0.01)
    async with run(Board) as app:
        page = await app.connect()
        await page.all()
        await page.send("fail")
        with pytest.raises(AssertionError, match="but an error: the application could not handle this"):
            await page.next()
        assert (await page.next_error())["code"] == "failed"
        await page.client.disconnect("enough")
        await app.settle()
        with pytest.raises(AssertionError, match=r"the client has ended \(enough\)"):
            await page.next()


async def test_the_loop_has_its_own_clock_again() -> None:
    loop = asyncio.get_running_loop()
    before, outside = loop.time(), asyncio.ensure_future(asyncio.sleep(0.001))
    await asyncio.sleep(0)
    async with run(Board) as app:
        await app.advance(100)
        assert not outside.done()
    assert loop.time() >= before
    await outside


class Members(Application):
    async def authenticate(self, visitor: Visitor) -> User | None:
        if visitor.cookie("key") == "late":
            await asyncio.sleep(5)
        if visitor.cookie("key") == "banned":
            raise Refused("not you")
        return visitor.ticket or (User("17", "Ada") if visitor.cookie("key") == "a" else None)

    async def on_connect(self, client: Client) -> None:
        await client.send(client.user)


async def test_a_page_belongs_to_whom_authenticate_or_a_ticket_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thywill.testing.running.THREADS_TIMEOUT", 0.01)
    async with run(Members) as app:
        assert await (await app.connect(cookies={"key": "a"})).next() == ["17", "Ada"]
        bob = await app.connect(user=User("18", "Bob"))
        assert await bob.next() == ["18", "Bob"]
        assert await (await app.connect()).next() is None
        await app.application.send_to_user("18", "hello")
        assert await bob.next() == "hello"
        with pytest.raises(Refused, match="not you"):
            await app.connect(cookies={"key": "banned"})
        with pytest.raises(AssertionError, match="authenticate does not answer at this time"):
            await app.connect(cookies={"key": "late"})
