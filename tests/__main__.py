"""The one test command: ``python3 -m tests`` prepares ``.venv`` and runs every step.

Arguments go to pytest, which then runs alone: ``python3 -m tests -k outbox``.
"""

from __future__ import annotations

import contextlib
import sys

from tests.gate.environment import Unprepared, prepare_node, prepare_python
from tests.gate.steps import STEPS, run_all, run_pytest


def main(arguments: list[str]) -> int:
    try:
        prepare_python()
    except Unprepared as error:
        print(f"the tests cannot run: {error}", file=sys.stderr)
        return 2
    if arguments:
        return run_pytest(arguments)
    # Once, before two steps that need it run side by side. They say themselves what is missing.
    with contextlib.suppress(Unprepared):
        prepare_node()
    return 0 if run_all(STEPS) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
