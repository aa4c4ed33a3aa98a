"""``python3 -m tests.tools.soak``: 200,000 browsers come and go; ends with 1 if anything of them is left."""

from __future__ import annotations

from tests.gate.entry import enter

if __name__ == "__main__":
    enter("tests.tools.soak.__main__")

import argparse
import tempfile
from pathlib import Path

import uvloop

from tests.gate.environment import ROOT
from tests.support.served import Served
from tests.tools.soak.course import Course, Outcome

CONFIG = ROOT / "tests" / "tools" / "soak" / "thywill.toml"


def soak(folder: Path, size: int, seed: int) -> Outcome:
    """Soak a server of its own, whose data is in ``folder``, after a fifth of that as a warm-up."""
    served = Served(folder, "--config", str(CONFIG))
    try:
        outcome = uvloop.run(Course(served.port, seed).run(size, size // 5))
        assert served.stop() == (0, "")
        assert served.log.read_text() == ""
    finally:
        served.kill()
    return outcome


def main(arguments: list[str]) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.tools.soak", description=__doc__)
    parser.add_argument("--size", type=int, default=200_000, help="how many browsers (default: 200000)")
    parser.add_argument("--seed", type=int, default=1, help="decides who does what (default: 1)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        outcome = soak(Path(folder), options.size, options.seed)
    print(*outcome.report(), sep="\n")
    return 1 if outcome.left() else 0
