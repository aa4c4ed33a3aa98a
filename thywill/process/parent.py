"""A parent that keeps several servers alive on one port; ``slots.py`` decides what it starts and stops.

It serves no browser itself and needs no event loop. It waits for signals, for the end of servers, for their
reports (``child.py``), and for the next time at which the table of slots has something to do.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, NoReturn

from thywill.errors import SettingsError
from thywill.process.child import LONGEST, READY, send_number
from thywill.process.listeners import Listeners
from thywill.process.slots import Action, Slots
from thywill.process.sockets import hand_over
from thywill.process.systemd import notify

log = logging.getLogger(__name__)

STOP = (signal.SIGINT, signal.SIGTERM)
WATCHED = (*STOP, signal.SIGHUP, signal.SIGCHLD)
EXEC_FAILED = 127
"""The exit status of a process whose program could not be run."""
NOT_INHERITED = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC")
"""Variables that servers do not inherit, because only the parent reports to systemd."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The settings of the servers.

    Args:
        count: how many servers there are.
        address, port: where they listen.
        patience: seconds that a server has to end.
    """

    count: int
    address: str
    port: int
    patience: float


@dataclass(slots=True)
class Rehearsal:
    """A process that tries whether servers would start with the present settings and code.

    Args:
        process: its process id.
        errors: the file to which its standard error goes.
        again: whether SIGHUP arrived while it ran.
    """

    process: int
    errors: IO[bytes]
    again: bool = False

    def reason(self, status: int) -> str:
        """Return in one line why it failed, from its errors or its exit status."""
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").splitlines()
        return next((line for line in reversed(lines) if line.strip()), f"it ended with {status}")


class Parent:
    """Starts, watches and stops the servers.

    Args:
        command: the command that runs a server.
        rehearsal: the command that only tries whether a server would start.
        wanted: the present settings.
        read: reads the settings again, for a restart; may raise a ``SettingsError``.
        listeners: the sockets of the servers.
    """

    def __init__(
        self,
        command: Sequence[str],
        rehearsal: Sequence[str],
        wanted: Wanted,
        read: Callable[[], Wanted],
        listeners: Listeners,
    ) -> None:
        self._command = command
        self._rehearse = rehearsal
        self._read = read
        self._listeners = listeners
        self.slots = Slots(wanted.count, wanted.patience)
        self._links: dict[int, socket.socket] = {}
        self._rehearsal: Rehearsal | None = None
        self._selector = selectors.DefaultSelector()
        self._announced = False
        self._terminals = [number for number in range(3) if os.isatty(number)]

    def run(self) -> int:
        """Run until a signal ends the service; return the worst exit status of the servers."""
        wake, signals = socket.socketpair()
        for each in (wake, signals):
            each.setblocking(False)
        self._selector.register(wake, selectors.EVENT_READ)
        self._watch_signals(signals)
        self.slots.begin(time.monotonic())
        while not self.slots.over:
            self._step(wake)
        self._listeners.close()
        return self.slots.worst

    def _watch_signals(self, signals: socket.socket) -> None:
        signal.set_wakeup_fd(signals.fileno())
        for number in WATCHED:
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                signal.signal(number, _nothing)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)

    def _step(self, wake: socket.socket) -> None:
        for action, number in self.slots.orders(time.monotonic()):
            self._execute(action, number)
        self._announce()
        due = self.slots.deadline()
        timeout = None if due is None else max(due - time.monotonic(), 0.0)
        for key, _ in self._selector.select(timeout):
            if key.fileobj is wake:
                self._handle_signals(wake.recv(1000))
            else:
                self._read_link(key.data)
        self._reap()

    # Orders.

    def _execute(self, action: Action, number: int) -> None:
        if action is Action.START:
            self._start(number)
        else:
            _send(number, signal.SIGTERM if action is Action.DRAIN else signal.SIGKILL)

    def _start(self, slot: int) -> None:
        try:
            sockets = self._listeners.of(slot)
            link, theirs = socket.socketpair()
            with theirs:
                send_number(link, slot, max(self.slots.count, slot))
                process = _spawn(self._command, lambda: _pass_on(sockets, theirs, ours=self._listeners.ours))
        except (SettingsError, OSError) as error:
            self.slots.not_started(slot, str(error), time.monotonic())
            return
        self._links[process] = link
        self._selector.register(link, selectors.EVENT_READ, process)
        self.slots.started(slot, process, time.monotonic())

    def _announce(self) -> None:
        for line in self.slots.lines:
            log.log(line.level, "%s", line.text)
        self.slots.lines.clear()
        if not self._announced and self.slots.all_ready and not (self.slots.rolling or self.slots.stopping):
            self._announced = True
            url = f"http://{self._listeners.place}/"
            with suppress(OSError):
                print(f"thywill serves on {url} (end it with Ctrl-C)", flush=True)
            notify("READY=1", f"STATUS={self.slots.count} servers serve on {url}")

    # Events.

    def _read_link(self, process: int) -> None:
        link = self._links[process]
        try:
            text = link.recv(LONGEST)
        except OSError:
            text = b""
        if text == READY:
            self.slots.ready(process, time.monotonic())
        if not text:
            self._selector.unregister(link)
            link.close()
            del self._links[process]

    def _handle_signals(self, numbers: bytes) -> None:
        for number in numbers:
            if number in STOP or (number == signal.SIGHUP and self._terminal_is_gone()):
                self._stop()
            elif number == signal.SIGHUP and not self.slots.stopping:
                self._begin_restart()

    def _terminal_is_gone(self) -> bool:
        return not all(os.isatty(number) for number in self._terminals)

    def _stop(self) -> None:
        if self.slots.stopping:
            for process in self.slots.servers:
                _send(process, signal.SIGKILL)
            os._exit(1)
        log.info("stopping the servers: %d", len(self.slots.servers))
        notify("STOPPING=1")
        self.slots.stop(time.monotonic())
        if self._rehearsal is not None:
            _send(self._rehearsal.process, signal.SIGKILL)

    def _reap(self) -> None:
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not process:
                return
            self._ended(process, os.waitstatus_to_exitcode(status))

    def _ended(self, process: int, status: int) -> None:
        if self._rehearsal is not None and process == self._rehearsal.process:
            self._go_on_restarting(status)
        server = self.slots.servers.get(process)
        if server is None:
            return
        if process in self._links:  # it may have reported that it was ready just before
            self._read_link(process)
        self.slots.ended(process, status, time.monotonic())
        if not any(other.slot == server.slot for other in self.slots.servers.values()):
            self._listeners.forget(server.slot)

    # The restart.

    def _begin_restart(self) -> None:
        if self._rehearsal is not None:
            self._rehearsal.again = True
            return
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the rehearsal has ended
        self._rehearsal = Rehearsal(_spawn(self._rehearse, lambda: _redirect(errors)), errors)

    def _go_on_restarting(self, status: int) -> None:
        rehearsal, self._rehearsal = self._rehearsal, None
        assert rehearsal is not None
        with rehearsal.errors:
            if self.slots.stopping:
                return
            if rehearsal.again:  # the settings may have changed since the rehearsal began
                self._begin_restart()
                return
            trouble = rehearsal.reason(status) if status else self._restart()
        if trouble:
            log.error("not restarted, the servers go on as they were: %s", trouble)

    def _restart(self) -> str | None:
        try:
            wanted = self._read()
            if wanted.count < 2:
                return (
                    "[server] processes = 1: stop the service and start it again, to go back to one process"
                )
            self._listeners.move(wanted.address, wanted.port)
        except SettingsError as error:
            return str(error)
        notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        self._announced = False
        self.slots.restart(wanted.count)
        return None


def _nothing(_number: int, _frame: Any) -> None:
    """Do nothing: a signal only has to wake the parent, which reads its number from a socket."""


def _send(process: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)


def _spawn(command: Sequence[str], prepare: Callable[[], Mapping[str, str]]) -> int:
    """Run ``command`` in a new process in a group of its own; return the process id.

    Because of the group, Ctrl-C reaches only the parent, which then tells its servers. Signals stay blocked
    in the new process until it handles them.

    Args:
        command: the program and its arguments.
        prepare: called in the new process; arranges its descriptors and returns its environment.

    Raises:
        OSError: the system allows no further process.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    try:
        process = os.fork()
        if process == 0:
            _exec(command, prepare)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return process


