"""A restart in place and the process: signals that arrive together, other ports, inherited sockets."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.command import Command, free_port
from tests.support.served import page

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")


HUP, TERM = signal.SIGHUP, signal.SIGTERM


def test_it_moves_to_another_port_if_that_is_free(tmp_path: Path) -> None:
    settings, first, second = tmp_path / "settings.toml", free_port(), free_port()

    def choose(port: int) -> None:
        settings.write_text(f"[server]\nport = {port}\n")

    choose(first)
    with Command(tmp_path, "--config", str(settings)) as command:
        assert command.serves_on() == first
        with socket.create_server(("127.0.0.1", 0)) as taken:
            choose(taken.getsockname()[1])
            command.send_signals(HUP)
            command.logs(f"127.0.0.1:{taken.getsockname()[1]} is in use")
        assert "echo" in page(first, "/")
        choose(second)
        command.send_signals(HUP)
        assert command.serves_on() == second
        assert "echo" in page(second, "/")
        with pytest.raises(ConnectionRefusedError):
            page(first, "/")


# Signals that come together.


PATIENT = os.environ | {"THYWILL_SERVER_HEADER_TIMEOUT": "240", "THYWILL_SERVER_STOP_TIMEOUT": "240"}
"""So a request that is half sent outlives the rehearsal of a restart, however busy the machine is."""


@contextlib.contextmanager
def half_sent(port: int) -> Iterator[socket.socket]:
    """A request that keeps the server from ending, until the rest of it is sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        sock.sendall(b"GET /thywill/health HTTP/1.1\r\n")
        page(port, "/")  # what was sent before has been read now
        yield sock


def test_sigterm_ends_a_restart(tmp_path: Path) -> None:
    with Command(tmp_path, "--port", "0", env=PATIENT) as command, half_sent(command.serves_on()) as sock:
        command.send_signals(HUP)
        command.logs("stopping: ")
        command.send_signals(TERM)
        sock.sendall(b"Host: test\r\n\r\n")
        assert command.process.communicate(timeout=120) == ("", None)
        assert command.process.returncode == 0


@pytest.mark.parametrize("numbers", [(HUP, TERM), (TERM, HUP)])
def test_sigterm_together_with_sighup_ends_it(tmp_path: Path, numbers: tuple[signal.Signals, ...]) -> None:
    with Command(tmp_path, "--port", "0") as command:
        command.serves_on()
        command.send_signals(*numbers)
        assert command.process.communicate(timeout=120) == ("", None)
        assert command.process.returncode == 0


def test_a_second_sigterm_ends_a_restart_at_once(tmp_path: Path) -> None:
    with Command(tmp_path, "--port", "0", env=PATIENT) as command, half_sent(command.serves_on()):
        command.send_signals(HUP)
        command.logs("stopping: ")
        while command.process.poll() is None:
            command.send_signals(TERM)  # again and again, since two that wait to be taken are one
            time.sleep(0.05)
        assert command.process.returncode == 1


def test_sighup_while_it_restarts_changes_nothing(tmp_path: Path) -> None:
    with Command(tmp_path, "--port", "0", env=PATIENT) as command:
        with half_sent(command.serves_on()) as sock:
            command.send_signals(HUP)
            command.logs("stopping: ")
            command.send_signals(HUP)
            sock.sendall(b"Host: test\r\n\r\n")
        port = command.serves_on()
        assert "echo" in page(port, "/")
        assert command.log.read_text().count("stopping: ") == 1


def test_sighup_at_any_moment_of_a_restart_waits_for_the_new_program(tmp_path: Path) -> None:
    with Command(tmp_path, "--port", "0") as command:
        port = command.serves_on()
        command.send_signals(HUP)
        command.logs("stopping: ")
        with repeated(lambda: command.send_signals(HUP)):
            assert command.serves_on() == port
        assert command.serves_on() == port  # the last of them came after it had read its settings
        command.send_signals(TERM)
        command.process.communicate(timeout=120)
        assert command.process.returncode == 0
        assert " ERROR " not in command.log.read_text()


@contextlib.contextmanager
def repeated(action: Callable[[], None]) -> Iterator[None]:
    """Do ``action`` every millisecond during the block."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(0.001):
            action()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_nohup_is_respected(tmp_path: Path) -> None:
    ignored = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    with Command(tmp_path, "--port", "0", before=ignored) as command:
        port = command.serves_on()
        command.send_signals(HUP)
        assert "echo" in page(port, "/")
        command.send_signals(TERM)
        assert command.process.communicate(timeout=120) == ("", None)


def test_it_ends_with_its_terminal(tmp_path: Path) -> None:
    master, terminal = os.openpty()
    with Command(tmp_path, "--port", "0", stdin=terminal) as command:
        os.close(terminal)
        port = command.serves_on()
        command.send_signals(HUP)  # by hand, while the terminal is there
        assert command.serves_on() == port
        os.close(master)
        command.send_signals(HUP)
        assert command.process.communicate(timeout=120) == ("", None)
        assert command.process.returncode == 0


# Inherited sockets.


ACTIVATION = "os.dup2({}, 3); os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')"


def test_it_takes_the_socket_of_systemd_and_keeps_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        before = ACTIVATION.format(sock.fileno())
        options = ("--port", str(free_port()))  # which counts for nothing then
        with Command(tmp_path, *options, before=before, pass_fds=[sock.fileno()]) as command:
            assert command.serves_on() == port
            assert "echo" in page(port, "/")
            command.send_signals(HUP)
            assert command.serves_on() == port
            assert "echo" in page(port, "/")


def test_a_descriptor_that_is_not_a_listening_socket_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as sock:
        before = ACTIVATION.format(sock.fileno())
        with Command(tmp_path, "--port", "0", before=before, pass_fds=[sock.fileno()]) as command:
            assert command.process.wait(120) == 2
            assert command.log.read_text() == (
                "descriptor 3 is no listening TCP socket: give the socket unit a port, ListenStream=\n"
            )
