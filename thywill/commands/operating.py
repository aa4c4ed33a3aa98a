"""Asks a running server for lists that only its operator may see."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from thywill.config import ServerSettings, Settings
from thywill.errors import SettingsError
from thywill.monitoring.settings import MonitoringSettings
from thywill.process.sockets import bare

TIMEOUT = 10.0
"""Seconds within which the server has to answer."""
EVERY = ("", "0.0.0.0", "::")  # noqa: S104 - a server that listens everywhere is asked on this machine


class NotListed(Exception):
    """The server has not answered with the list; the text says why, and what to do."""


def server_of(options: Mapping[str, Any], settings: Settings, root: Path) -> tuple[str, str]:
    """Return the address of the server to ask, and its key.

    Args:
        options: the options of the command; ``url`` may name the server.
        settings: the settings of the server, with its address and its key.
        root: the folder of the project.

    Raises:
        SettingsError: a setting has a wrong value.
    """
    url = options["url"] or _url(settings.section("server", ServerSettings))
    return url, settings.section("monitoring", MonitoringSettings).read_key(root)


def ask(url: str, key: str, what: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the answer of the server at ``url``, an object with the list.

    Args:
        url: the server's address.
        key: the key of its ``[monitoring]``, or an empty text.
        what: the list, ``servers`` or ``clients``: the last part of the path and a field of the answer.
        query: the fields of the query.

    Raises:
        SettingsError: ``url`` is no address, or the server refuses the query.
        NotListed: the server cannot be reached, or does not answer with the list.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError("--url must be an address such as https://chat.example.org/")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=TIMEOUT)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    path = f"{parts.path.rstrip('/')}/thywill/{what}"
    try:
        connection.request("GET", f"{path}?{urlencode(query)}" if query else path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or error
        raise NotListed(f"no server answers: {reason}; start one there, or name another with --url") from None
    finally:
        connection.close()
    return _listed(url, answer.status, body, what)


def _listed(url: str, status: int, body: bytes, what: str) -> dict[str, Any]:
    if status in (401, 403):
        raise NotListed("the server wants the key of its [monitoring]: set it in the settings here, too")
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if isinstance(found, dict) and isinstance(found.get(what), list):
        return found
    if status in (400, 404) and isinstance(found, dict) and isinstance(error := found.get("error"), dict):
        raise SettingsError(f"{url}: {error.get('message')}")
    raise NotListed(f"the answer is {status} without a list of {what}: is this a thywill server?")


def _url(server: ServerSettings) -> str:
    host = bare(server.address)
    host = "127.0.0.1" if host in EVERY else host
    return f"http://[{host}]:{server.port}/" if ":" in host else f"http://{host}:{server.port}/"
