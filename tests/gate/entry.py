"""How a command of the tests is entered from whatever ``python3`` is; standard library only."""

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

    Called by the module itself, above its imports of packages. ``Unprepared`` is one line and status 2.

    Args:
        module: its name for ``python3 -m``; ``tests.tools.audit.__main__`` for that of a package.
    """
    try:
        prepare_python()
        if Path(sys.prefix) != VENV:
            sys.stdout.flush()
            os.execv(PYTHON, [str(PYTHON), "-m", module, *sys.argv[1:]])
        # As Ctrl-C does: servers and clients are ended.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        sys.exit(importlib.import_module(module).main(sys.argv[1:]))
    except Unprepared as error:
        print(f"{module.removesuffix('.__main__')} cannot run: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
