"""``run.py servers``: the servers that run and share the queue, as one of them lists them."""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from thywill.commands.report import printable, show
from thywill.config import ServerSettings, Settings
from thywill.errors import SettingsError
from thywill.monitoring.settings import MonitoringSettings
from thywill.process.sockets import bare

PATIENCE = 10.0
"""Seconds that the server has to answer in."""
COLUMNS = ("name", "address", "process", "version", "started", "clients", "delay", "lag", "leads")
EVERY = ("", "0.0.0.0", "::")  # noqa: S104 - a server that listens everywhere is asked on this machine


class NotListed(Exception):
    """The server has not listed the servers; the text says why, and what to do."""


def run(options: Mapping[str, Any], settings: Settings, root: Path) -> int:
    """Print the servers and return the exit status.

    Args:
        options: the options of the command, by name.
        settings: where a server listens, and the key that it asks for.
        root: the folder of the project.

    Raises:
        SettingsError: an option or a setting has a wrong value.
    """
    url = options["url"] or _url(settings.section("server", ServerSettings))
    key = settings.section("monitoring", MonitoringSettings).read_key(root)
    try:
        rows = ask(url, key)
    except NotListed as error:
        sys.stderr.write(f"{url}: {error}\n")
        return 1
    show(json.dumps(rows, indent=2) if options["json"] else as_table(rows, time.time()))
    return 0


def ask(url: str, key: str) -> list[dict[str, Any]]:
    """Return the rows of the server at ``url``.

    Raises:
        SettingsError: ``url`` is none.
        NotListed: it cannot be reached, or does not answer with its list.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError("--url must be an address such as https://chat.example.org/")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=PATIENCE)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/thywill/servers", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotListed(f"no server answers: {getattr(error, 'strerror', None) or error}") from None
    finally:
        connection.close()
    return _rows(answer.status, body)


def _rows(status: int, body: bytes) -> list[dict[str, Any]]:
    if status in (401, 403):
        raise NotListed("the server asks for the key of its [monitoring]: set it in the settings here, too")
    try:
        rows: list[dict[str, Any]] = json.loads(body)["servers"]
    except (ValueError, KeyError, TypeError):
        raise NotListed(f"the answer is {status} and no list of servers: is this thywill?") from None
    return rows


def as_table(rows: Sequence[Mapping[str, Any]], now: float) -> str:
    """Return the rows for people, in columns; the last line counts servers and clients."""
    lines = [COLUMNS, *(tuple(_shown(row, name, now) for name in COLUMNS) for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(COLUMNS))]
    texts = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines]
    clients = sum(int(row["clients"]) for row in rows)
    return "\n".join([*(text.rstrip() for text in texts), f"{len(rows)} servers, {clients} clients"])


def _shown(row: Mapping[str, Any], name: str, now: float) -> str:
    value = row.get(name, "")
    if name == "started":
        return f"{max(now - float(value), 0):.0f} s ago"
    if name in ("delay", "lag"):
        return f"{float(value) * 1000:.1f} ms"
    return printable(", ".join(value) if isinstance(value, list) else str(value))


def _url(server: ServerSettings) -> str:
    host = bare(server.address)
    host = "127.0.0.1" if host in EVERY else host
    return f"http://[{host}]:{server.port}/" if ":" in host else f"http://{host}:{server.port}/"
