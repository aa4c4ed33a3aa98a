"""One run: all trials, then the table and the chart."""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.gate.environment import ROOT, Unprepared
from tests.tools.bench import capacity, chart, cluster, plan, table
from tests.tools.bench.servers import BENCH, PEERS, THYWILL, Kind, file_limit
from tests.tools.bench.trial import build_load, run_trial

# Descriptors that a server needs beside one for each client; nginx needs two for some clients.
SPARE_FILES = 1050
# The share of the processors that other programs may use when a trial begins.
CALM = 0.15


def choose(names: str) -> list[Kind]:
    """Return the peers with these names that can run here; print the reason for the others."""
    wanted = [name for name in names.split(",") if name]
    unknown = set(wanted) - {kind.name for kind in PEERS}
    if unknown:
        raise Unprepared(f"there is no peer {', '.join(sorted(unknown))}")
    chosen = []
    for kind in PEERS:
        if kind.name not in wanted:
            continue
        try:
            kind.prepare()
            chosen.append(kind)
        except Unprepared as error:
            print(f"{kind.name} is left out: {error}", flush=True)
    return chosen


def largest(wanted: int) -> int:
    """Return how many clients one process can hold on this machine, at most ``wanted``."""
    most = file_limit() - SPARE_FILES
    if most < wanted:
        print(
            f"{most} clients at most: a process may open {file_limit()} files here (ulimit -Hn)", flush=True
        )
    return min(wanted, most)


def all_trials(options: argparse.Namespace, peers: Sequence[Kind], most: int) -> Iterator[plan.Trial]:
    rows = options.rows.split(",")
    clients = min(options.clients, most)
    for turn in range(options.turns):
        yield from plan.trials(rows, peers, clients, most, options.rounds)
        if turn == 0 and "growth" in rows:
            yield from plan.growth(peers, most)
        if plan.CAPACITY in rows:
            yield from plan.capacity(options.through.split(","), most)


def measure(load: Path, trials: Iterable[plan.Trial], patience: float) -> Iterator[dict[str, Any]]:
    for trial in trials:
        wait_calm(patience)
        try:
            measured = run_trial(load, trial)
        except Unprepared as error:
            print(f"{trial.kind.name}: {str(error).strip().splitlines()[-1]}", flush=True)
            continue
        show(measured)
        yield measured


def busy_share(seconds: float = 1.0) -> float:
    """Return which part of the machine's processors is in use."""

    def read() -> tuple[int, int]:
        times = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        return sum(times) - times[3] - times[4], sum(times)

    busy, total = read()
    time.sleep(seconds)
    busy_later, total_later = read()
    return (busy_later - busy) / max(total_later - total, 1)


def wait_calm(patience: float) -> None:
    """Wait until the machine does little else, at most ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and busy_share() > CALM:
        continue


def show(measured: dict[str, Any]) -> None:
    head = f"{measured['server']:16}{measured['through']:10}{measured['protocol']:7}{measured['clients']:6}"
    for step, rounds in itertools.groupby(measured["steps"], lambda step: step["step"]):
        head += f"  {step} {table.brief(list(rounds))}"
    print(head, measured.get("failed", ""), flush=True)


def run(options: argparse.Namespace) -> int:
    """Measure what ``options`` say; return an exit status."""
    options.out.mkdir(parents=True, exist_ok=True)
    results, rows = options.out / "results.json", set(options.rows.split(","))
    if rows != {cluster.CLUSTER}:
        if not options.again:
            measure_all(options, results)
        report(json.loads(results.read_text()), options.out)
    if cluster.CLUSTER in rows:
        run_cluster(options)
    if options.publish:
        publish(options.out)
    return 0


def measure_all(options: argparse.Namespace, results: Path) -> None:
    """Write ``results`` after each trial, so that an interrupted run keeps them."""
    peers = choose(options.peers)
    most = options.clients if options.quick else largest(max(options.most, options.clients))
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        load = build_load(Path(folder))
        for one in measure(load, all_trials(options, peers, most), options.patience):
            measured.append(one)
            results.write_text("[\n" + ",\n".join(map(json.dumps, measured)) + "\n]\n")


def run_cluster(options: argparse.Namespace) -> None:
    """Measure servers that share a queue, and write the tables."""
    results = options.out / "cluster.json"
    if not options.again:
        with tempfile.TemporaryDirectory() as folder:
            results.write_text(json.dumps(cluster.measure(build_load(Path(folder)), options)))
    text = cluster.render(json.loads(results.read_text()))
    (options.out / "cluster.md").write_text(text)
    print(f"\n{text}\nwritten to {options.out}", flush=True)


def report(measured: list[dict[str, Any]], folder: Path) -> None:
    names = [kind.name for kind in (THYWILL, *PEERS)]
    compared = [trial for trial in measured if trial["row"] != plan.CAPACITY]
    alone = [trial for trial in measured if trial["row"] == plan.CAPACITY]
    text = ""
    if compared:
        text += table.render(compared, names)
        (folder / "table.md").write_text(text)
        (folder / "chart.svg").write_text(chart.render(compared, names))
    if alone:
        text += capacity.render(alone)
        (folder / "capacity.md").write_text(capacity.render(alone))
    print(f"\n{text}\nwritten to {folder}", file=sys.stdout, flush=True)


def publish(folder: Path) -> None:
    """Put the results in ``folder`` into this folder's README, and those of capacity into that of conf/."""
    if (folder / "table.md").exists():
        put(BENCH / "README.md", "measured", (folder / "table.md").read_text())
        shutil.copy(folder / "chart.svg", BENCH)
    if (folder / "cluster.md").exists():
        put(BENCH / "README.md", "cluster", (folder / "cluster.md").read_text())
    if (folder / "capacity.md").exists():
        put(ROOT / "conf" / "README.md", "capacity", (folder / "capacity.md").read_text())


def put(file: Path, mark: str, text: str) -> None:
    """Write ``text`` between a mark and the end in ``file``."""
    before, begin, rest = file.read_text().partition(f"<!-- {mark} -->\n")
    _, end, after = rest.partition("<!-- end -->\n")
    file.write_text(f"{before}{begin}\n{text}\n{end}{after}")
