"""A checkout may lie in a folder of any name: no path is taken for a pattern, a format or a URL."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gate.environment import ROOT
from tests.support.served import STARTED, ask, page

PARTS = ("apps", "conf", "static", "thywill")


@pytest.mark.parametrize("name", ["app[1]", "100% {x}'#?&", "ä \u2028 *"])
def test_a_checkout_serves_from_there(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "run.py", folder)
    command = [sys.executable, str(folder / "run.py"), "--port", "0", "--queue", "database", "--log", "file"]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        started = STARTED.fullmatch(process.stdout.readline())
        assert started, process.stderr.read()
        port = int(started[2])
        token = ask(port, "connect", {"application": "echo"})["token"]
        assert ask(port, "send", {"token": token, "messages": [[1, "x"]]}) == {"received": 1}
        script = re.search(r'src="\.\./(static/\w+/client\.js)"', page(port, "/echo/"))
        assert script
        assert "thywill" in page(port, f"/{script[1]}")
        process.terminate()
        assert process.wait(120) == 0
    assert (folder / "var" / "thywill.db").is_file()