def _exec(command: Sequence[str], prepare: Callable[[], Mapping[str, str]]) -> NoReturn:
    try:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        environment = {**prepare()}
        for name in NOT_INHERITED:
            environment.pop(name, None)
        os.execve(command[0], list(command), environment)  # noqa: S606 - no shell is wanted
    except BaseException as error:  # noqa: BLE001 - no code of the parent may go on in this process
        os.write(2, f"{command[0]} cannot be run: {error}\n".encode())
    finally:
        os._exit(EXEC_FAILED)


def _pass_on(sockets: list[socket.socket], link: socket.socket, *, ours: bool) -> Mapping[str, str]:
    environment = dict(os.environ)
    hand_over(sockets, ours=ours, environment=environment, parent=link)
    return environment


def _redirect(errors: IO[bytes]) -> Mapping[str, str]:
    nothing = os.open(os.devnull, os.O_RDWR)
    for number, descriptor in enumerate((nothing, nothing, errors.fileno())):
        os.dup2(descriptor, number)
    return os.environ


def check_start(rehearsal: Sequence[str]) -> int:
    """Try whether servers would start; return the exit status of the rehearsal, which prints any error."""
    process = _spawn(rehearsal, lambda: os.environ)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def command_of_this_process(*options: str) -> list[str]:
    """Return the command that has started this process, with further options."""
    return [sys.executable, *sys.orig_argv[1:], *options]
