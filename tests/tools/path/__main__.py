"""``python3 -m tests.tools.path``: the path of one message through the server, counted and as text."""

from __future__ import annotations

from tests.gate.entry import enter

if __name__ == "__main__":
    enter("tests.tools.path.__main__")

import argparse
import sys
from pathlib import Path

from tests.gate.environment import ROOT
from tests.tools.path.trial import trace_message, trace_start


def main(arguments: list[str]) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.tools.path", description=__doc__)
    parser.add_argument("--start", action="store_true", help="the start of the server instead of a message")
    parser.add_argument("--root", type=Path, default=ROOT, help="another copy of the project")
    options = parser.parse_args(arguments)
    sys.path.insert(0, str(options.root))
    trace = (trace_start if options.start else trace_message)(options.root.resolve())
    print(trace.text(), f"\n{trace.count()}", sep="\n")
    return 0
