"""``run.py --processes 2``: a parent and its servers on one port."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gate.environment import ROOT
from tests.support.command import wait_for
from tests.support.served import COMMAND, Served
from tests.support.shared_queue import SHARED

PAUSE = 0.05


def get(port: int, path: str) -> tuple[int, Any]:
    """Return status and JSON of an answer that came by a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


class Cluster(Served):
    """A parent with two servers; ``reports`` holds what it has told systemd."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "thywill.toml"
        self.configure("")
        self.reports = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.reports.bind(str(folder / "notify"))
        self.reports.settimeout(60)
        environment = {"PYTHONPATH": str(ROOT), "NOTIFY_SOCKET": str(folder / "notify")}
        options = ("--config", str(self.config), "--processes", "2")
        super().__init__(folder, *options, environment=environment)

    def configure(self, more: str) -> None:
        """Write the settings file."""
        self.config.write_text(f'[queue]\ncomponent = "{SHARED}"\n{more}')

    def reported(self) -> str:
        """Return the next report to systemd, without what follows its first line."""
        return self.reports.recv(1000).decode().split("\n")[0]

    def processes(self) -> set[int]:
        """Return the processes of the servers; new connections meet all of them."""
        found: set[int] = set()

        def met_both() -> bool:
            (row,) = get(self.port, "/thywill/servers")[1]["servers"]
            found.add(row["process"])
            return len(found) > 1

        wait_for(met_both)
        return found

    def restart(self) -> None:
        """Restart the servers, and wait until all are replaced."""
        self.process.send_signal(signal.SIGHUP)
        self.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One parent for all tests here, each of which leaves it with two servers."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        assert running.reported() == "READY=1"
        yield running
        assert running.stop()[0] == 0
        assert running.reported() == "STOPPING=1"
        running.reports.close()


class Visitor:
    """Opens a connection every 50 ms and counts what it is answered."""

    def __init__(self, port: int) -> None:
        self.answers: list[int | str] = []
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._visit)

    def __enter__(self) -> Visitor:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _visit(self) -> None:
        while not self._over.wait(PAUSE):
            try:
                self.answers.append(get(self._port, "/thywill/health")[0])
            except (OSError, http.client.HTTPException) as error:
                self.answers.append(repr(error))


def test_a_restart_refuses_no_connection(cluster: Cluster) -> None:
    before = cluster.processes()
    with Visitor(cluster.port) as visitor:
        cluster.restart()
        seen = len(visitor.answers)
        wait_for(lambda: len(visitor.answers) > seen + 3)
    assert (cluster.reported(), cluster.reported()) == ("RELOADING=1", "READY=1")
    assert set(visitor.answers) == {200}
    assert not before & cluster.processes()


def test_a_server_that_is_killed_comes_back(cluster: Cluster) -> None:
    victim = min(cluster.processes())
    os.kill(victim, signal.SIGKILL)
    wait_for(
        lambda: f"({victim}) was killed by signal 9; starting it again in 1 s" in cluster.log.read_text()
    )
    assert get(cluster.port, "/thywill/health")[0] == 200
    assert victim not in cluster.processes()


def test_settings_that_are_wrong_change_nothing(cluster: Cluster) -> None:
    before = cluster.processes()
    cluster.configure("mesages = 5\n")
    cluster.process.send_signal(signal.SIGHUP)
    expected = "not restarted, the servers go on as they were"
    try:
        wait_for(lambda: expected in cluster.log.read_text())
    finally:
        cluster.configure("")
    assert "[queue] mesages: is no setting here; did you mean 'messages'?" in cluster.log.read_text()
    assert cluster.processes() == before


def test_lines_of_the_log_name_the_server(cluster: Cluster) -> None:
    text = cluster.log.read_text()
    assert " INFO    [1] thywill server 1 of 2 serves on " in text
    assert " INFO    [2] thywill server 2 of 2 serves on " in text


def test_a_port_that_another_parent_has_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    result = serve(tmp_path, "--config", str(cluster.config), "--processes", "2", "--port", str(cluster.port))
    assert result.returncode == 2
    assert f"127.0.0.1:{cluster.port} is in use" in result.stderr


def test_servers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    with Cluster(tmp_path) as orphaning:
        processes = orphaning.processes()
        orphaning.process.kill()
        wait_for(lambda: not any(is_alive(process) for process in processes))
        orphaning.reports.close()


def test_a_queue_of_one_process_is_refused(tmp_path: Path) -> None:
    result = serve(tmp_path, "--processes", "4", "--port", "0", "--queue", "database")
    assert result.returncode == 2
    assert result.stderr == (
        "--processes: [server] processes: the database queue lives in one process: "
        'set [queue] component = "redis" or processes = 1\n'
    )


def serve(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a command that is expected to end."""
    command = [*COMMAND, "--data", str(folder), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)


def is_alive(process: int) -> bool:
    """Tell whether a process runs; it is no child of this one."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
