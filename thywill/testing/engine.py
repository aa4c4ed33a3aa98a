"""The hub, the queue in memory and the application interface, around one application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from thywill.application import Application
from thywill.application_interface.base import ApplicationInterface
from thywill.component import Choice
from thywill.config import Settings
from thywill.core.signing import Signer
from thywill.hub.actions import Actions
from thywill.hub.delivery import Delivery
from thywill.hub.leases import Timing
from thywill.hub.rates import ClientLimits
from thywill.hub.room import build
from thywill.monitoring.site import NoRecords
from thywill.queue.base import Queue
from thywill.server import COMPONENTS, Engine

SETTINGS: dict[str, dict[str, Any]] = {
    "queue": {"component": "memory"},
    "application_interface": {"applications": [], "slow_hook": 0.0},
}
SECRET = b"signs the tokens of a tested application, which no browser ever sees"
STOP = 1.0
"""Seconds that hooks of a tested application may take to end."""
LIMITS = ClientLimits(connects_burst=1e9, sends_burst=1e9, send_bytes_burst=1e12, polls_burst=1e9)
"""Tests may connect and send as fast as they like."""


def make_test_engine(
    kind: type[Application], arguments: Sequence[Any], monotonic: Callable[[], float]
) -> Engine:
    """Build the engine of one application for its tests; it stores nothing.

    Args:
        kind: the class of the application.
        arguments: the arguments of its constructor.
        monotonic: the clock of deadlines, in seconds.

    Raises:
        SettingsError: the class has a wrong hook, or names a file that does not exist.
    """
    choice = Choice(Settings(SETTINGS, "a test"), COMPONENTS)
    queue = choice.one("queue", Queue)  # type: ignore[type-abstract]
    interface = choice.one("application_interface", ApplicationInterface)  # type: ignore[type-abstract]
    application = interface.kind.load(kind, tuple(arguments))

    def make_queue(delivery: Delivery) -> Queue:
        return queue.kind(queue.settings, NoRecords(None, Path()), delivery)

    def make_applications(actions: Actions, queue: Queue) -> ApplicationInterface:
        return interface.kind(interface.settings, actions, queue.settings.message, STOP, [application])

    call_soon = asyncio.get_running_loop().call_soon
    return build(
        make_queue,
        make_applications,
        Signer(SECRET),
        Timing(),
        call_soon=call_soon,
        limits=LIMITS,
        monotonic=monotonic,
    )
