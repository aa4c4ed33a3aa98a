"""JScript 5.8, the language of Internet Explorer 8, as Wine has it: it is the strictest reader of scripts."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.browser.drivers import programs
from tests.browser.engines.runner import RUNNERS
from tests.gate import environment

# Debian puts it beside the path.
FOLDERS = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/lib/wine"])
TIMEOUT = 100.0


def read(scripts: list[Path]) -> dict[Path, str]:
    """Return what JScript says of each script: ``read``, or ``refused`` with the reason.

    Raises:
        AssertionError: it did not get to the end.
    """
    wine, server = find("wine64"), find("wineserver64")
    with tempfile.TemporaryDirectory(prefix="thywill-wine-", ignore_cleanup_errors=True) as prefix:
        quiet = {"WINEPREFIX": prefix, "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree=;mshtml="}
        environment = {**os.environ, **quiet}
        command = [wine, "cscript.exe", "//nologo", *map(windows_path, [RUNNERS / "parse.js", *scripts])]
        try:
            output = subprocess.run(
                command, env=environment, check=False, capture_output=True, text=True, timeout=TIMEOUT
            ).stdout
        finally:
            subprocess.run([server, "-k"], env=environment, check=False, capture_output=True)
    lines = [line for line in output.splitlines() if line.startswith(("read", "refused"))]
    assert len(lines) == len(scripts), output  # it says nothing of an error of its own
    return dict(zip(scripts, lines, strict=True))


def windows_path(path: Path) -> str:
    return f"Z:{path}".replace("/", "\\")


def find(program: str) -> str:
    def look() -> str:
        path = shutil.which(program, path=FOLDERS)
        if path is None:
            raise environment.MissingProgram(program, "wine64")
        return path

    return programs.provide(look)
