"""``run.py compile``: compiles the modules that every message passes, by mypyc and a C compiler.

The server works without compiled modules, but needs more CPU. ``thywill.process.compiled`` finds the modules
that are compiled here.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from thywill.process import compiled

FILES = (
    "thywill/core/bucket.py",
    "thywill/core/histogram.py",
    "thywill/core/inbox.py",
    "thywill/core/lifecycle.py",
    "thywill/core/outbox.py",
    "thywill/core/wheel.py",
    "thywill/http/connection.py",
    "thywill/http/heads.py",
    "thywill/http/message.py",
    "thywill/http/outgoing.py",
    "thywill/http/preamble.py",
    "thywill/http/reader.py",
    "thywill/http/reply.py",
    "thywill/http/request.py",
    "thywill/http/shared.py",
    "thywill/http/site.py",
    "thywill/http/states.py",
    "thywill/hub/client.py",
    "thywill/hub/delivery.py",
    "thywill/hub/drain.py",
    "thywill/hub/hub.py",
    "thywill/hub/leases.py",
    "thywill/hub/meter.py",
    "thywill/push/longpoll.py",
    "thywill/push/sockjs/client_session.py",
    "thywill/push/sockjs/frames.py",
    "thywill/push/sockjs/replies.py",
    "thywill/push/sockjs/session.py",
    "thywill/push/sockjs/states.py",
    "thywill/wire/endpoint.py",
)
"""The modules that take most of the time of a poll, a frame, a send and a broadcast."""

MYPY = "mypy==2.4.1"
"""The version of the compiler that the tests run with."""
READABLE = 0o755
"""The rights of the compiled files: the server may run as another user than the one who compiles."""


class NotCompiled(Exception):
    """The modules cannot be compiled; the text is one line that says why."""


def run(root: Path) -> int:
    """Compile the modules of the project in ``root``, print the result, and return the exit status."""
    package, begun = root / "thywill", time.monotonic()
    folder = package / compiled.FOLDER
    try:
        require()
        with tempfile.TemporaryDirectory(dir=package, prefix=".compiling-") as place:
            made = build(root, Path(place))
            replace(folder, made)
    except NotCompiled as error:
        print(f"thywill was not compiled: {error}", file=sys.stderr)
        return 1
    seconds = time.monotonic() - begun
    print(f"{len(FILES)} modules compiled in {seconds:.0f} s into {folder}; the next start uses them")
    return 0


def require(
    has: Callable[[str], object] = find_spec, which: Callable[[str], str | None] = shutil.which
) -> None:
    """Check that everything that compiling needs is installed.

    Args:
        has: returns the spec of a Python module, or None if the module is missing.
        which: returns the path of a program, or None if the program is missing.

    Raises:
        NotCompiled: something is missing.
    """
    install = f"{sys.executable} -m pip install"
    if not has("mypyc"):
        raise NotCompiled(f"mypyc is missing, which comes with mypy: {install} {MYPY} setuptools")
    if not has("setuptools"):
        raise NotCompiled(f"setuptools is missing: {install} setuptools")
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")[0]
    if which(compiler) is None:
        raise NotCompiled(f"there is no C compiler ({compiler}): install the package gcc")
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.exists():
        raise NotCompiled(f"{header} is missing: install the package python3-dev")


def build(root: Path, place: Path, *, optimize: int = 3) -> Path:
    """Compile the modules in a process of its own, and return the folder that holds them.

    Args:
        root: the folder of the project.
        place: an empty folder.
        optimize: how much the C compiler optimizes, from 0 to 3.

    Raises:
        NotCompiled: the compiler refuses, or the sources have changed meanwhile.
    """
    package = root / "thywill"
    before = compiled.digest(package)
    call = f"from {__name__} import make; import sys; make(*sys.argv[1:])"
    command = [sys.executable, "-c", call, str(place), str(optimize), *FILES]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode != 0:
        print(done.stdout, done.stderr, sep="", end="", file=sys.stderr)
        raise NotCompiled("the compiler's errors are above")
    made = place / "lib"
    compiled.write_manifest(made, package)
    # Otherwise modules that were compiled from old sources would run beside the new ones.
    if compiled.digest(package) != before:
        raise NotCompiled("the sources have changed meanwhile; run the command again")
    return made


def make(place: str, optimize: str, *files: str) -> None:
    """Compile modules; print errors of the compiler.

    Args:
        place: the folder for the compiled modules.
        optimize: how much the C compiler optimizes, from 0 to 3.
        files: the modules, as paths relative to the current folder.
    """
    from mypyc.build import mypycify
    from setuptools import Distribution  # imported before the call of mypycify, which looks for it

    options = ["--ignore-missing-imports", f"--cache-dir={place}/cache", "--config-file="]
    extensions = mypycify(
        [*options, *files],
        opt_level=optimize,
        debug_level="0",
        group_name="thywill",
        target_dir=f"{place}/c",
    )
    command = Distribution({"name": "thywill", "ext_modules": extensions}).get_command_obj("build_ext")
    command.build_lib, command.build_temp = f"{place}/lib", f"{place}/o"
    command.ensure_finalized()
    command.run()


def replace(folder: Path, made: Path) -> None:
    """Replace the folder of compiled modules.

    Args:
        folder: the folder to replace, which need not exist.
        made: the folder with the new modules.
    """
    for path in (made, *made.rglob("*")):
        path.chmod(READABLE if path.is_dir() else READABLE & 0o666)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
