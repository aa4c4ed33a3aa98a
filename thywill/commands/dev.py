"""``run.py --dev``: serves for a developer, and goes on after errors in the code."""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path

from thywill.application import Application
from thywill.commands import serve
from thywill.development.files import WatchedFiles
from thywill.errors import SettingsError
from thywill.process.orders import run_again
from thywill.process.sockets import Inherited


def run(read: serve.Read, root: Path, inherited: Inherited | None) -> int:
    """Serve and return the exit status.

    Code that cannot be loaded does not end a running server. If the new code can be loaded, but fails when it
    starts, the error is shown, and the next change of the code starts it again.

    Args:
        read: returns the settings as they are now, or raises a ``SettingsError``.
        root: the folder of the project.
        inherited: the sockets of the server before the restart; None at the first start.

    Raises:
        SettingsError: the first start fails.
    """
    # Python would use old bytecode for a file that has changed twice within a second.
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    try:
        return serve.run(read, root, None, inherited, dev=True)
    except SettingsError as error:
        if inherited is None:
            raise
        return _wait_and_run_again(root, error)


def _wait_and_run_again(root: Path, error: SettingsError) -> int:
    files = WatchedFiles([*_packages(), *(root / name for name in ("thywill", "conf"))])
    begun = files.stamp()  # before the line below, since the developer may make a change right after it
    print(f"{error}\nthe next change of the code starts it again", file=sys.stderr, flush=True)
    try:
        files.wait(begun)
    except KeyboardInterrupt:
        return 130
    return run_again()


def _packages() -> list[Path]:
    """Return the folders of the applications that were imported."""
    return [Path(inspect.getfile(kind)).parent for kind in Application.__subclasses__()]
