"""The name of this server among those that share a queue."""

from __future__ import annotations

import os
import secrets
import socket

LONGEST = 200
"""How many characters of the machine's name are taken."""


def server_name() -> str:
    """Return a name that no other server has, and no later one: machine, process and a random part.

    A process number is used again some day, and in a container it is always the same.
    """
    return f"{socket.gethostname()[:LONGEST]}:{os.getpid()}:{secrets.token_hex(4)}"
