"""Parses the ``url`` of a database on a server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from thywill.errors import SettingsError

_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\],]*)(:(?P<port>[0-9]{0,5}))?")
_SWITCHES = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """The address of a database on a server. Parts that the URL leaves out are empty: the driver's default
    holds.

    Args:
        scheme: the scheme of the URL.
        user: the user's name.
        password: the user's password; ``str()`` leaves it out, so that it is never logged.
        hosts: at least one server: a host (a name, an address, or the path of a socket) and a port (0 for the
            default port). Several servers are tried in their order.
        name: the name of the database.
        options: the options after the question mark.
        folder: the folder for relative file names.
    """

    scheme: str
    user: str
    password: str = field(repr=False)
    hosts: tuple[tuple[str, int], ...]
    name: str
    options: Mapping[str, str]
    folder: Path

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        hosts = ",".join(_as_written(host, port) for host, port in self.hosts)
        return f"{self.scheme}://{user}{hosts}/{self.name}"

    def refuse_unknown(self, known: tuple[str, ...]) -> None:
        """Check that all options are ``known``.

        Raises:
            SettingsError: an option is not.
        """
        for name in self.options:
            if name not in known:
                raise bad(f"{self.scheme} knows no option {name!r}; it knows {', '.join(known)}")

    def switch(self, name: str) -> bool | None:
        """Return the value of an option that is on or off; None if the URL does not have it."""
        value = self.options.get(name)
        if value is None:
            return None
        if value.lower() not in _SWITCHES:
            raise bad(f"{name} must be true or false, not {value!r}")
        return _SWITCHES[value.lower()]

    def file(self, name: str) -> str | None:
        """Return the path of the file that an option names; None if the URL does not have it."""
        value = self.options.get(name)
        if value is None:
            return None
        path = self.folder / value
        try:
            path.open("rb").close()
        except OSError as error:
            raise bad(f"{name}: {path} cannot be read: {error.strerror}") from None
        return str(path)


def parse(scheme: str, rest: str, folder: Path) -> DatabaseUrl:
    """Return the database that ``scheme://rest`` names.

    Raises:
        SettingsError: the URL is malformed. The error repeats only the scheme, since the rest may contain a
            password.
    """
    address, _, query = rest.partition("?")
    authority, slash, name = address.partition("/")
    if "#" in rest or "@" in name + query:
        raise bad("write / ? # @ and % in a user, a password or a name as %2F %3F %23 %40 %25")
    if not slash or not name or "/" in name:
        raise bad(f"name one database after the host, as in {scheme}://user:password@host/thywill")
    credentials, _, location = authority.rpartition("@")
    user, _, password = credentials.partition(":")
    hosts = tuple(_host_and_port(each) for each in location.split(","))
    return DatabaseUrl(scheme, _plain(user), _plain(password), hosts, _plain(name), _options(query), folder)


def bad(reason: str) -> SettingsError:
    """Return the error for a malformed URL."""
    return SettingsError(f"[database] url: {reason}")


def _as_written(host: str, port: int) -> str:
    return (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")


def _host_and_port(location: str) -> tuple[str, int]:
    match = _AUTHORITY.fullmatch(location)
    if match is None:
        raise bad("write an IPv6 address in brackets, as in [::1]:3306")
    port = int(match["port"] or 0)
    if port > 65535:
        raise bad(f"there is no port {port}")
    return _plain(match["host"].strip("[]")), port


def _options(query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, equals, value = part.partition("=")
        if not equals or not value or name in options:
            raise bad("write options as ?name=value&other=value, each once")
        options[_plain(name)] = _plain(value)
    return options


def _plain(text: str) -> str:
    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise bad("a %XX in it is no text in UTF-8; write % itself as %25") from None
    if "\0" in plain:
        raise bad("nothing in it can hold %00")
    return plain
