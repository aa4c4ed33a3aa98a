"""``python3 -m tests.bench``: measure thywill beside other servers that keep requests waiting."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from tests.gate.environment import PYTHON, ROOT, VENV, Unprepared, prepare_python

QUICK_PEERS = "tornado,sockjs-tornado"


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    from tests.bench import front, plan, servers

    parser = argparse.ArgumentParser(prog="python3 -m tests.bench", description=__doc__)
    names = ",".join(kind.name for kind in servers.PEERS)
    parser.add_argument("--peers", default=names, help=f"of {names}; an empty text for none")
    rows = f"of {','.join(plan.ROWS)} and {plan.CAPACITY}"
    parser.add_argument("--rows", default=",".join(plan.ROWS), help=rows)
    through = f"what stands before thywill in the row {plan.CAPACITY}: of %(default)s"
    parser.add_argument("--through", default=",".join(front.THROUGH), help=through)
    parser.add_argument("--clients", type=int, default=5000, help="in the rows of one size (%(default)s)")
    parser.add_argument("--most", type=int, default=30000, help="in the others; open files limit it too")
    parser.add_argument("--rounds", type=int, default=5, help="broadcasts in each trial (%(default)s)")
    parser.add_argument("--turns", type=int, default=3, help="trials of each peer (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="one turn of 1,000 clients beside two peers")
    calm = "seconds to wait at most for a calm machine before each trial (%(default)s)"
    parser.add_argument("--patience", type=float, default=20, help=calm)
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "bench", help="the folder of the results")
    parser.add_argument("--publish", action="store_true", help="put them into tests/bench/README.md as well")
    parser.add_argument("--again", action="store_true", help="write table and chart from its results alone")
    chosen = parser.parse_args(arguments)
    if chosen.quick:
        chosen.peers, chosen.rows = QUICK_PEERS, "poll,xhr,stream"
        chosen.clients, chosen.rounds, chosen.turns = 1000, 3, 1
        chosen.patience = 0
    return chosen


def main(arguments: list[str]) -> int:
    try:
        prepare_python()
        if Path(sys.prefix) != VENV:
            os.execv(PYTHON, [str(PYTHON), "-m", "tests.bench", *arguments])
        from tests.bench import run

        # As Ctrl-C does: the server under test is ended.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        return run.run(read_arguments(arguments))
    except Unprepared as error:
        print(f"nothing can be measured: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
