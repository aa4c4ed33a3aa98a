"""Prepares what the steps need: Python packages in ``.venv``, npm packages in ``.venv/node``."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
REQUIREMENTS = (ROOT / "requirements.txt", ROOT / "tests" / "requirements.txt")
NODE_TOOLS = VENV / "node"
# eslint 10 needs a newer Node.js than Debian 12 has.
NODE_PACKAGES = ("eslint@9.39.5", "jshint@2.13.6")


class Unprepared(Exception):
    """Something is missing that this command cannot install; the text says what to do."""


class MissingProgram(Unprepared):
    """A program of the system is missing."""

    def __init__(self, program: str, package: str) -> None:
        super().__init__(f"{program} is not installed: install the package {package}")


def require(program: str, package: str) -> str:
    """Return the path of a program of the system.

    Raises:
        MissingProgram: it is not there; the text names the package that brings it.
    """
    path = shutil.which(program)
    if path is None:
        raise MissingProgram(program, package)
    return path


def in_ci() -> bool:
    """Tell whether a missing program is a failure instead of a reason to skip."""
    return os.environ.get("CI") == "true"


def prepare_python() -> None:
    """Make ``.venv`` where it is missing, and install the requirements where they changed.

    Raises:
        Unprepared: Python is too old, lacks venv, or pip failed.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 (this file is read by whatever `python3` is)
        raise Unprepared(f"Python 3.11 or newer is needed; {sys.executable} is {sys.version.split()[0]}")
    if not PYTHON.exists():
        make_venv()
    install_requirements()


def make_venv() -> None:
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise Unprepared("this Python cannot make a virtual environment: install the package python3-venv")
    print(f"making {VENV.name}", flush=True)
    run_or_explain([sys.executable, "-m", "venv", str(VENV)], f"{VENV} could not be made")


def install_requirements() -> None:
    stamp = VENV / "requirements.sha256"
    digest = requirements_digest()
    if read_stamp(stamp) == digest:
        return
    print("installing the Python packages", flush=True)
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for path in REQUIREMENTS:
        command += ["-r", str(path)]
    run_or_explain(command, "pip could not install the requirements")
    stamp.write_text(digest)


def requirements_digest() -> str:
    digest = hashlib.sha256()
    for path in REQUIREMENTS:
        if not path.exists():
            raise Unprepared(f"{path} is missing: the clone is incomplete")
        digest.update(path.read_bytes())
    return digest.hexdigest()


def prepare_node(folder: Path = NODE_TOOLS, packages: tuple[str, ...] = NODE_PACKAGES) -> None:
    """Install packages of npm into ``folder`` where they are missing or of another version.

    Raises:
        MissingProgram: node or npm is not there.
        Unprepared: npm failed.
    """
    require("node", "nodejs")
    npm = require("npm", "npm")
    stamp = folder / "installed"
    wanted = "\n".join(packages)
    if read_stamp(stamp) == wanted:
        return
    with alone_in(folder):
        if read_stamp(stamp) == wanted:
            return
        print("installing", *packages, flush=True)
        run_or_explain(npm_install(npm, folder, packages), f"npm could not install {' '.join(packages)}")
        stamp.write_text(wanted)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Make ``folder``, and keep out other processes that install something there."""
    import fcntl  # not on Windows

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def npm_install(npm: str, folder: Path, packages: tuple[str, ...]) -> list[str]:
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    # Without a lock file, which would contain the address of the registry that was used.
    return [npm, "install", "--prefix", str(folder), "--no-save", "--no-package-lock", "--ignore-scripts",
            *quiet, *packages]  # fmt: skip


def read_stamp(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def run_or_explain(command: list[str], failure: str) -> None:
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise Unprepared(f"{failure}; its own message is above")
