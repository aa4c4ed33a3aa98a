"""Reads what the audited application writes down, while it runs and after it was killed."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
from pathlib import Path

from tests.tools.audit.account import Account

PIPE_SIZE = 1024 * 1024
CHUNK = 256 * 1024


class Journal:
    """A FIFO. Lines in it survive the death of the writer, and need no disk.

    Args:
        path: where to make it.
        account: is told of every line.
    """

    def __init__(self, path: Path, account: Account) -> None:
        self.path = path
        self.failures = 0
        self._account = account
        os.mkfifo(path)
        # Opened for writing too, so that reading does not end when the writer ends.
        self._pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        self._rest = b""
        asyncio.get_running_loop().add_reader(self._pipe, self.read)

    def read(self) -> None:
        """Read what has been written."""
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._pipe, CHUNK):
                *lines, self._rest = (self._rest + chunk).split(b"\n")
                for line in lines:
                    self._take(line.decode().split(" "))

    def _take(self, words: list[str]) -> None:
        account = self._account
        match words:
            case ["B", run, stream, last]:
                account.begun(run, stream, int(last))
            case ["R", run, stream, first, last]:
                account.kept(run, stream, int(first), int(last))
            case ["h", run, client, n]:
                account.hook_began(run, client, int(n))
            case ["H", run, client, n, now]:
                account.hook_ended(run, client, int(n), float(now))
            case ["C", run, client, since]:
                account.joined(run, client, json.loads(since))
            case ["S", run]:
                account.started(run)
            case ["F", *_]:
                self.failures += 1
            case ["D", *_]:
                pass
            case _:
                raise ValueError(f"no line of a journal: {words}")

    def close(self) -> None:
        """Read the rest and stop."""
        self.read()
        asyncio.get_running_loop().remove_reader(self._pipe)
        os.close(self._pipe)
