"""The command line: its options, the rows one after another, and the table."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from tests.gate.environment import ROOT
from tests.tools.audit.audit import STOCK, Audit, Outcome, Scale
from tests.tools.audit.rows import BY_NAME, CLUSTER, CLUSTER_BY_NAME, CLUSTER_ROWS, ROWS, Row
from tests.tools.audit.table import cells, line, markdown, total

DESCRIPTION = (
    "Do harm to a server and its clients, and account for every message. The exit status is 1 at any breach."
)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    usual = Scale()
    parser = argparse.ArgumentParser(prog="python3 -m tests.tools.audit", description=DESCRIPTION)
    parser.add_argument(
        "--queue", default="memory", help="memory, database, redis (three servers) or stock (sockjs-tornado)"
    )
    parser.add_argument(
        "--faults",
        default="",
        metavar="NAMES",
        help=f"divided by commas: {', '.join({**BY_NAME, **CLUSTER_BY_NAME})}",
    )
    parser.add_argument("--clients", type=int, default=usual.clients, help="in each row")
    parser.add_argument("--browsers", type=float, default=usual.browsers, help="the part in Node.js, 0 to 1")
    parser.add_argument("--messages", type=int, default=usual.messages, help="in each row")
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="about how long a row takes")
    parser.add_argument("--haste", type=float, default=usual.haste, help="of the browser client's clock")
    parser.add_argument(
        "--seed", default=str(int(time.time())), help="repeats the choices of an earlier audit"
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder of the run.py that is audited")
    parser.add_argument(
        "--past", type=int, default=0, metavar="COUNT", help="history of so many messages, and presence"
    )
    parser.add_argument("--runs", type=int, default=1, help="of each row")
    parser.add_argument("--table", type=Path, metavar="FILE", help="where to write the table")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keeps the servers' folders there")
    return parser.parse_args(arguments)


def run_all(row: Row, options: argparse.Namespace, scale: Scale) -> Outcome:
    """Carry out one row as often as asked; the first run has the seed itself."""
    whole = Outcome(row.name)
    for number in range(options.runs):
        whole.add(run(row, options, scale, f"{options.seed} {number}" if number else options.seed))
    return whole


async def audit(row: Row, options: argparse.Namespace, scale: Scale, seed: str, folder: Path) -> Outcome:
    root, past = options.root.resolve(), options.past
    return await Audit(row, options.queue, scale, seed, folder, root, past).run()


def run(row: Row, options: argparse.Namespace, scale: Scale, seed: str) -> Outcome:
    """Carry out one row once, on a loop and in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix=f"audit-{row.name}-", dir=options.keep))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(audit(row, options, scale, seed, folder))
    finally:
        if options.keep is None:
            shutil.rmtree(folder)


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    names = [name.strip() for name in options.faults.split(",") if name.strip()]
    by_name = CLUSTER_BY_NAME if options.queue == CLUSTER else BY_NAME
    unknown = set(names) - set(by_name)
    if unknown:
        print(f"no fault is called {sorted(unknown)[0]!r}; there are {', '.join(by_name)}", file=sys.stderr)
        return 2
    scale = Scale(options.clients, options.browsers, options.messages, options.seconds, options.haste)
    print(f"seed {options.seed}", flush=True)
    outcomes = []
    rows = CLUSTER_ROWS if options.queue == CLUSTER else ROWS
    for row in [by_name[name] for name in names] or rows:
        if options.queue == STOCK and not row.stock:
            continue
        outcomes.append(run_all(row, options, scale))
        print(line(cells(outcomes[-1])), f"{outcomes[-1].seconds:.0f} s", flush=True)
    text = markdown(outcomes)
    print(f"\n{text}")
    if options.table:
        options.table.write_text(text)
    return 1 if total(outcomes).counts else 0
