"""Three servers that share a Redis: what ``Server`` can, for the whole cluster, and faults of its parts."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import shutil
import signal
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

from tests.tools.audit.redises import Redises
from tests.tools.audit.server import Place, Server

SERVERS = 3
OPERATOR = "the-key-of-the-audit"
KEY = f"Authorization: Bearer {OPERATOR}\r\n\r\n".encode()
SESSION = re.compile(rb"/sockjs/[^/]+/[^/]+/")
LEDGER = "ledger"
CLOCK = struct.Struct("d")
PARTS = ("thywill", "static", "apps")


class Cluster:
    """Servers with one queue in Redis. A client's requests meet any of them.

    Args:
        place: of the first; the others have folders beside it.
        seed: of every choice.
        redises: makes their Redis.
    """

    def __init__(self, place: Place, seed: str, redises: Callable[[int], Redises] = Redises) -> None:
        self._random = random.Random(seed)
        self._folder = place.folder
        self._roots = (place.root, place.folder / "next")
        self.redises = redises(SERVERS)
        self.servers = [Server(self._place(place, number)) for number in range(SERVERS)]
        self._stopped: set[int] = set()
        self._has_redis = False

    def _place(self, place: Place, number: int) -> Place:
        folder = place.folder / f"server{number}"
        folder.mkdir()
        self._clock(number).write_bytes(CLOCK.pack(0))
        queue = {**place.settings["queue"], "url": self.redises.url(number), "safe": self.redises.safe}
        secret = {"secret_file": str(place.folder / "secret.key")}
        settings = {
            **place.settings,
            "queue": queue,
            "client_interface": secret,
            "monitoring": {"key": OPERATOR},
        }
        environment = {**place.environment, "AUDIT_CLOCK": str(self._clock(number))}
        return replace(place, folder=folder, settings=settings, environment=environment)

    def _clock(self, number: int) -> Path:
        return self._folder / f"server{number}" / "clock"

    @property
    def port(self) -> int:
        """The port of a server that runs, another one each time."""
        return self._random.choice(self._running() or self.servers).port

    def port_for(self, path: bytes) -> int:
        """Return the port of some server.

        Requests of half of the SockJS sessions meet the same server, as behind ``conf/nginx.conf``. Those of
        the other half meet any server, which forwards them.
        """
        session = SESSION.search(path)
        number, is_odd = divmod(crc32(session[0]), 2) if session is not None else (0, 1)
        if is_odd:
            return self.port
        running = self._running() or self.servers
        return running[number % len(running)].port

    def _running(self) -> list[Server]:
        return [each for each in self.servers if each.is_running]

    @property
    def is_running(self) -> bool:
        """Whether all servers run."""
        return len(self._running()) == len(self.servers)

    async def start(self) -> None:
        """Start those that do not run."""
        if not self._has_redis:
            await self.redises.start()
            self._has_redis = True
        for each in self.servers:
            if not each.is_running:
                await each.start()

    async def stop(self) -> None:
        """Stop all of them, and Redis."""
        for each in self.servers:
            self.thaw(each)
        await asyncio.gather(*(each.stop() for each in self.servers))
        await self.redises.close()

    async def kill(self) -> None:
        """Kill one of them."""
        await self._random.choice(self._running()).kill()

    async def stop_one(self, number: int) -> None:
        """Stop one of them in an orderly way, and start it again."""
        each = self.servers[number % len(self.servers)]
        await each.stop()
        await each.start()

    async def change_version(self, number: int) -> None:
        """Stop one of them, and start it again with the other of two versions of the functions in Redis."""
        each, newer = self.servers[number % len(self.servers)], self._roots[1]
        if not newer.exists():
            await asyncio.to_thread(_copy, self._roots[0], newer)
        await each.stop()
        each.root = self._roots[each.root != newer]
        await each.start()

    def jump(self, number: int, seconds: float) -> None:
        """Let the clock of one of them be wrong by so much."""
        with self._clock(number).open("r+b") as clock:  # never empty: the server has it in its memory
            clock.write(CLOCK.pack(seconds))

    async def leader(self) -> Server:
        """Return the server that runs the hooks."""
        while True:
            for row in await self._rows():
                for each in self._running():
                    if LEDGER in row["leads"] and row["process"] == each.pid:
                        return each
            await asyncio.sleep(0.1)

    async def follower(self) -> Server:
        """Return a server that does not run the hooks."""
        leader = await self.leader()
        return self._random.choice([each for each in self._running() if each is not leader])

    async def _rows(self) -> Sequence[dict[str, Any]]:
        for each in self._running():
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", each.port)
                writer.write(b"GET /thywill/servers HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + KEY)
                answer = await asyncio.wait_for(reader.read(), 2)
                writer.close()
                rows: list[dict[str, Any]] = json.loads(answer.partition(b"\r\n\r\n")[2])["servers"]
            except (OSError, ValueError, KeyError, TimeoutError):
                continue
            return rows
        return ()

    def freeze(self, server: Server) -> None:
        """Let a server stand still."""
        self._stopped.add(server.pid)
        os.kill(server.pid, signal.SIGSTOP)

    def thaw(self, server: Server) -> None:
        """Let it go on."""
        if server.is_running and server.pid in self._stopped:
            os.kill(server.pid, signal.SIGCONT)

    def tracebacks(self) -> int:
        """Return how many tracebacks the servers have logged."""
        return sum(each.tracebacks() for each in self.servers)


def _copy(root: Path, newer: Path) -> None:
    """Copy the project, with functions that have another name in Redis, as those of the next version have."""
    newer.mkdir()
    shutil.copy(root / "run.py", newer)
    for part in PARTS:
        shutil.copytree(root / part, newer / part)
    with (newer / "thywill" / "queue" / "redis" / "library.lua").open("a") as library:
        library.write("\n-- of the next version\n")
