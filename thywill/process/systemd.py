"""Reports the service's state to systemd (sd_notify(3)): one datagram to the socket that systemd names."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

TIMEOUT = 1.0
"""Seconds to wait for systemd to read; it normally reads at once."""


def notify(*lines: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Send ``lines`` such as ``READY=1``; return whether they were sent.

    Without systemd, or if its socket is gone or not read, nothing happens, and the service goes on.
    """
    name = environment.get("NOTIFY_SOCKET", "")
    if not name:
        return False
    address = "\0" + name[1:] if name.startswith("@") else name
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(TIMEOUT)
            sock.connect(address)
            sock.sendall("\n".join(lines).encode())
    except OSError:
        return False
    return True
