"""``run.py publish``: sends a message to pages of an application, through a running server."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from thywill.config import ServerSettings, Settings
from thywill.core.nearest import closest
from thywill.errors import SettingsError
from thywill.process.sockets import bare, describe
from thywill.publisher import Publisher, PublishError
from thywill.publishing.settings import PublishingSettings, applications_of, key_of

EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not listened on here
"""The address at which to ask a server that listens on every network."""


def run(options: Mapping[str, Any], settings: Settings, stdin: TextIO) -> int:
    """Publish the message, print its id, and return the exit status.

    Args:
        options: the options of the command, by name.
        settings: the settings.
        stdin: the standard input.

    Raises:
        SettingsError: an option is wrong, or the address or the key is not known.
    """
    message = _message(options, stdin)
    try:
        publisher = Publisher(_url(options, settings), _key(options, settings), options["timeout"])
    except ValueError as error:
        raise SettingsError(f"--url or --key: {error}") from None
    with publisher:
        try:
            print(publisher.many([message])[0])
        except PublishError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


def _message(options: Mapping[str, Any], stdin: TextIO) -> dict[str, Any]:
    text = stdin.read() if options["json"] == "-" else options["json"]
    try:
        data = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"the data is not JSON: {error}; write a text as '\"text\"'") from None
    return {
        "application": options["application"],
        options["receiver"]: options["channel"],
        "data": data,
        "id": options["id"],
    }


def _url(options: Mapping[str, Any], settings: Settings) -> str:
    if options["url"]:
        return str(options["url"])
    server = settings.section("server", ServerSettings)
    if not server.port:
        raise SettingsError("[server] port is 0, so the port of the server is not known: name it with --url")
    address = bare(server.address)
    return f"http://{describe(EVERYWHERE.get(address, address), server.port)}/"


def _key(options: Mapping[str, Any], settings: Settings) -> str:
    if options["key"]:
        return str(options["key"])
    wanted, named = options["application"], set[str]()
    for entry in settings.section("publishing", PublishingSettings).keys.values():
        applications = applications_of(entry)
        if applications is None or wanted in applications:
            return key_of(entry)
        named |= applications
    close = closest(wanted, named)
    remedy = "add one to the settings and restart the server, or pass --key"
    if close is not None:
        remedy = f"did you mean {close!r}? Otherwise {remedy}"
    raise SettingsError(f"[publishing.keys]: there is no key for {wanted!r}: {remedy}")
