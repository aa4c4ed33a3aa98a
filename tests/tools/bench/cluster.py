"""The row ``cluster``: servers that share a queue in Redis, beside one with its queue in memory.

The load generator, the servers and Redis share all processors of the machine, as they do on a small one in
production. Redis keeps an append-only file, as ``conf/README.md`` recommends.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.gate.environment import PYTHON, ROOT, Unprepared
from tests.support.proxied import free_port
from tests.support.redis_servers import RedisServer
from tests.tools.bench.cores import run_on, together
from tests.tools.bench.servers import BENCH, Command, Kind, Started, open_many_files
from tests.tools.bench.table import grid, written
from tests.tools.bench.trial import CLIENTS_PER_ADDRESS, read_lines

CLUSTER = "cluster"
SENDERS = 200
PROTOCOL = BENCH / "protocols" / "thywill"
PATIENCE = 30.0
POLLS = 4000
PAGES = 50
TAKEOVERS = MOVES = 3
"""How often a takeover and the polls of pages that change servers are measured."""
WAYS = {"memory": 1, "redis": 1, "two": 2}
"""How many servers each way of the first table has; all of them have clients."""
CARRIER = "carrier"
"""A further way: all clients are with a server that leads nothing, and only that server is counted."""


def command(folder: Path, redis: RedisServer | None, processes: int) -> Command:
    """Return what starts the servers, on one port; without a Redis one with its queue in memory."""
    text = (BENCH / "thywill.toml").read_text()
    if redis is not None:
        text += redis.settings(folder / "secret")
    config = folder / "settings.toml"
    config.write_text(text)
    shared = ("--processes", str(processes)) if processes > 1 else ()
    words = [str(PYTHON), str(ROOT / "run.py"), "--config", str(config), "--port", str(free_port()), *shared]
    return lambda data: [*words, "--data", str(data)]


@contextlib.contextmanager
def servers(folder: Path, redis: RedisServer | None, processes: int = 1) -> Iterator[Started]:
    """Run one server, or several processes on one port, that use ``redis``."""
    data = Path(tempfile.mkdtemp(dir=folder))
    started = Started(Kind("thywill", {}, command(folder, redis, processes)), data, together().server)
    try:
        wait_until(lambda: len(rows(started.port)) >= processes, "not all servers are there")
        yield started
    finally:
        started.stop()


def wait_until(condition: Any, problem: str, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Unprepared(problem)
        time.sleep(0.01)


def rows(port: int) -> list[dict[str, Any]]:
    """Return the servers that the one at ``port`` lists; none if it does not answer."""
    with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
        found: list[dict[str, Any]] = json.loads(get(port, "/thywill/servers"))["servers"]
        return found
    return []


def get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def load_command(load: Path, port: int, clients: int, pids: Sequence[int], redis: Sequence[int]) -> list[str]:
    """Return the load generator's command without its steps; Redis is counted as what stands in front."""
    words = ["--port", port, "--clients", clients, "--protocol", PROTOCOL]
    words += ["--sources", clients // CLIENTS_PER_ADDRESS + 1]
    for pid in pids:
        words += ["--pid", pid]
    for pid in redis:
        words += ["--front", pid]
    return [str(load), *map(str, words)]


def spread(load: Path, way: str, clients: int, rounds: int) -> list[dict[str, Any]]:
    """Return the steps of one trial: all connect, broadcasts, and steps through the inbox."""
    with (
        tempfile.TemporaryDirectory(prefix="thywill-bench-") as name,
        redis_for(way) as redis,
        servers(Path(name), redis, WAYS[way]) as started,
    ):
        fronts = [redis.pid] if redis else []
        words = load_command(load, started.port, clients, started.pids, fronts)
        return run_steps(way, words, "connect", f"broadcast:{rounds}", f"echo:{SENDERS}:4")


def carry(load: Path, clients: int, rounds: int) -> list[dict[str, Any]]:
    """Return the steps of one trial of ``CARRIER``: all connect, and broadcasts."""
    with tempfile.TemporaryDirectory(prefix="thywill-bench-") as name, pair(Path(name)) as (_, carrier):
        words = load_command(load, carrier.port, clients, carrier.pids, [])
        return run_steps(CARRIER, words, "connect", f"broadcast:{rounds}")


def run_steps(way: str, words: Sequence[str], *steps: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [*words, *steps], capture_output=True, text=True, check=False, preexec_fn=open_many_files
    )
    if done.returncode:
        raise Unprepared(f"{CLUSTER}, {way}: {done.stderr.strip()}")
    return read_lines(done.stdout)


@contextlib.contextmanager
def redis_for(way: str) -> Iterator[RedisServer | None]:
    if way == "memory":
        yield None
        return
    redis = RedisServer("redis", "appendonly yes")
    try:
        yield redis
    finally:
        redis.close()


class Page:
    """A page that asks the server at the port that it is told."""

    def __init__(self, port: int) -> None:
        self._connections: dict[int, http.client.HTTPConnection] = {}
        answer = self.ask(port, "connect", {"application": "broadcast"})
        self.token, self.cursor, self._number = answer["token"], answer["cursor"], 0

    def ask(self, port: int, operation: str, fields: dict[str, Any]) -> dict[str, Any]:
        if port not in self._connections:
            self._connections[port] = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection = self._connections[port]
        connection.request("POST", f"/thywill/{operation}", json.dumps(fields))
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer

    def poll(self, port: int, hold: float = 0) -> list[Any]:
        answer = self.ask(port, "poll", {"token": self.token, "cursor": self.cursor, "hold": hold})
        self.cursor = answer["cursor"]
        messages: list[Any] = answer["messages"]
        return messages

    def echo(self, port: int) -> None:
        """Send a message, and return when it has come back."""
        self._number += 1
        self.ask(port, "send", {"token": self.token, "messages": [[self._number, "echo"]]})
        while not any(message[1] == "echo" for message in self.poll(port, 10)):
            pass


@contextlib.contextmanager
def pair(folder: Path) -> Iterator[tuple[Started, Started]]:
    """Run two servers, each on a port of its own; the first one leads."""
    with redis_for("two") as redis, servers(folder, redis) as first:
        wait_until(lambda: leads(first.port), "the first server does not lead")
        with servers(folder, redis) as second:
            wait_until(lambda: len(rows(second.port)) == 2, "the second server is alone")
            yield first, second


def leads(port: int) -> bool:
    return any("broadcast" in row["leads"] for row in rows(port))


def takeover(load: Path, clients: int) -> dict[str, float]:
    """Kill the leader while all clients are with the other server; return how long that server took.

    ``hook`` is until a message of a page, which was sent after the end of the leader, has come back.
    """
    with tempfile.TemporaryDirectory(prefix="thywill-bench-") as name, pair(Path(name)) as (first, second):
        words = load_command(load, second.port, clients, second.pids, [])
        parked = subprocess.Popen([*words, "connect", "idle:60"], stdout=subprocess.PIPE, text=True,
                                  preexec_fn=partial(run_on, together().load))  # fmt: skip
        try:
            assert parked.stdout is not None
            parked.stdout.readline()  # all clients are parked
            page = Page(second.port)
            page.echo(second.port)
            first.end(signal.SIGKILL)
            began = time.monotonic()
            page.echo(second.port)
            took, work = time.monotonic() - began, metric(second.port, "thywill_takeover_seconds")
            return {"hook": took, "work": work}
        finally:
            parked.kill()
            parked.wait()


def metric(port: int, name: str) -> float:
    lines = get(port, "/thywill/metrics").decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def moving() -> dict[str, float]:
    """Return the servers' processor time for a poll of pages that stay, and of pages that change, in µs."""
    with tempfile.TemporaryDirectory(prefix="thywill-bench-") as name, pair(Path(name)) as (first, second):
        ports = [first.port, second.port]
        pages = [Page(ports[place % 2]) for place in range(PAGES)]
        for place, page in enumerate(pages):
            page.poll(ports[place % 2])
        found = {}
        for way in ("stay", "change"):
            before = spent([*first.pids, *second.pids])
            for turn in range(POLLS // PAGES):
                for place, page in enumerate(pages):
                    page.poll(ports[(place + (turn if way == "change" else 0)) % 2])
            found[way] = (spent([*first.pids, *second.pids]) - before) / POLLS * 1e6
        return found


def spent(pids: Sequence[int]) -> float:
    """Return the processor time of all threads of the processes, in seconds."""
    files = [file for pid in pids for file in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


def measure(load: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure everything; return it as JSON."""
    trials: dict[str, list[Any]] = {way: [] for way in (*WAYS, CARRIER)}
    for _ in range(options.turns):
        for way in WAYS:
            trials[way] += spread(load, way, options.clients, options.rounds)
        trials[CARRIER] += carry(load, options.clients, options.rounds)
    taken = [takeover(load, options.clients) for _ in range(TAKEOVERS)]
    moves = [moving() for _ in range(MOVES)]
    polls = {way: statistics.median(each[way] for each in moves) for way in moves[0]}
    return {"clients": options.clients, "trials": trials, "takeovers": taken, "polls": polls}


FIGURES = (
    ("CPU per delivery with the next poll: servers, µs", "broadcast", "cpu_us"),
    ("the same: Redis, µs", "broadcast", "front_us"),
    ("publish: until the last has it, ms", "broadcast", "last_ms"),
    (f"steps per second, {SENDERS} senders", "echo", "per_second"),
    ("CPU per step with its way there and back: servers, µs", "echo", "cpu_us"),
    ("the same: Redis, µs", "echo", "front_us"),
    (f"99 of 100 steps of {SENDERS} senders within, ms", "echo", "p99_ms"),
    ("memory per parked client: servers, KB", "connect", "client_kb"),
    ("the same: Redis, KB", "connect", "front_kb"),
    ("CPU for each that connects: servers, µs", "connect", "cpu_us"),
    ("the same: Redis, µs", "connect", "front_us"),
)


def median(steps: Sequence[dict[str, Any]], step: str, field: str) -> float | None:
    found = [one[field] for one in steps if one["step"] == step and field in one]
    return statistics.median(found) if found else None


def render(measured: dict[str, Any]) -> str:
    """Return the tables, as Markdown."""
    head = [f"{measured['clients']:,} clients", "one server, memory", "one, Redis", "two, Redis", "a carrier"]
    head += ["one beside memory", "two beside memory", "a carrier beside memory"]
    return grid(head, list(compared(measured))) + "\n" + grid(("", ""), list(alone(measured)))


def compared(measured: dict[str, Any]) -> Iterator[list[str]]:
    for label, step, field in FIGURES:
        memory, *others = (median(measured["trials"][way], step, field) for way in (*WAYS, CARRIER))
        ratios = [f"{value / memory:.2f}" if value and memory else "" for value in others]
        yield [label, *map(written, (memory, *others)), *ratios]


def alone(measured: dict[str, Any]) -> Iterator[list[str]]:
    hooks = [one["hook"] for one in measured["takeovers"]]
    work = [one["work"] for one in measured["takeovers"]]
    clients = f"{measured['clients']:,} clients"
    yield [
        f"from `kill -9` of the leader until the next one has handled a message, {clients}, s",
        f"{written(statistics.median(hooks))}, at most {written(max(hooks))}",
    ]
    yield ["of it the takeover itself, s", f"{written(statistics.median(work))}"]
    stay, change = measured["polls"]["stay"], measured["polls"]["change"]
    yield ["CPU for a poll (without a message) of a page that stays with its server, µs", written(stay)]
    yield ["of one that changes servers with every poll, µs", f"{written(change)}: {change / stay:.2f} of it"]
