"""The process: what signals tell it, and how it becomes a new one in its place."""

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
ORDERS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]  # Windows has no SIGHUP


class Orders:
    """What the operator has told this process; made on the running event loop.

    ``stop`` is set by SIGINT and SIGTERM, a second of which ends the process at once, whatever it waits for;
    ``restart`` is set by SIGHUP, unless that was sent because the terminal is gone: then it is ``stop``.
    """

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.restart = asyncio.Event()
        self._terminals = [number for number in range(3) if os.isatty(number)]

    def watch(self) -> None:
        """Take signals from now on, also those that came while this program took another's place."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt instead
            loop.add_signal_handler(signal.SIGINT, self._stop)
            loop.add_signal_handler(signal.SIGTERM, self._stop)
            if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup: nothing is to happen
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
        """Wait for an order; return whether it is to restart."""
        await first(self.stop.wait(), self.restart.wait())
        self.restart.clear()
        return not self.stop.is_set()


async def until_over(
    orders: Orders, option: str, hand_over: Callable[[], list[socket.socket]]
) -> list[socket.socket]:
    """Wait for an order that can be carried out; return the sockets to restart with, or none to stop.

    A command that would not start anew is told of in one line of the log, and the service goes on.

    Args:
        orders: what the operator tells.
        option: makes the command only look whether it could serve.
        hand_over: returns the sockets for the program that takes this one's place, or raises a
            ``SettingsError``.
    """
    while await orders.next():
        looking = asyncio.ensure_future(would_start(option))
        await first(looking, orders.stop.wait())
        if orders.stop.is_set():
            break
        if orders.restart.is_set():  # the settings may have changed since they were looked at
            continue
        trouble = looking.result()
        try:
            if trouble is None:
                return hand_over()
        except SettingsError as error:
            trouble = str(error)
        log.error("not restarted, the service goes on as it was: %s", trouble)
    return []


async def first(*waiting: Awaitable[Any]) -> None:
    """Return when one of ``waiting`` has ended; the others are cancelled."""
    tasks = [asyncio.ensure_future(each) for each in waiting]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def would_start(option: str) -> str | None:
    """Return why this command would not start anew, in one line, or None if it would.

    It is tried in a process of its own, since this one has the modules of the applications as they were.

    Args:
        option: makes the command only look whether it could serve.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *_command(), option, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        return f"{sys.executable}: {error.strerror}"
    try:
        _, said = await asyncio.wait_for(process.communicate(), CHECK_SECONDS)
    except TimeoutError:
        return f"it was not ready within {CHECK_SECONDS:.0f} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 0:
        return None
    lines = said.decode(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), f"it ended with {process.returncode}")


class Successor:
    """The same command, to be run anew in this process, which keeps its number.

    From here on signals wait for it (``Orders.watch``): they would end a program that is not ready for them.

    Args:
        sockets: what it is to listen on.
        ours: whether this program bound them itself.
    """

    def __init__(self, sockets: list[socket.socket], *, ours: bool) -> None:
        self._sockets = sockets
        self._ours = ours
        signal.pthread_sigmask(signal.SIG_BLOCK, ORDERS)

    def take_over(self) -> NoReturn:
        """Become it; nothing else may be under way.

        Raises:
            OSError: it cannot be run.
        """
        hand_over(self._sockets, ours=self._ours, environment=os.environ)
        os.execv(sys.executable, _command())  # noqa: S606 - no shell is wanted


def _command() -> list[str]:
    return [sys.executable, *sys.orig_argv[1:]]
