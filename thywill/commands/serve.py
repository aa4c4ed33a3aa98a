"""``run.py serve``: serves the applications until a signal ends it, or makes it start anew."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from thywill.commands.options import REHEARSAL
from thywill.config import Settings
from thywill.errors import SettingsError
from thywill.process.descriptors import shortage
from thywill.process.orders import Orders, Successor, first, until_over
from thywill.process.runtime import loop_factory, spare_the_collector
from thywill.process.sockets import inherit
from thywill.process.systemd import notify
from thywill.server import Service

Read = Callable[[], Settings]
log = logging.getLogger("thywill")

CANCEL_SECONDS = 1.0
"""Seconds that a task has to end when it is cancelled at the end of the program."""


def run(read: Read, root: Path, *, rehearsal: bool) -> int:
    """Serve, or only find out whether this would succeed, and return the exit status.

    Args:
        read: returns the settings as they are now, or raises a ``SettingsError``.
        root: the folder of the project.
        rehearsal: whether to build everything and start nothing.

    Raises:
        SettingsError: it cannot be done with these settings.
    """
    settings = read()
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            if rehearsal:
                runner.run(_rehearse(settings, root))
                return 0
            successor = runner.run(_serve(settings, read, root))
            if runner.run(_tasks_are_left()):
                _leave(successor)
    except SettingsError as error:
        raise settings.blame(error) from None
    if successor is not None:
        successor.take_over()
    return 0


async def _tasks_are_left() -> bool:
    """Cancel what still runs, and tell whether some of it goes on all the same."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    return bool(tasks) and bool((await asyncio.wait(tasks, timeout=CANCEL_SECONDS))[1])


def _leave(successor: Successor | None) -> NoReturn:
    """End this program, or let the next take its place, without waiting for its tasks as ``Runner`` does."""
    if successor is not None:
        successor.take_over()
    sys.stdout.flush()
    os._exit(0)


async def _rehearse(settings: Settings, root: Path) -> None:
    service = Service(settings, root)
    settings.check_variables()
    service.log.make_handler().close()


async def _serve(settings: Settings, read: Read, root: Path) -> Successor | None:
    """Serve until SIGINT or SIGTERM; after SIGHUP return what takes this process's place."""
    orders = Orders()
    orders.watch()
    service = Service(settings, root)
    settings.check_variables()
    started = asyncio.create_task(service.start(inherit(os.environ)))
    await first(started, orders.stop.wait())
    if started.cancelled():
        return None
    await started
    _announce(service)
    spare_the_collector()
    sockets = await until_over(orders, REHEARSAL, lambda: service.hand_over(read()))
    restart = ("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
    notify(*restart if sockets else ("STOPPING=1",))
    await service.stop()
    return Successor(sockets, ours=service.bound) if sockets and not orders.stop.is_set() else None


def _announce(service: Service) -> None:
    print(f"thywill serves on {service.address} (end it with Ctrl-C)", flush=True)
    notify("READY=1", f"STATUS=serves on {service.address}")
    too_few = shortage(service.settings.max_clients)
    if too_few:
        log.warning("%s", too_few)
