"""The echo, with its pages."""

from __future__ import annotations

from typing import Any
from unittest import IsolatedAsyncioTestCase

from apps.echo import Echo
from thywill.testing import run


class TestEcho(IsolatedAsyncioTestCase):
    async def test_everything_comes_back_to_its_sender_alone(self) -> None:
        async with run(Echo) as app:
            ada, ben = await app.connect(), await app.connect()
            messages: list[Any] = [None, 0, "<b>\u202e\U0001f600", {"text": "a", "sent": 1.5}, [[]]]
            await ada.send(*messages)
            assert await ada.all() == messages
            assert await ben.all() == []

    async def test_what_cannot_be_sent_back_is_an_error_and_no_traceback(self) -> None:
        with self.assertNoLogs(level="ERROR"):
            async with run(Echo) as app:
                page = await app.connect()
                await page.send(2**53)
                assert (await page.next_error())["code"] == "unsendable"

    async def test_what_was_sent_while_the_network_was_away_comes_back(self) -> None:
        async with run(Echo) as app:
            page = await app.connect()
            await page.send(1)
            await page.go_away()
            await page.send(2, 3)
            await app.advance(10)
            await page.come_back()
            assert await page.all() == [1, 2, 3]

    async def test_the_page_can_be_cut(self) -> None:
        async with run(Echo) as app:
            page = await app.connect()
            counted = await page.begin_call("count")
            await app.advance(11)
            assert [(each["n"], each["of"]) for each in await page.all()] == [
                (number, 100) for number in range(1, 101)
            ]
            assert counted() == {"result": 100}
