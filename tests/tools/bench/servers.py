"""thywill and its peers: how each is prepared, started and ended."""

from __future__ import annotations

import json
import os
import platform
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.gate.environment import PYTHON, ROOT, MissingProgram, Unprepared, read_stamp, require
from tests.tools.bench.cores import Cores, run_on

BENCH = Path(__file__).resolve().parent
PEER_FILES = BENCH / "peers"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "thywill-bench"
PYTHON_PEERS = CACHE / f"python-{platform.python_version()}"
NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
ADDRESS = re.compile(r"(?:listening on |http://127\.0\.0\.1:)(\d+)")

Command = Callable[[Path], list[str]]


def nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Kind:
    """A server that can be measured.

    Args:
        name: as in the table.
        protocols: the file in ``protocols/`` for each row that it takes part in.
        command: what starts it, with a folder of its own for what it writes.
        prepare: installs what it needs; raises Unprepared with the reason.
        most: the largest number of clients that it is asked to hold.
        echoes: whether a client can have its own message back.
    """

    name: str
    protocols: dict[str, str]
    command: Command
    prepare: Callable[[], None] = nothing
    most: int = 10_000
    echoes: bool = True
    environment: dict[str, str] = field(default_factory=dict)


class Started:
    """A server that runs.

    Args:
        kind: which.
        folder: for what it writes.
        cores: the processors that it has.

    Raises:
        Unprepared: it did not start.
    """

    def __init__(self, kind: Kind, folder: Path, cores: Cores) -> None:
        self._log = folder / "server.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                kind.command(folder),
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **kind.environment},
                preexec_fn=partial(prepare_process, cores),
            )
        fixed = folder / "port"
        self.port = self._wait_port(int(fixed.read_text()) if fixed.exists() else None)

    def _wait_port(self, port: int | None) -> int:
        def listens() -> bool:
            return answers(port) if port is not None else ADDRESS.search(self.log) is not None

        if wait_until(listens, self._process):
            found = ADDRESS.search(self.log)
            return port or int(found[1] if found else 0)
        self.stop()
        raise Unprepared(f"it does not start: {self._log.read_text()[-500:]}")

    @property
    def pids(self) -> list[int]:
        """Its processes."""
        first = self._process.pid
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    @property
    def log(self) -> str:
        """What it has printed."""
        return self._log.read_text()

    def end(self, number: signal.Signals) -> None:
        """End it by a signal, and wait for that."""
        self._process.send_signal(number)
        self._process.wait(15)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def prepare_process(cores: Cores) -> None:
    run_on(cores)
    open_many_files()


def open_many_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def file_limit() -> int:
    """Return how many files a process may have open here."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float = 20) -> bool:
    """Return whether it comes true before ``process`` ends, within ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if condition():
            return True
        time.sleep(0.05)
    return False


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def thywill_command(folder: Path) -> list[str]:
    config = str(BENCH / "thywill.toml")
    return [str(PYTHON), str(ROOT / "run.py"), "--config", config, "--port", "0", "--data", str(folder)]


def nchan_command(folder: Path) -> list[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "port").write_text(str(port))
    text = (PEER_FILES / "nchan.conf").read_text()
    values = {"FOLDER": str(folder), "PORT": str(port), "CONNECTIONS": str(file_limit())}
    for name, value in values.items():
        text = text.replace(name, value)
    config = folder / "nginx.conf"
    config.write_text(text)
    return [
        require("nginx", "nginx-light"),
        "-p",
        str(folder),
        "-c",
        str(config),
        "-e",
        f"{folder}/error.log",
    ]


def prepare_nchan() -> None:
    require("nginx", "nginx-light")
    if not NCHAN.exists():
        raise MissingProgram("nchan", "libnginx-mod-nchan")


def python_command(python: Path, script: str) -> Command:
    return lambda folder: [str(python), str(PEER_FILES / script)]


def node_command(script: str) -> Command:
    return lambda folder: [require("node", "nodejs"), str(PEER_FILES / script)]


def install(folder: Path, wanted: Path, commands: list[list[str]]) -> None:
    """Run ``commands`` where they have not run yet for what ``wanted`` says."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / "installed"
    if read_stamp(stamp) == wanted.read_text():
        return
    print(f"installing the peers of {wanted.name}", flush=True)
    for command in commands:
        if subprocess.run(command, cwd=folder, check=False, stdout=sys.stderr).returncode:
            raise Unprepared(f"{Path(command[0]).name} could not install {wanted.name}")
    stamp.write_text(wanted.read_text())


def prepare_node_peers() -> None:
    require("node", "nodejs")
    npm = require("npm", "npm")
    wanted, folder = PEER_FILES / "package.json", CACHE / "node"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(wanted, folder)
    quiet = ["--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    install(folder, wanted, [[npm, "install", *quiet]])


def prepare_python_peers() -> None:
    wanted, venv = PEER_FILES / "requirements.txt", PYTHON_PEERS / "venv"
    pip = [str(venv / "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    make = [sys.executable, "-m", "venv", str(venv)]
    install(PYTHON_PEERS, wanted, [make, [*pip, "-r", str(wanted)]])


def node_peer(name: str, script: str, protocols: dict[str, str]) -> Kind:
    path = {"NODE_PATH": str(CACHE / "node" / "node_modules")}
    return Kind(name, protocols, node_command(script), prepare_node_peers, environment=path)


def versions() -> dict[str, str]:
    """Return the versions of the peers that come from npm and PyPI, as pinned."""
    found: dict[str, str] = json.loads((PEER_FILES / "package.json").read_text())["dependencies"]
    pinned = (PEER_FILES / "requirements.txt").read_text() + (ROOT / "requirements.txt").read_text()
    return {**found, **dict(re.findall(r"^([\w-]+)==([\w.]+)", pinned, re.MULTILINE))}


SOCKJS = {"xhr": "sockjs-xhr", "stream": "sockjs-xhr_streaming"}
THYWILL = Kind(
    "thywill",
    {"poll": "thywill", "xhr": "thywill-xhr", "stream": "thywill-xhr_streaming"},
    thywill_command,
    most=1_000_000,
)
PEERS = (
    Kind("nchan", {"poll": "nchan"}, nchan_command, prepare_nchan, most=1_000_000, echoes=False),
    node_peer("sockjs-node", "sockjs.js", SOCKJS),
    node_peer("socket.io", "socketio.js", {"poll": "socketio"}),
    node_peer("faye", "faye.js", {"poll": "faye"}),
    Kind("tornado", {"poll": "tornado"}, python_command(PYTHON, "bare_tornado.py"), echoes=False),
    Kind("sockjs-tornado", SOCKJS, python_command(PYTHON, "sockjs_tornado.py")),
    Kind(
        "python-socketio",
        {"poll": "socketio"},
        python_command(PYTHON_PEERS / "venv/bin/python", "python_socketio.py"),
        prepare_python_peers,
    ),
)
