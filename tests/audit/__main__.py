"""``python3 -m tests.audit``: does harm to a server and its clients, and accounts for every message."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.gate.environment import PYTHON, VENV, Unprepared, prepare_python


def main(arguments: list[str]) -> int:
    try:
        prepare_python()
        if Path(sys.prefix) != VENV:
            os.execv(PYTHON, [str(PYTHON), "-m", "tests.audit", *arguments])
        from tests.audit import command

        # As Ctrl-C does: servers and clients are ended.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        return command.main(arguments)
    except Unprepared as error:
        print(f"the audit cannot run: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
