"""A page that changes what carries its messages in the middle of them, on a network that breaks off."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.contracts.push.conftest import Desk
from tests.support.page import Page
from tests.support.serving import until
from tests.support.transports import TRANSPORTS, Cut, LongPoll, SockJS, Transport, Xhr
from thywill.core.envelope import encode_message
from thywill.core.message import Address

pytestmark = pytest.mark.gen_test

MESSAGES = 150
LIMIT = 1000
SEEDS = range(6)


class Traveller:
    """Moves a page about while messages go both ways, as ``chance`` has it."""

    def __init__(self, page: Page, seed: int) -> None:
        self.page = page
        self.chance = random.Random(seed)
        self.confirmed = 0
        self.cuts = 0

    async def publish(self) -> None:
        """Have the application send to the page, a few messages in a turn."""
        actions, address = self.page.running.service.engine.actions, Address.client(self.page.id)
        for number in range(MESSAGES):
            await actions.append("probe", address, encode_message(address, [number, "x" * 30], LIMIT))
            if self.chance.random() < 0.3:
                await asyncio.sleep(self.chance.uniform(0, 0.01))

    async def travel(self) -> None:
        """Change the transport again and again until all has arrived, both ways."""
        while len(self.page.data) < MESSAGES or self.confirmed < MESSAGES:
            try:
                budget = self.chance.choice([None, self.chance.randint(1, 600), self.chance.randint(1, 6000)])
                await self.page.use(self.chance.choice(TRANSPORTS), budget=budget)
                for _ in range(self.chance.randint(0, 8)):
                    await self._go_on()
            except Cut:
                self.cuts += 1
            if self.chance.random() < 0.5:
                await self.page.transport.close()

    async def _go_on(self) -> None:
        if self.chance.random() < 0.5 and self.confirmed < MESSAGES:
            await self._send()
        elif len(self.page.data) < MESSAGES:
            await self.page.step()

    async def _send(self) -> None:
        first = self.confirmed + 1
        last = min(first + self.chance.randint(0, 9), MESSAGES)
        # What was not confirmed goes again: the server knows what it has.
        answer = await self.page.transport.send([[n, n] for n in range(first, last + 1)])
        self.confirmed = answer["received"]


@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_lost_doubled_or_disordered(desk: Desk, seed: int) -> None:
    page = await desk.page()
    traveller = Traveller(page, seed)
    await asyncio.gather(traveller.publish(), traveller.travel())
    assert [data[0] for data in page.data] == list(range(MESSAGES))
    await until(lambda: len(page.running.probe.messages) >= MESSAGES)
    assert page.running.probe.messages == list(range(1, MESSAGES + 1))
    assert traveller.cuts > 0
    assert page.lost == 0


async def test_a_move_keeps_the_subscriptions(desk: Desk, kind: type[Transport]) -> None:
    page, other = await desk.page(LongPoll), await desk.page(LongPoll)
    await page.use(kind)
    await page.step()
    await other.send({"publish": "to all"})
    assert await page.until(1) == ["to all"]
    assert page.running.probe.events.count(("connect", page.id)) == 1


async def test_sends_may_go_another_way(desk: Desk, transport: type[SockJS]) -> None:
    page = await desk.page(transport)
    send = {"token": page.token, "messages": [[1, {"echo": "x"}]]}
    assert await desk.running.ask("send", send) == {"received": 1}
    assert await page.until(1) == ["x"]
    assert desk.running.service.engine.directory.clients[page.id].transport == f"sockjs {transport.shown()}"


async def test_a_session_that_was_left_is_closed(desk: Desk, transport: type[SockJS]) -> None:
    page = await desk.page(transport)
    left = page.transport
    assert isinstance(left, SockJS)
    await page.use(LongPoll)
    await page.step()
    assert (await left.receive())["superseded"] is True
    with pytest.raises(Cut):
        await left.receive()
    assert left.closed == (4200, "superseded")
    await page.send({"echo": "x"})
    assert await page.until(1) == ["x"]


async def test_a_frame_that_got_lost_shows(desk: Desk) -> None:
    page = await desk.page(Xhr)
    session = page.transport
    assert isinstance(session, SockJS)
    await page.send({"echo": "a"})
    lost = await session.receive()
    await page.send({"echo": "b"})
    after = await session.receive()
    # SockJS gives no frame twice, so a page that missed one sees that the next does not follow.
    assert lost["after"] == page.cursor
    assert after["after"] == lost["cursor"] > page.cursor
    await page.use(Xhr)
    assert await page.until(2) == ["a", "b"]
