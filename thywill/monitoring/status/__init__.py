"""The status page: an application with its own hub, beside the hub that it shows."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from thywill.application import Application
from thywill.client import Client
from thywill.component import Configuration
from thywill.core.server_row import ServerRow
from thywill.errors import RpcError, Unavailable
from thywill.handlers.declare import rpc
from thywill.monitoring.cluster import Cluster
from thywill.monitoring.figures import Figures
from thywill.monitoring.servers import ServerRows
from thywill.monitoring.watch import Watch

log = logging.getLogger(__name__)

CHANNEL = "figures"
EVERY = 1.0
"""Seconds between two figures."""
HISTORY = 120
"""How many seconds the charts of a newly opened page show."""
POINT = ("clients", "sent", "received", "delay", "worst_delay", "lag", "memory", "queued")
"""The figures that are drawn as charts."""
REASON = 200
"""The largest number of characters in the reason for which a client is disconnected."""


class Status(Application):
    """Sends the figures to its visitors every second; without visitors it computes nothing.

    Args:
        watch: returns the view of this server; called when a visitor comes.
        servers: returns a row for each server that shares the queue.
        cluster: asks these servers about clients.
        has_key: whether visitors have to send a key.
    """

    title = "thywill: status"
    page = "status.html"
    scripts = ["format.js", "chart.js", "figures.js", "list.js", "client.js", "publish.js", "status.js"]
    styles = ["status.css"]
    overflow = "conflate"

    STATIC: ClassVar[Path] = Path(__file__).parent / "static"

    def __init__(
        self, watch: Callable[[], Watch], servers: ServerRows, cluster: Cluster, has_key: bool
    ) -> None:
        self._watch = watch
        self._servers = servers
        self._cluster = cluster
        self._has_key = has_key
        self._points: deque[list[Any]] = deque(maxlen=HISTORY)
        self._task: asyncio.Task[None] | None = None

    @property
    def watch(self) -> Watch:
        """The view of this server."""
        return self._watch()

    def bootstrap(self, client: Client, configuration: Configuration) -> None:
        configuration.parameters["key"] = self._has_key

    async def on_connect(self, client: Client) -> None:
        if self._task is None or self._task.done():
            self._points.clear()
            self._task = asyncio.create_task(self._send_figures())
        await client.send({"points": list(self._points)})
        await self.subscribe(client, CHANNEL)

    async def on_stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _send_figures(self) -> None:
        loop = asyncio.get_running_loop()
        figures, due = Figures(self.watch), loop.time()
        try:
            while True:
                due += EVERY
                await asyncio.sleep(max(due - loop.time(), 0.1))
                if not self.clients():
                    return
                await self._show(figures)
        finally:
            figures.stop()

    async def _show(self, figures: Figures) -> None:
        try:
            taken = await figures.take()
            taken["servers"] = [_shown(row, self.watch.server) for row in await self._servers()]
            await self._publish(taken)
        except Exception:
            log.exception("the figures could not be sent")

    async def _publish(self, figures: dict[str, Any]) -> None:
        point = [figures[name] for name in POINT]
        self._points.append(point)
        await self.publish(CHANNEL, {"point": point, "figures": figures}, key=CHANNEL)

    @rpc
    async def search(self, _client: Client, text: str) -> dict[str, Any]:
        """Return the newest clients of all servers that match ``text``."""
        return await self._cluster.search(_text(text))

    @rpc
    async def describe(self, _client: Client, client_id: str) -> dict[str, Any] | None:
        """Return everything that is known about a client of any server."""
        with _unavailable_answered():
            return await self._cluster.describe(_text(client_id))

    @rpc
    async def disconnect(self, client: Client, client_id: str, reason: str) -> bool:
        """Disconnect a client of any server, whose page shows ``reason``; return whether there was one."""
        shown = _text(reason).strip()[:REASON] or "disconnected by the operator"
        with _unavailable_answered():
            found = await self._cluster.disconnect(_text(client_id), shown)
        if found:
            log.info("%s was disconnected by the operator at %s", client_id, client.address)
        return found


def _shown(row: ServerRow, own: ServerRow) -> dict[str, Any]:
    return {**asdict(row), "age": round(max(time.time() - row.started, 0)), "own": row.name == own.name}


@contextmanager
def _unavailable_answered() -> Iterator[None]:
    """Answer the page's call with an error if the queue cannot be read at present."""
    try:
        yield
    except Unavailable as error:
        raise RpcError("unavailable", error.message) from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise RpcError("malformed", "this must be a text")
    return value
