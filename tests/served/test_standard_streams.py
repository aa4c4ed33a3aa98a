"""``run.py`` with standard streams that are closed, that nobody reads, or whose disk is full."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.command import Command, free_port, wait_for
from tests.support.served import COMMAND

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")

TALKING = """
from thywill import Application
print("imported")
class Talking(Application):
    async def on_start(self):
        print("started", flush=True)
"""
FULL = "os.dup2(os.open('/dev/full', os.O_WRONLY), {})"


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    """Options that choose a free port, and an application of the current folder that prints."""
    (tmp_path / "talking").mkdir()
    (tmp_path / "talking" / "__init__.py").write_text(TALKING)
    return ["--applications", "talking", "--port", str(free_port())]


def serves(command: Command, port: str) -> bool:
    """Return whether the server answers; fails if its process has ended."""
    assert command.process.poll() is None, command.log.read_text()
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
    try:
        connection.request("GET", "/talking/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def restart(command: Command, port: str) -> None:
    """Restart in place and wait until the new program serves."""
    before = environment(command)
    command.send_signals(signal.SIGHUP)
    wait_for(lambda: environment(command) != before)
    wait_for(lambda: serves(command, port))


def environment(command: Command) -> bytes:
    """Return the environment that the program of the process was started with."""
    return Path(f"/proc/{command.process.pid}/environ").read_bytes()


def test_a_restart_needs_no_reader_of_standard_output(tmp_path: Path, options: list[str]) -> None:
    with Command(tmp_path, *options) as command:
        assert command.process.stdout is not None
        wait_for(lambda: serves(command, options[-1]))
        command.process.stdout.close()
        restart(command, options[-1])
        command.send_signals(signal.SIGTERM)
        assert command.process.wait(120) == 0
        assert "Traceback" not in command.log.read_text()


@pytest.mark.parametrize("full", [[1], [2], [1, 2]])
def test_a_full_disk_below_its_streams_ends_nothing(
    tmp_path: Path, options: list[str], full: list[int]
) -> None:
    before = "; ".join(FULL.format(number) for number in full)
    with Command(tmp_path, *options, before=before) as command:
        wait_for(lambda: serves(command, options[-1]))
        restart(command, options[-1])
        command.send_signals(signal.SIGTERM)
        assert command.process.wait(120) == 0


@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1, 2]])
def test_streams_that_are_closed_are_opened_before_all(
    tmp_path: Path, options: list[str], closed: list[int]
) -> None:
    before = "; ".join(f"os.close({number})" for number in closed)
    with Command(tmp_path, *options, before=before) as command:
        wait_for(lambda: serves(command, options[-1]))
        for number in closed:
            assert Path(f"/proc/{command.process.pid}/fd/{number}").readlink() == Path(os.devnull)
        restart(command, options[-1])
        command.send_signals(signal.SIGTERM)
        assert command.process.wait(120) == 0


def test_a_mistake_with_a_closed_standard_error_has_its_status(tmp_path: Path) -> None:
    with Command(tmp_path, "--http", "slow", before="os.close(2)") as command:
        assert command.process.communicate(timeout=120) == ("", None)
        assert command.process.returncode == 2


# Commands.


def check(folder: Path, *, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    become = f"import os, sys\n{before}\nos.execv(sys.argv[1], sys.argv[1:])"
    command = [COMMAND[0], "-c", become, *COMMAND, "check", "--port", "0", "--data", str(folder / "data")]
    variables = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=variables)


def test_a_report_in_ascii(tmp_path: Path) -> None:
    (tmp_path / "ü").mkdir()
    result = check(tmp_path / "ü", PYTHONIOENCODING="ascii")
    assert (result.returncode, result.stderr) == (0, "")
    assert "/\\xfc/data will be created at the first start" in result.stdout


def test_a_report_that_nobody_reads(tmp_path: Path) -> None:
    result = check(tmp_path, before="reading, writing = os.pipe(); os.dup2(writing, 1); os.close(reading)")
    assert (result.returncode, result.stderr) == (0, "")


def test_a_report_that_has_no_room(tmp_path: Path) -> None:
    result = check(tmp_path, before=FULL.format(1))
    assert result.returncode == 2
    assert result.stderr == "standard output cannot be written: No space left on device\n"


def test_a_check_needs_no_temporary_folder(tmp_path: Path) -> None:
    # The candidates of tempfile are this variable, the system's folders and the current one.
    become = (
        "import runpy, sys, tempfile\n"
        "tempfile._candidate_tempdir_list = lambda: []\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [COMMAND[0], "-c", become, COMMAND[1], "check", "--port", "0", "--data", str(tmp_path / "none")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "ok       settings: every setting is right" in result.stdout
    assert list(tmp_path.iterdir()) == []


# Descriptors.


def test_running_out_of_descriptors_is_logged(tmp_path: Path) -> None:
    before = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))"
    with Command(tmp_path, "--port", "0", before=before) as command:
        port = command.serves_on()
        connections = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(120)]
        command.logs("out of file descriptors, so connections are refused: all 80 are open")
        for each in connections:
            each.close()
        command.send_signals(signal.SIGTERM)
        assert command.process.wait(120) == 0
