"""``python3 -m tests.tools.publishing``: messages a second over HTTP, with each queue and in batches.

Each message has an id, as those of ``thywill.publisher`` have; nobody listens to the channel. What is
measured is the server together with the programs that publish, on one machine.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support.redis_servers import RedisServer
from tests.support.served import Served

KEY = "the-key-of-the-measurement"
SETTINGS = f"""
[application_interface]
applications = ["apps.chat"]
[publishing.keys]
bench = "{KEY}"
"""
QUEUES = ("memory", "database", "redis")


class Load(NamedTuple):
    """How the messages are published: in how many at once, by how many connections, for how long."""

    batch: int
    connections: int
    seconds: float


@contextmanager
def serving(queue: str) -> Iterator[int]:
    """Run a server with ``queue``; the value is its port."""
    with tempfile.TemporaryDirectory() as name:
        folder, text = Path(name), SETTINGS
        redis = RedisServer() if queue == "redis" else None
        try:
            text += f'[queue]\ncomponent = "{queue}"\n'
            text += f'url = "redis://127.0.0.1:{redis.port}/0"\n' if redis else ""
            (folder / "bench.toml").write_text(text)
            with Served(folder, "--config", str(folder / "bench.toml")) as served:
                yield served.port
        finally:
            if redis is not None:
                redis.stop()


def request(batch: int, numbers: Iterator[int]) -> bytes:
    """Return one request with the next messages."""
    messages = [
        {"application": "chat", "channel": "news", "data": {"number": n, "text": "x" * 50}, "id": f"id-{n}"}
        for n in itertools.islice(numbers, batch)
    ]
    body = json.dumps(messages[0] if batch == 1 else {"messages": messages}).encode()
    head = f"POST /thywill/publish HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def publish(port: int, load: Load, numbers: Iterator[int], end: float) -> list[float]:
    """Publish by one connection until ``end``; return how long each request took, in seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times = []
    while (begun := time.monotonic()) < end:
        writer.write(request(load.batch, numbers))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(body.decode())
        times.append(time.monotonic() - begun)
    writer.close()
    return times


async def measure(port: int, load: Load, numbers: Iterator[int]) -> tuple[float, float, float]:
    """Return messages a second, and the median and the 99th percentile of a request's time in seconds."""
    end = time.monotonic() + load.seconds
    found = await asyncio.gather(*(publish(port, load, numbers, end) for _ in range(load.connections)))
    times = sorted(itertools.chain.from_iterable(found))
    return len(times) * load.batch / load.seconds, times[len(times) // 2], times[len(times) * 99 // 100]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.tools.publishing", description=__doc__)
    parser.add_argument("--queues", default=",".join(QUEUES), help="divided by commas")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each line")
    options = parser.parse_args()
    print("| queue | messages in a request | connections | messages/s | median | 99 % |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for queue in options.queues.split(","):
        with serving(queue) as port:
            numbers = itertools.count(1)
            for batch, connections in ((1, 1), (1, 16), (100, 1), (100, 4)):
                load = Load(batch, connections, options.seconds)
                rate, median, late = asyncio.run(measure(port, load, numbers))
                cells = f"{rate:,.0f} | {1000 * median:.1f} ms | {1000 * late:.1f} ms |"
                print(f"| {queue} | {batch} | {connections} | {cells}", flush=True)


if __name__ == "__main__":
    main()
