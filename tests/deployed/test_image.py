"""The image of ``conf/Dockerfile``, put together by hand: it serves, and writes only its data."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser.drivers import require
from tests.gate.environment import ROOT
from tests.support.command import free_port, wait_for
from tests.support.dockerfile import all_of

WORKDIR = "/srv/thywill"
PACKAGES = "/srv/packages/bin/python"
STOP = 60.0
"""Seconds within which the server has to end."""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A folder with what the Dockerfile copies, compiled as there."""
    folder = tmp_path / "image"
    for rest in all_of("COPY"):
        if not rest.startswith("--from") and rest != "requirements.txt /":
            *sources, target = rest.split()
            for source in sources:
                copy(ROOT / source, folder / target, is_folder=target.endswith("/"))
    (command,) = [rest for rest in all_of("RUN") if "compileall" in rest]
    python, *arguments = command.split()
    assert python == PACKAGES
    own = [each for each in arguments if not each.startswith("/")]
    subprocess.run([sys.executable, *own], cwd=folder, check=True)
    return folder


def copy(source: Path, target: Path, *, is_folder: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "compiled"))
    else:
        target = target / source.name if is_folder else target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def contents(folder: Path) -> dict[str, str]:
    """Return a digest of each file in a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def environment(data: Path, port: int) -> dict[str, str]:
    """Return the environment of the container, with another folder for its data."""
    named = dict(re.findall(r"(\w+)=(\S+)", all_of("ENV")[0]))
    return {**named, "THYWILL_SERVER_DATA": str(data), "THYWILL_SERVER_PORT": str(port)}


@contextmanager
def running(image: Path, data: Path, port: int) -> Iterator[int]:
    """Run the image's command as process 1 of a container; yield its process, seen from here."""
    (entry,) = all_of("ENTRYPOINT")
    python, script = json.loads(entry)
    assert (python, script) == (PACKAGES, f"{WORKDIR}/run.py")
    unshare = [
        require("unshare", "util-linux"),
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--kill-child",
    ]
    command = [*unshare, sys.executable, str(image / "run.py")]
    with (data / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=image, env=environment(data, port), stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert process.stdout is not None
        assert f":{port}/" in process.stdout.readline(), (data / "log").read_text()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield int(children[0])
        assert process.wait(STOP) == 0
    finally:
        process.kill()
        process.communicate()


def health(port: int) -> int:
    """Return the status of the container's health check."""
    (check,) = all_of("HEALTHCHECK")
    _, _, code = json.loads(check.partition("CMD ")[2])
    check_of = {**os.environ, "THYWILL_SERVER_PORT": str(port)}
    return subprocess.run(
        [sys.executable, "-c", code], env=check_of, stderr=subprocess.DEVNULL, check=False
    ).returncode


def may_make_containers() -> bool:
    program = shutil.which("unshare")
    if program is None:
        return True  # then ``require`` says what is missing
    command = [program, "--user", "--map-root-user", "--pid", "--fork", "true"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not may_make_containers(), reason="this system lets nobody make a container")
def test_what_is_copied_serves_as_process_1_and_writes_only_its_data(image: Path, tmp_path: Path) -> None:
    before, port = contents(image), free_port()
    assert "thywill/queue/redis/library.lua" in before
    data = tmp_path / "data"
    data.mkdir()
    with running(image, data, port) as process:
        status = Path(f"/proc/{process}/status").read_text()
        assert re.search(r"NSpid:\t\d+\t1\n", status)
        assert health(port) == 0
        os.kill(process, signal.SIGTERM)
        wait_for(lambda: health(port) != 0)
    assert contents(image) == before
    assert {path.name for path in data.iterdir()} >= {"secret", "thywill.db"}
