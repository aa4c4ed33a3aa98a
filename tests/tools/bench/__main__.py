"""``python3 -m tests.tools.bench``: measure thywill beside other servers that keep requests waiting."""

from __future__ import annotations

from tests.gate.entry import enter

if __name__ == "__main__":
    enter("tests.tools.bench.__main__")

import argparse
from collections.abc import Iterable
from pathlib import Path

from tests.gate.environment import ROOT, Unprepared
from tests.tools.bench import cluster, front, plan, run, servers

QUICK_PEERS = "tornado,sockjs-tornado"


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """Return what is asked for.

    Raises:
        Unprepared: there is no such row or peer, or nothing of that name to stand before the server.
    """
    parser = argparse.ArgumentParser(prog="python3 -m tests.tools.bench", description=__doc__)
    names = ",".join(kind.name for kind in servers.PEERS)
    parser.add_argument("--peers", default=names, help=f"of {names}; an empty text for none")
    rows = f"of {','.join(plan.ROWS)}, {plan.CAPACITY} and {cluster.CLUSTER}"
    parser.add_argument("--rows", default=",".join(plan.ROWS), help=rows)
    through = f"what stands before thywill in the row {plan.CAPACITY}: of %(default)s"
    parser.add_argument("--through", default=",".join(front.THROUGH), help=through)
    parser.add_argument("--clients", type=int, help="in the rows of one size (5000; 1000 if --quick)")
    parser.add_argument("--most", type=int, default=30000, help="in the others; open files limit it too")
    parser.add_argument("--rounds", type=int, help="broadcasts in each trial (5; 3 if --quick)")
    parser.add_argument("--turns", type=int, default=3, help="trials of each peer (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="one turn of 1,000 clients beside two peers")
    calm = "seconds to wait at most for a calm machine before each trial (%(default)s)"
    parser.add_argument("--patience", type=float, default=20, help=calm)
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "bench", help="the folder of the results")
    parser.add_argument(
        "--publish", action="store_true", help="put them into tests/tools/bench/README.md as well"
    )
    parser.add_argument("--again", action="store_true", help="write table and chart from its results alone")
    chosen = parser.parse_args(arguments)
    chosen.peers = known("peer", chosen.peers, [kind.name for kind in servers.PEERS])
    chosen.rows = known("row", chosen.rows, [*plan.ROWS, plan.CAPACITY, cluster.CLUSTER])
    chosen.through = known("way", chosen.through, front.THROUGH)
    if chosen.quick:
        chosen.peers, chosen.rows = QUICK_PEERS, "poll,xhr,stream"
        chosen.turns, chosen.patience = 1, 0
    chosen.clients = chosen.clients or (1000 if chosen.quick else 5000)
    chosen.rounds = chosen.rounds or (3 if chosen.quick else 5)
    return chosen


def known(kind: str, text: str, names: Iterable[str]) -> str:
    """Return ``text``, names divided by commas, without its blanks.

    Raises:
        Unprepared: one of them is not among ``names``.
    """
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    for name in wanted:
        if name not in names:
            raise Unprepared(f"no {kind} is called {name!r}; there are {', '.join(names)}")
    return ",".join(wanted)


def main(arguments: list[str]) -> int:
    return run.run(read_arguments(arguments))
