"""Starts a command of the tests with any ``python3``: it continues in ``.venv``. Standard library only."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from tests.gate.environment import PYTHON, VENV, Unprepared, prepare_python


def enter(module: str) -> NoReturn:
    """Run ``main(arguments)`` of ``module`` in ``.venv``, made where it is missing, and exit with its status.

    The module calls this before it imports packages. On ``Unprepared`` it prints one line and exits with 2.

    Args:
        module: its name for ``python3 -m``; ``tests.tools.audit.__main__`` for that of a package.
    """
    try:
        prepare_python()
        if Path(sys.prefix) != VENV:
            sys.stdout.flush()
            os.execv(PYTHON, [str(PYTHON), "-m", module, *sys.argv[1:]])
        # SIGTERM ends the command as Ctrl-C does, with the servers and clients that it started.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        sys.exit(importlib.import_module(module).main(sys.argv[1:]))
    except Unprepared as error:
        print(f"{module.removesuffix('.__main__')} cannot run: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
