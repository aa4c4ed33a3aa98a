"""Identifies the process that owns a database, and tells whether it still runs."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

UNKNOWN = 0
"""The start of a process if the system does not tell it."""


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A server that owns a database, or wants to.

    Args:
        process: its process id.
        host: the name of its machine.
        address: where it listens.
        machine: identifies the booted system and its PID namespace: on another machine, in another container
            or after a reboot, the same process id belongs to another process.
        started: when the process started, in the system's own unit, because process ids are used again.
    """

    process: int
    host: str
    address: str
    machine: str = ""
    started: int = UNKNOWN

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}, {self.address}"

    def has_ended(self) -> bool:
        """Return whether the process is known to have ended; false if this machine cannot know."""
        if not self.machine or self.machine != _machine():
            return False
        return _started(self.process) != self.started


def this_process(address: str) -> ServerProcess:
    """Return this process as an owner.

    Args:
        address: where its server listens, such as ``http://127.0.0.1:8080/``.
    """
    process = os.getpid()
    return ServerProcess(
        process, socket.gethostname()[:255], address[:255], _machine(), _started(process) or UNKNOWN
    )


def _machine() -> str:
    # The boot and the PID namespace; not the host name, which two containers may share.
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return ""


def _started(process: int) -> int | None:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    # Field 22 of proc(5); here fields[0] is field 3, the first one after the name. A zombie (Z) has ended.
    return None if fields[0] == "Z" else int(fields[19])
