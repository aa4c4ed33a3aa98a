"""Signals, and the restart in place that SIGHUP asks for.

A restart in place has four steps, so that no connection is refused, and a mistake in the new settings or code
does not end the service:

1. SIGHUP arrives. The process runs its own command a second time with ``--rehearse`` (``would_start``). That
   command reads the settings, imports the applications and starts nothing. If it fails, one line is logged
   and the service goes on.
2. The listening sockets are duplicated, and the server stops as after SIGTERM. New connections wait in the
   kernel from now on.
3. ``Successor`` blocks the signals, and ``take_over`` replaces the program of this process by the same
   command (``exec``). The process id stays, and the sockets become the descriptors 3, 4, …
4. The new program inherits the sockets (``sockets.inherit``) and unblocks the signals (``Orders.watch``). A
   SIGTERM that was sent meanwhile reaches the new program then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from thywill.errors import SettingsError
from thywill.process.sockets import hand_over

log = logging.getLogger(__name__)

CHECK_SECONDS = 60.0
"""How long the new program may take to read its settings and to import its applications."""
ORDERS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP


class Orders:
    """The signals that this process has received; needs the running event loop.

    SIGINT and SIGTERM set ``stop``; a second one ends the process at once. SIGHUP sets ``restart``, or
    ``stop`` if the system sent it because the terminal was closed.

    Args:
        restarts: whether SIGHUP is handled; a server with a parent leaves restarts to the parent.
    """

    def __init__(self, *, restarts: bool = True) -> None:
        self.stop = asyncio.Event()
        self.restart = asyncio.Event()
        self._restarts = restarts
        self._terminals = [number for number in range(3) if os.isatty(number)]

    def watch(self) -> None:
        """Handle signals from now on, including those that were blocked during a restart."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt instead
            loop.add_signal_handler(signal.SIGINT, self._stop)
            loop.add_signal_handler(signal.SIGTERM, self._stop)
            if not self._restarts:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
            elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup has set it to be ignored
                loop.add_signal_handler(signal.SIGHUP, self._hang_up)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ORDERS)

    def _stop(self) -> None:
        if self.stop.is_set():
            os._exit(1)
        self.stop.set()

    def _hang_up(self) -> None:
        if all(os.isatty(number) for number in self._terminals):
            self.restart.set()
        else:
            self.stop.set()

    async def next(self) -> bool:
        """Wait for a signal; return whether it asks for a restart."""
        await first(self.stop.wait(), self.restart.wait())
        self.restart.clear()
        return not self.stop.is_set()


async def until_over(
    orders: Orders, option: str, hand_over: Callable[[], list[socket.socket]]
) -> list[socket.socket]:
    """Wait for a signal to end the service; return the sockets for a restart, or an empty list to stop.

    If the new program would not start, one line is logged and the service goes on.

    Args:
        orders: the signals that the process receives.
        option: the option that makes this command a rehearsal.
        hand_over: returns the sockets for the new program, or raises a ``SettingsError``.
    """
    while await orders.next():
        rehearsal = asyncio.ensure_future(would_start(option))
        await first(rehearsal, orders.stop.wait())
        if orders.stop.is_set():
            break
        if orders.restart.is_set():  # the settings may have changed since the rehearsal began
            continue
        trouble = rehearsal.result()
        try:
            if trouble is None:
                return hand_over()
        except SettingsError as error:
            trouble = str(error)
        log.error("not restarted, the service goes on as it was: %s", trouble)
    return []


async def first(*awaitables: Awaitable[Any]) -> None:
    """Return when one of ``awaitables`` has ended; cancel the others."""
    tasks = [asyncio.ensure_future(each) for each in awaitables]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def would_start(option: str) -> str | None:
    """Rehearse the start of this command; return in one line why it fails, or None if it succeeds.

    The rehearsal is a process of its own, because this process has already imported the old applications.

    Args:
        option: the option that makes this command a rehearsal.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *_command(), option, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        return f"{sys.executable}: {error.strerror}"
    try:
        _, errors = await asyncio.wait_for(process.communicate(), CHECK_SECONDS)
    except TimeoutError:
        return f"it was not ready within {CHECK_SECONDS:.0f} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 0:
        return None
    lines = errors.decode(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), f"it ended with {process.returncode}")


class Successor:
    """The same command, which will replace the program of this process and keep the process id.

    Signals are blocked from now on, since they would end a program that does not handle them yet. They wait
    until the new program calls ``Orders.watch``.

    Args:
        sockets: the sockets on which it will listen.
        ours: whether this program bound them itself.
    """

    def __init__(self, sockets: list[socket.socket], *, ours: bool) -> None:
        self._sockets = sockets
        self._ours = ours
        signal.pthread_sigmask(signal.SIG_BLOCK, ORDERS)

    def take_over(self) -> NoReturn:
        """Replace this program; no other code may run in this process any more.

        Raises:
            OSError: the command cannot be run.
        """
        hand_over(self._sockets, ours=self._ours, environment=os.environ)
        os.execv(sys.executable, _command())  # noqa: S606 - no shell is wanted


def run_again() -> NoReturn:
    """Replace this program by the same command, without sockets.

    Raises:
        OSError: the command cannot be run.
    """
    os.execv(sys.executable, _command())  # noqa: S606 - no shell is wanted


def _command() -> list[str]:
    return [sys.executable, *sys.orig_argv[1:]]
