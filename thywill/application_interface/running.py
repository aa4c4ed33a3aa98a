"""The objects of the applications: made from their classes, started and stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from thywill.application import Application, make_application
from thywill.application_interface.base import Loaded, Page
from thywill.application_interface.ending import await_ends
from thywill.application_interface.loading import failure_of, misspellings, overridden, twice
from thywill.application_interface.tickers import Tickers
from thywill.application_interface.watcher import Watcher
from thywill.errors import SettingsError
from thywill.hub.actions import Actions
from thywill.hub.client import LiveClient

log = logging.getLogger(__name__)


class RunningApplications:
    """Makes, starts and stops applications, their tickers, and the watcher of their hooks.

    ``by_name`` has the applications, ``pages`` their pages.

    Args:
        message: the largest message of an application, in bytes.
        stop_timeout: seconds that hooks may take to end.
        watcher: finds hooks that hold the loop; None if nobody looks for them.
        wake_watcher: is called before each call of a ticker.
    """

    def __init__(
        self, message: int, stop_timeout: float, watcher: Watcher | None, wake_watcher: Callable[[], None]
    ) -> None:
        self.by_name: dict[str, Application] = {}
        self.pages: dict[str, Page] = {}
        self.tickers = Tickers(wake_watcher)
        self._message = message
        self._stop_timeout = stop_timeout
        self._watcher = watcher
        self._watches = False
        self._loaded: dict[str, Loaded] = {}
        self._started: list[Application] = []

    def add(self, loaded: Loaded, actions: Actions) -> None:
        """Make the application of a class that was loaded.

        Raises:
            SettingsError: another one has its name, or its constructor fails.
        """
        name = loaded.page.name
        if name in self.pages:
            raise SettingsError(twice(name, type(self.by_name[name]).__module__, loaded.kind.__module__))
        self.by_name[name] = self._make(loaded, actions)
        self._loaded[name] = loaded
        self.pages[name] = loaded.page

    def _make(self, loaded: Loaded, actions: Actions) -> Application:
        try:
            return make_application(loaded.kind, loaded.arguments, loaded.page.name, actions, self._message)
        except Exception as error:
            raise failure_of(f"{loaded.kind.__module__}.{loaded.kind.__name__}", error) from error

    async def start(self) -> None:
        """Start all applications.

        Raises:
            SettingsError: an application has failed; the applications before it are stopped again.
        """
        self._watch()
        for name, application in self.by_name.items():
            if found := misspellings(type(application)):
                log.warning("%s has names that thywill does not use: %s", name, "; ".join(found))
            try:
                await self._start(application)
            except SettingsError:
                await self.stop({})
                raise

    def _watch(self) -> None:
        if self._watcher is not None and not self._watches:
            self._watches = True
            self._watcher.start()

    async def _start(self, application: Application) -> None:
        name = application.name
        try:
            await application.on_start()
        except Exception as error:
            raise failure_of(f"{name}.on_start", error) from error
        self._started.append(application)
        if names := overridden(application):
            log.warning("%s overrides names of thywill's own: %s; rename them", name, ", ".join(names))
        self.tickers.start(name, application)

    async def start_anew(self, name: str, actions: Actions) -> None:
        """Make an application again, for ``actions``, and start it."""
        self._watch()
        self.by_name[name] = application = self._make(self._loaded[name], actions)
        await self._start(application)

    async def stop(self, running: Mapping[str, asyncio.Task[None]]) -> None:
        """Wait for the tickers and the tasks in ``running``; then stop all applications."""
        await await_ends({**self.tickers.stop(), **running}, self._stop_timeout)
        while self._started:
            await self.stop_one(self._started[-1].name)
        if self._watcher is not None:
            self._watcher.stop()

    async def stop_one(self, name: str) -> None:
        """Call ``on_stop`` of an application; nothing happens if it was not started."""
        application = self.by_name[name]
        if application in self._started:
            self._started.remove(application)
            application._attendance.stop()
            label = f"{name}.on_stop"
            hook = guarded(application.on_stop, label, "at the stop")
            await await_ends({label: asyncio.ensure_future(hook)}, self._stop_timeout)


async def guarded(hook: Callable[[], Awaitable[Any]], name: str, of: LiveClient | str) -> None:
    """Run ``hook``; log its error with its name and whom it was called for."""
    try:
        await hook()
    except Exception:
        log.exception("the hook %s failed (%s)", name, of)
