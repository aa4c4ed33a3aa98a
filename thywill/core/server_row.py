"""One server of a cluster, as operators see it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerRow:
    """What a server says of itself.

    Args:
        name: its name in the cluster: machine, process and a random part, so that no later server has it.
        address: where it listens, such as ``http://127.0.0.1:8080/``.
        process: the number of its process.
        version: its version of thywill.
        started: when it started, in seconds since 1970.
        form: ``compiled`` or ``plain``: whether its modules are those of ``run.py compile``.
        clients: how many clients are with it.
        delay: mean seconds from the moment when a message is safe until it is written, since the start.
        lag: how late its event loop came to a timer, the worst of the last minute, in seconds.
        behind: how long the log of the shared queue took to get here when it was looked at last, in seconds.
        leads: the names of the applications whose hooks it runs.
    """

    name: str
    address: str
    process: int
    version: str
    started: float
    form: str = "plain"
    clients: int = 0
    delay: float = 0.0
    lag: float = 0.0
    behind: float = 0.0
    leads: tuple[str, ...] = ()
