"""``python3 -m tests.tools.bench.micro``: what a request costs in our Python alone, without the kernel.

A whole server gets the bytes of browsers from connections whose transport keeps what is written. Each figure
is the least processor time of several rounds, in microseconds: the order of things, and not their speed.
"""

from __future__ import annotations

from tests.gate.entry import enter

if __name__ == "__main__":
    enter("tests.tools.bench.micro")

import argparse
import asyncio
import gc
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.gate.environment import ROOT

BROWSER = (
    b"Host: chat.example.org\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    b"Accept: */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n"
    b"Content-Type: text/plain\r\nContent-Length: %d\r\nOrigin: http://chat.example.org\r\n"
    b"Connection: keep-alive\r\nReferer: http://chat.example.org/chat/\r\n"
    b"Cookie: thywill_session=%b\r\n"
)
"""The headers of a browser's request; the cookie of each browser is another one."""
ROUNDS = 20


class Nothing:
    """The transport of ``end``, which keeps what was written last; its browser is at ``address``."""

    def __init__(self, end: Any, address: str) -> None:
        self._end = end
        self.address = address
        self.written = b""

    def get_extra_info(self, name: str) -> Any:
        return (self.address, 1)

    def write(self, data: bytes) -> None:
        self.written = data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self._end.connection_lost(None)


class Page:
    """A page with one connection for its polls and one for what it sends."""

    def __init__(self, server: Any, number: int) -> None:
        self._cookie = (b"%06d" % number) * 10
        self._ends = []
        for _ in range(2):
            end = server._connect()
            end.connection_made(Nothing(end, f"203.0.113.{number % 250}"))
            self._ends.append(end)
        self._sent = 0
        self.token, self.cursor = "", 0

    def request(self, path: str, body: bytes) -> bytes:
        head = BROWSER % (len(body), self._cookie)
        return b"POST %b HTTP/1.1\r\n%b\r\n%b" % (path.encode(), head, body)

    def connect(self) -> bytes:
        return self.request("/thywill/connect", b'{"application":"broadcast"}')

    def connected(self) -> None:
        answer = json.loads(self.answer())
        self.token, self.cursor = answer["token"], answer["cursor"]

    def poll(self) -> bytes:
        return self.request(
            "/thywill/poll", b'{"token":"%b","cursor":%d}' % (self.token.encode(), self.cursor)
        )

    def send(self) -> bytes:
        self._sent += 1
        body = b'{"token":"%b","messages":[[%d,"hello"]]}' % (self.token.encode(), self._sent)
        return self.request("/thywill/send", body)

    def give(self, data: bytes, end: int = 0) -> None:
        self._ends[end].data_received(data)

    def answer(self) -> bytes:
        """Return the body that was written to the polls' connection."""
        return bytes(self._ends[0].transport.written.partition(b"\r\n\r\n")[2])

    def answered(self) -> None:
        self.cursor = json.loads(self.answer())["cursor"]


class Watch:
    """The least time of each part, for one of so many."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.least: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        begin = time.thread_time()
        yield
        took = (time.thread_time() - begin) / self._count * 1e6
        self.least[name] = min(took, self.least.get(name, took))


async def _turns() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


async def measure(service: Any, count: int, rounds: int) -> dict[str, float]:
    """Return the microseconds of each part, with ``count`` pages."""
    watch = Watch(count)
    pages = [Page(service._server, number) for number in range(count)]
    asks = [page.connect() for page in pages]
    with watch.part("connect"):
        for page, ask in zip(pages, asks, strict=True):
            page.give(ask)
        await _turns()
    for page in pages:
        page.connected()
    await _poll(watch, "first poll", pages)
    for _ in range(rounds):
        await _broadcast(watch, pages, service)
        await _echo(watch, pages)
    return watch.least


async def _poll(watch: Watch, name: str, pages: list[Page]) -> None:
    asks = [page.poll() for page in pages]
    with watch.part(name):
        for page, ask in zip(pages, asks, strict=True):
            page.give(ask)
        await _turns()


async def _broadcast(watch: Watch, pages: list[Page], service: Any) -> None:
    await service.applications.application("broadcast").publish("all", "hello")
    with watch.part("answer to a parked poll"):
        await _turns()
    for page in pages:
        page.answered()
    await _poll(watch, "next poll", pages)


async def _echo(watch: Watch, pages: list[Page]) -> None:
    asks = [page.send() for page in pages]
    with watch.part("echo: send, hook, answer"):
        for page, ask in zip(pages, asks, strict=True):
            page.give(ask, 1)
        await _turns()
    for page in pages:
        page.answered()
    await _poll(watch, "echo: next poll", pages)


async def _measure_whole(count: int, rounds: int, folder: Path) -> dict[str, float]:
    from thywill.config import Settings
    from thywill.server import Service

    values = {
        "server": {"port": 0, "data": str(folder)},
        "application_interface": {"applications": ["tests.tools.bench.broadcast"]},
        "limits": {"connects_burst": 10**6, "clients_per_address": 10**5, "unpolled_per_address": 10**5},
        "log": {"level": "error"},
    }
    service = Service(Settings(values, "settings"), ROOT)
    await service.start()
    gc.collect()
    gc.freeze()
    found = await measure(service, count, rounds)
    for end in list(service._server._connections):
        end.transport.abort()
    await service.stop()
    return found


def run(count: int, rounds: int) -> dict[str, float]:
    """Return the microseconds of each part."""
    import uvloop

    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(_measure_whole(count, rounds, Path(folder)))


def main(arguments: list[str]) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.tools.bench.micro", description=__doc__)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    for name, least in run(options.clients, options.rounds).items():
        print(f"{least:6.1f} us  {name}")
    return 0
