"""One server of a cluster, as operators see it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerRow:
    """The state of one server, as the server reports it.

    Args:
        name: its name in the cluster: machine, process and a random part, so that no later server has it.
        address: where it listens, such as ``http://127.0.0.1:8080/``.
        process: its process id.
        version: its version of thywill.
        started: when it started, in seconds since 1970.
        form: ``compiled`` if its modules are those of ``run.py compile``, otherwise ``plain``.
        clients: how many clients are with it.
        delay: mean seconds from the moment when a message is safe until it is written, since the start.
        lag: how late its event loop ran a timer, the worst of the last minute, in seconds.
        behind: seconds by which it was behind the log of the shared queue at the last measurement.
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
