"""What the parts of a server are built with, from the settings of several sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from thywill.component import Choice, Chosen
from thywill.config import LimitsSettings, ServerSettings, Settings
from thywill.core.signing import Signer
from thywill.errors import SettingsError
from thywill.http.reader import Limits
from thywill.http.shared import Timeouts
from thywill.hub.leases import Timing
from thywill.hub.rates import ClientLimits
from thywill.process.secret import make_folder, read_secret
from thywill.push.base import Push, SendLimits
from thywill.queue.base import Queue, QueueSettings


def check_processes(settings: Settings, choice: Choice) -> None:
    """Check that several processes have a queue that they can share.

    Raises:
        SettingsError: they have not.
    """
    queue = choice.one("queue", Queue).kind  # type: ignore[type-abstract]
    if settings.section("server", ServerSettings).processes > 1 and not queue.shared:
        name = settings.chosen("queue", "memory").rpartition(".")[2]
        remedy = 'set [queue] component = "redis" or processes = 1'
        raise SettingsError(f"[server] processes: the {name} queue lives in one process: {remedy}")


def send_limits(queue: QueueSettings, limits: LimitsSettings) -> SendLimits:
    """Return how much one request may send."""
    return SendLimits(queue.message, queue.batch, limits)


def timing(settings: ServerSettings, pushes: Sequence[Chosen[Push]]) -> Timing:
    """Return the times of a client's life: those of the most patient transport."""
    grace = max(push.settings.grace for push in pushes)
    hold = max(push.settings.hold for push in pushes)
    return Timing(hold=hold, grace=grace, pause=min(Timing().pause, grace), clients=settings.max_clients)


def client_limits(settings: LimitsSettings) -> ClientLimits:
    """Return how many clients there may be, and how fast they may ask."""
    return ClientLimits(**{each.name: getattr(settings, each.name) for each in fields(ClientLimits)})


def http_limits(settings: ServerSettings, limits: LimitsSettings) -> Limits:
    """Return how much the connections may send, and hold in memory."""
    return Limits(
        header=settings.max_header,
        body=settings.max_body,
        small_body=limits.small_body,
        per_turn=limits.requests_per_turn,
        held=limits.held_bytes,
        held_per_address=limits.held_bytes_per_address,
        connections=limits.connections_per_address,
    )


def timeouts(settings: ServerSettings) -> Timeouts:
    """Return how long a connection may take for each part of a request and its answer."""
    return Timeouts(
        header=settings.header_timeout,
        body=settings.body_timeout,
        idle=settings.idle_timeout,
        write=settings.write_timeout,
    )


def signer(secret: bytes | None, folder: Path, file: str) -> Signer:
    """Return what signs tokens and cookies.

    Args:
        secret: the secret; None reads it from the file, which is created if it is missing.
        folder: the folder of the file.
        file: its name.
    """
    if secret is None:
        make_folder(folder)
    return Signer(secret or read_secret(folder, file))
