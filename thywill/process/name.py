"""The name of this server among those that share a queue."""

from __future__ import annotations

import os
import secrets
import socket

LONGEST = 200
"""How many characters of the machine's name are used."""


def server_name() -> str:
    """Return a name that no other server has or will have: machine, process id and a random part.

    Without the random part names could repeat: process ids are used again, and in containers they are alike.
    """
    return f"{socket.gethostname()[:LONGEST]}:{os.getpid()}:{secrets.token_hex(4)}"
