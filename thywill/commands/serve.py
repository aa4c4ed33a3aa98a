"""``run.py serve``: serves the applications until a signal ends or restarts it."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from thywill.commands.options import REHEARSAL
from thywill.commands.places import release_problem
from thywill.config import Settings
from thywill.core.periods import until_next_period
from thywill.development.component import Development
from thywill.errors import SettingsError
from thywill.process.child import ParentLink
from thywill.process.descriptors import DescriptorWatch
from thywill.process.orders import Orders, Successor, first, until_over
from thywill.process.runtime import loop_factory, spare_the_collector
from thywill.process.sockets import Inherited
from thywill.process.standard import never_fail
from thywill.process.systemd import notify
from thywill.server import Service

Read = Callable[[], Settings]
log = logging.getLogger("thywill")

CANCEL_SECONDS = 1.0
"""Seconds that a cancelled task may take to end at the end of the program."""
WATCH_EVERY = 1.0
"""Seconds between two checks of the file descriptors."""


def run(
    read: Read,
    root: Path,
    link: Path | None,
    inherited: Inherited | None = None,
    *,
    dev: bool = False,
    warning: str | None = None,
) -> int:
    """Serve and return the exit status.

    Args:
        read: returns the settings as they are now, or raises a ``SettingsError``.
        root: the folder of the project.
        link: the symbolic link to the release that is served, or None.
        inherited: the sockets that were passed to this process, or None.
        dev: whether to restart at each change of the code.
        warning: a line to log when the server has started, or None.

    Raises:
        SettingsError: the server cannot start with these settings.
    """
    settings = _begin(read)
    with _errors_with_origin(settings), asyncio.Runner(loop_factory=loop_factory()) as runner:
        serving = _serve(settings, read, root, link, inherited, dev=dev, warning=warning)
        successor = runner.run(serving)
        if runner.run(_tasks_are_left()):
            _leave(successor)
    if successor is not None:
        successor.take_over()
    return 0


def rehearse(read: Read, root: Path) -> int:
    """Build the whole server, start nothing, and return the exit status.

    Args:
        read: returns the settings as they are now, or raises a ``SettingsError``.
        root: the folder of the project.

    Raises:
        SettingsError: serving would fail with these settings.
    """
    settings = _begin(read)
    with _errors_with_origin(settings), asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_rehearse(settings, root))
    return 0


def _begin(read: Read) -> Settings:
    never_fail("stdout")
    return read()


@contextmanager
def _errors_with_origin(settings: Settings) -> Iterator[None]:
    try:
        yield
    except SettingsError as error:
        raise settings.with_origin(error) from None


async def _tasks_are_left() -> bool:
    """Cancel all other tasks, and return whether some of them go on all the same."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    return bool(tasks) and bool((await asyncio.wait(tasks, timeout=CANCEL_SECONDS))[1])


def _leave(successor: Successor | None) -> NoReturn:
    """End this program, or replace it by the next one, without waiting for its tasks as ``Runner`` does."""
    if successor is not None:
        successor.take_over()
    sys.stdout.flush()
    os._exit(0)


async def _rehearse(settings: Settings, root: Path) -> None:
    service = Service(settings, root)
    settings.check_variables()
    service.log.make_handler().close()


async def _serve(
    settings: Settings,
    read: Read,
    root: Path,
    link: Path | None,
    inherited: Inherited | None,
    *,
    dev: bool,
    warning: str | None,
) -> Successor | None:
    """Serve until SIGINT or SIGTERM, or until SIGHUP; then return the program that replaces this one."""
    parent = ParentLink(inherited.parent) if inherited and inherited.parent else None
    orders = Orders(restarts=parent is None)
    orders.watch()
    development = Development(orders.restart.set) if dev else None
    service = Service(settings, root, place=parent.place if parent else "", development=development)
    settings.check_variables()
    started = asyncio.create_task(service.start(inherited))
    await first(started, orders.stop.wait())
    if started.cancelled():
        return None
    await started
    _announce(service, parent, orders)
    _warn(settings.ignored(), release_problem(link, service.folder), warning)
    spare_the_collector()
    watching = asyncio.create_task(_watch_descriptors())
    over = asyncio.create_task(until_over(orders, REHEARSAL, lambda: service.hand_over(read())))
    await first(over, service.deposed)
    sockets = [] if over.cancelled() else await over
    watching.cancel()
    restart = ("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
    notify(*restart if sockets else ("STOPPING=1",))
    await service.stop()
    if over.cancelled():
        raise SettingsError(f"[database] url: {service.deposed.result()}")
    return Successor(sockets, ours=service.bound) if sockets and not orders.stop.is_set() else None


def _announce(service: Service, parent: ParentLink | None, orders: Orders) -> None:
    if parent is not None:
        parent.ready()
        parent.watch(orders.stop.set)
        log.info("server %s serves on %s", parent.place, service.address)
        return
    print(f"thywill serves on {service.address} (end it with Ctrl-C)", flush=True)
    notify("READY=1", f"STATUS=serves on {service.address}")


def _warn(*texts: str | None) -> None:
    for text in texts:
        if text:
            log.warning("%s", text)


async def _watch_descriptors() -> None:
    watch = DescriptorWatch()
    loop = asyncio.get_running_loop()
    while True:
        watch.check()
        await asyncio.sleep(until_next_period(WATCH_EVERY, loop.time()))
