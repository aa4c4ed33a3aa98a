"""What systemd is told of the service's state: sd_notify(3), a datagram to the socket that it names."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


def notify(*lines: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Send ``lines`` such as ``READY=1``; tell whether somebody listens.

    Without systemd nothing happens, nor where its socket is gone: no service ends because of that.
    """
    name = environment.get("NOTIFY_SOCKET", "")
    if not name:
        return False
    address = "\0" + name[1:] if name.startswith("@") else name
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.connect(address)
            sock.sendall("\n".join(lines).encode())
    except OSError:
        return False
    return True
