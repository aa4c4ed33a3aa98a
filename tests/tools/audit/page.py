"""The Python client: correct, strict, and quick to come back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
import traceback
from collections.abc import Callable
from typing import Any

from tests.tools.audit.account import Account, Client
from tests.tools.audit.carriers import CARRIERS, Carrier, Over
from tests.tools.audit.wire import Broken, Line

BACKOFF = 0.2
CAP = 3.0
ANSWER_SECONDS = 4.0
PASSING = ("too_many", "draining", "internal", "unavailable")


class Gone(Exception):
    """The server does not know this client any longer."""


class Page:
    """One client, until it is told that it is gone; then it ends, and ``on_gone`` is called.

    Args:
        label: its name in the account, and to the network.
        port: the network's.
        cookies: its browser's.
        account: is told what it sees and sends.
        rng: its own chance.
        pace: seconds between two messages that it sends.
    """

    def __init__(
        self,
        label: str,
        port: int,
        cookies: dict[str, str],
        account: Account,
        rng: random.Random,
        pace: float,
        on_gone: Callable[[], None],
    ) -> None:
        self.label = label
        self.rng = rng
        self.carrier_name = rng.choice(list(CARRIERS))
        self.token = ""
        self.cursor = 0
        self.hold = 0.0
        self.is_quiet = False
        self._port = port
        self._cookies = cookies
        self._account = account
        self._pace = pace
        self._on_gone = on_gone
        self._client: Client | None = None
        self._carrier: Carrier | None = None
        self._queue: list[Any] = []
        self._next = 1
        self._most = 1
        self._failures = 0
        self._awake = asyncio.Event()
        self._awake.set()
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._receiving: asyncio.Task[None] | None = None

    def new_line(self) -> Line:
        """Return a connection of this page's."""
        return Line(self._port, self.label, self._cookies, self._awake.wait)

    def wrong(self, text: str) -> None:
        """Record that the server broke the protocol."""
        self._account.note("wrong", f"{self.label}: {text}")

    def open(self) -> None:
        """Connect and begin."""
        self._tasks = [asyncio.ensure_future(self._live())]

    async def _live(self) -> None:
        await self._connect()
        work = [self._receive_all(), self._send_all(), self._talk()]
        tasks = [asyncio.ensure_future(each) for each in work]
        try:
            await asyncio.gather(*tasks)
        except Gone:
            pass
        except Exception as error:
            self.wrong(f"the client crashed: {error!r} at {traceback.extract_tb(error.__traceback__)[-1]}")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._on_gone()

    async def _connect(self) -> None:
        line = self.new_line()
        while True:
            with contextlib.suppress(Broken, ValueError):
                body = json.dumps({"application": "ledger"}).encode()
                answer = json.loads((await line.ask("/thywill/connect", body, ANSWER_SECONDS))[1])
                if "token" in answer:
                    break
            await self._back_off()
        line.close()
        self._failures = 0
        self.token, self.cursor, self.hold = answer["token"], answer["cursor"], answer["hold"]
        self._most = answer["limits"]["messages"]
        self._client = self._account.client(answer["client"])
        self._client.label = self.label

    async def _back_off(self, asked: float = 0) -> None:
        await asyncio.sleep(asked or self.rng.uniform(0, min(CAP, BACKOFF * 2**self._failures)))
        self._failures += 1

    # What comes.

    async def _receive_all(self) -> None:
        while True:
            await self._awake.wait()
            carrier = self._carrier = CARRIERS[self.carrier_name](self)
            self._receiving = asyncio.ensure_future(carrier.run())
            # Looked at, even if this page ends before.
            self._receiving.add_done_callback(lambda task: task.cancelled() or task.exception())
            asked = 0.0
            try:
                await asyncio.wait([self._receiving])
                if not self._receiving.cancelled():
                    self._receiving.result()  # raises the error that ended the task
            except (Broken, ValueError):
                asked = 0.0
            except Over as over:
                asked = over.retry
            finally:
                self._receiving.cancel()
                carrier.close()
            await self._awake.wait()
            await self._back_off(asked)

    def take(self, status: int, answer: dict[str, Any], asked: int) -> None:
        """Take one answer, which has to begin after the cursor ``asked``."""
        error = answer.get("error")
        if error is not None:
            self._refused(status, error)
        items = answer.get("messages")
        if not isinstance(items, list):
            self.wrong(f"an answer without messages: {answer}")
            raise Over
        if answer.get("lost"):
            assert self._client is not None
            self._account.dropped(self._client, answer["lost"])
        previous = asked
        for item in items:
            if item[0] <= previous:
                self.wrong(f"the id {item[0]} after {previous}")
            previous = item[0]
            if item[0] > self.cursor:
                self.cursor = item[0]
                self._deliver(item)
        if items and answer.get("cursor") != items[-1][0]:
            self.wrong(f"the cursor {answer.get('cursor')} after the id {items[-1][0]}")
        if items:
            self._failures = 0
        if answer.get("superseded") or answer.get("retry"):
            raise Over(answer.get("retry", 0))

    def _deliver(self, item: list[Any]) -> None:
        assert self._client is not None
        if item[2:] == ["pack"]:
            for data in item[1]:
                self._message(data)
        elif item[2:] == ["presence"]:
            people = [[each["id"] for each in item[1][word]] for word in ("joined", "left")]
            self._account.people(self._client, people[0], None if item[1].get("reset") else people[1])
        elif len(item) == 3:
            self._accept(item[2])
            self._account.replied(self._client, item[2], item[1].get("result"))
        else:
            self._message(item[1])

    def _message(self, data: list[Any]) -> None:
        assert self._client is not None
        stream, run, n, sent = data[:4]
        self._account.received(self._client, stream, run, n, time.monotonic() - sent)

    def _refused(self, status: int, error: dict[str, Any]) -> None:
        code = error["code"]
        if code in ("gone", "bad_token"):
            assert self._client is not None
            self._account.ended_for(self._client, code, error["message"])
            raise Gone
        if code not in PASSING:
            self.wrong(f"refused with {status} {code}: {error['message']}")
        raise Over(error.get("retry", 0))

    # What goes.

    async def _talk(self) -> None:
        client = self._client
        assert client is not None
        while True:
            await asyncio.sleep(self.rng.uniform(0, 2 * self._pace))
            await self._awake.wait()
            if self.is_quiet:
                continue
            for _ in range(self.rng.choice((1, 1, 1, 5))):
                n, self._next = self._next, self._next + 1
                is_call = self.rng.random() < 0.2
                self._queue.append([n, [n], "twice"] if is_call else [n, ["up", n]])
                client.calls += is_call
                client.sent = n
            self._news.set()

    async def _send_all(self) -> None:
        line = self.new_line()
        while True:
            await self._news.wait()
            await self._awake.wait()
            if not self._queue:
                self._news.clear()
                continue
            items = self._queue[: self._most]
            try:
                answer = await self._send(line, items)
            except (Broken, ValueError):
                line.close()
                await self._back_off()
                continue
            await self._answered(answer)

    async def _send(self, line: Line, items: list[Any]) -> dict[str, Any]:
        carrier = self._carrier
        if carrier is not None and carrier.can_send and self.rng.random() < 0.5:
            answer: dict[str, Any] = await carrier.send(items)
            # This may be the late answer to an earlier send: an answer in a session does not say to which.
            return answer if answer.get("received", 0) >= items[0][0] else {}
        body = json.dumps({"token": self.token, "messages": items}).encode()
        return dict(json.loads((await line.ask("/thywill/send", body, ANSWER_SECONDS))[1]))

    async def _answered(self, answer: dict[str, Any]) -> None:
        client, error = self._client, answer.get("error", {})
        assert client is not None
        is_gap = error.get("code") == "gap"
        received = error.get("received") if is_gap else answer.get("received")
        if received is not None:
            # A lower number without that error is the late answer to an earlier send, as in ``sender.js``.
            if is_gap and self._queue and received < self._queue[0][0] - 1:
                self._account.ended_for(client, "gap", f"{received} after {self._queue[0][0] - 1}")
                raise Gone
            self._accept(received)
        elif error:
            try:
                self._refused(0, error)
            except Over as over:
                await self._back_off(over.retry)
        else:
            await self._back_off()

    def _accept(self, number: int) -> None:
        assert self._client is not None
        while self._queue and self._queue[0][0] <= number:
            item = self._queue.pop(0)
            if len(item) == 2:
                self._account.accepted(self._client, item[0])

    # What is done to it.

    def move(self, name: str) -> None:
        """Go on with another transport."""
        self.carrier_name = name
        if self._receiving is not None:
            self._receiving.cancel()

    async def sleep(self, seconds: float, is_dead: bool) -> None:
        """Do nothing for a while; ``is_dead``: the connections break meanwhile."""
        self._awake.clear()
        if is_dead and self._carrier is not None:
            self._carrier.cut()
        await asyncio.sleep(seconds)
        self._awake.set()

    def __repr__(self) -> str:
        return (
            f"{self.carrier_name} cursor {self.cursor} unsent {len(self._queue)} awake {self._awake.is_set()}"
        )

    @property
    def account(self) -> Client | None:
        """Its account, once it has connected."""
        return self._client

    def close(self) -> None:
        """End."""
        for task in self._tasks:
            task.cancel()
