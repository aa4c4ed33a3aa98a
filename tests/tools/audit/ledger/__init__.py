"""The application that is audited: it numbers what it sends, and journals what happens.

The journal is a FIFO that the auditor reads: a line is safe as soon as it is written, whatever becomes of
this process. With ``AUDIT_PAST`` in the environment, who connects gets the past of the channel ``past``, the
people of ``all`` are told, and what a page has caused is published to all pages but that one.

Lines, by their first letter:

``S run`` a run begins, and ``every`` stands for all; ``B run stream last`` it will send up to ``last``;
``R run stream first last`` the calls returned; ``F run stream n error`` one of them failed;
``C run client {"stream": number}`` a client has connected; ``D run client`` it is gone;
``h run client n``, ``H run client n time`` the hook for its message n begins, has ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

from thywill import Application, Client, Unavailable, rpc

EVERY = "every"
"""Stands for a run in what goes on from run to run."""
BEFORE = "past<"
"""Stands in the line C for how many messages of the last run of the channel ``past`` the client is owed."""
GROUPS = 4
TICK = 0.05
PADDING = "x" * 300
PAST = int(os.environ.get("AUDIT_PAST", "0"))
"""How many messages the channel ``past`` keeps; 0 switches that, presence and exclusion off."""


class Ledger(Application):
    """Everyone is in the channel ``all`` and in one of four groups."""

    title = "Ledger"
    history = {"past": PAST} if PAST else {}
    presence = ["all"] if PAST else []
    leave_after = 1.0

    def __init__(self) -> None:
        self._numbers: Counter[str] = Counter()
        self._run = format(int(time.monotonic() * 100), "x")
        self._random = random.Random(os.environ.get("AUDIT_SEED", "0") + self._run)
        self._control = Path(os.environ["AUDIT_CONTROL"])
        self._journal = -1
        self._pump: asyncio.Task[None] | None = None
        self._stopping = False
        self._owed = 0.0

    def _note(self, *words: object) -> None:
        os.write(self._journal, (" ".join(map(str, words)) + "\n").encode())

    async def on_start(self) -> None:
        self._journal = os.open(os.environ["AUDIT_JOURNAL"], os.O_WRONLY)
        self._note("S", self._run)
        self._pump = asyncio.ensure_future(self._pump_on())

    async def on_stop(self) -> None:
        self._stopping = True
        if self._pump is not None:
            await self._pump
        os.close(self._journal)

    async def on_connect(self, client: Client) -> None:
        group = f"g{crc32(client.id.encode()) % GROUPS}"
        since = {stream: self._numbers[stream] for stream in ("all", group, f"s:{client.session}")}
        since |= {f"d:{client.id}": 0, f"e:{client.id}": 0}
        await self.subscribe(client, group)
        await self.subscribe(client, "all")
        if PAST:
            since |= await self._enter_past(client)
        self._note("C", self._run, client.id, json.dumps(since, separators=(",", ":")))

    async def _enter_past(self, client: Client) -> dict[str, int]:
        """Return what it is owed of ``past``: after which number of this run, how many of the last run."""
        while True:
            first = self._numbers["past"] - PAST
            try:
                await self.subscribe(client, "past", replay=True)
            except Unavailable as error:
                await asyncio.sleep(error.retry)
            else:
                return {"past": max(0, first), BEFORE: max(0, -first)}

    async def on_disconnect(self, client: Client) -> None:
        self._note("D", self._run, client.id)

    async def on_message(self, client: Client, message: Any) -> None:
        self._note("h", self._run, client.id, message[1])
        if message[1] % 4 == 0:
            await asyncio.sleep(self._random.uniform(0, 0.01))
            await self._answer("e", client, message[1] // 4, client.send)
        elif PAST and message[1] % 4 == 1:
            others = partial(self.publish, "all", exclude=client)
            await self._answer("x", client, message[1] // 4 + 1, others)
        self._note("H", self._run, client.id, message[1], time.monotonic())

    async def _answer(
        self, kind: str, client: Client, n: int, send: Callable[[Any], Awaitable[None]]
    ) -> None:
        # By the same name in every run: a hook that runs again after a kill does not send it again.
        stream = f"{kind}:{client.id}"
        self._note("B", EVERY, stream, n)
        try:
            await send([stream, EVERY, n, round(time.monotonic(), 3)])
        except Exception as error:
            self._note("F", EVERY, stream, n, type(error).__name__)
        else:
            self._note("R", EVERY, stream, n, n)

    @rpc
    async def twice(self, client: Client, n: int) -> int:
        self._note("h", self._run, client.id, n)
        if n % 2:
            await asyncio.sleep(self._random.uniform(0, 0.01))
        self._note("H", self._run, client.id, n, time.monotonic())
        return 2 * n

    # What is sent without being asked for.

    async def _pump_on(self) -> None:
        while not self._stopping:
            await asyncio.sleep(TICK)
            try:
                control = json.loads(self._control.read_bytes())
            except FileNotFoundError:
                continue
            await self._turn(control)

    async def _turn(self, control: dict[str, Any]) -> None:
        clients = self.clients()
        targets = self._random.sample(clients, min(len(clients), control["direct"]))
        for client in targets:
            await self._burst(f"d:{client.id}", 1, client.send)
        sessions = sorted({client.session for client in clients})
        for session in self._random.sample(sessions, min(len(sessions), control["sessions"])):
            await self._burst(f"s:{session}", 1, partial(self.send_to_session, session))
        self._owed += control["publish"] * self._random.choice((0, 1, 1, 2))
        count, self._owed = int(self._owed), self._owed % 1
        if count:
            await self._publish("all", (count + 1) // 2)
        if count and PAST:
            await self._publish("past", (count + 1) // 2)
        if count // 2:
            for group in range(GROUPS):
                await self._publish(f"g{group}", count // 2)

    async def _publish(self, channel: str, count: int) -> None:
        await self._burst(channel, count, partial(self.publish, channel))

    async def _burst(self, stream: str, count: int, send: Callable[[Any], Awaitable[None]]) -> None:
        first = self._numbers[stream] + 1
        last = self._numbers[stream] = first + count - 1
        self._note("B", self._run, stream, last)
        data = [self._data(stream, n) for n in range(first, last + 1)]
        outcomes = await asyncio.gather(*map(send, data), return_exceptions=True)
        failed = [(n, each) for n, each in enumerate(outcomes, first) if isinstance(each, BaseException)]
        if not failed:
            self._note("R", self._run, stream, first, last)
            return
        for n in set(range(first, last + 1)) - {n for n, _ in failed}:
            self._note("R", self._run, stream, n, n)
        for n, error in failed:
            self._note("F", self._run, stream, n, type(error).__name__)

    def _data(self, stream: str, n: int) -> list[Any]:
        data = [stream, self._run, n, round(time.monotonic(), 3)]
        return [*data, PADDING[: self._random.randrange(300)]] if n % 16 == 0 else data
