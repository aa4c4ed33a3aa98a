"""Settings: a TOML file, the environment and the prompt, read once into frozen, typed objects.

Every key has a default, so an empty file works; an unknown key is an error. An option at the prompt overrides
the environment, and the environment overrides the file. An error names the place that its value came from.
"""

from __future__ import annotations

import copy
import dataclasses
import enum
import errno
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from thywill.core.nearest import closest, hint
from thywill.errors import SettingsError

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Processes = Annotated[int, msgspec.Meta(ge=1, le=256)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Rate = Annotated[float, msgspec.Meta(gt=0)]
"""How often something may happen in a second."""

SECTIONS = (
    "server",
    "limits",
    "application_interface",
    "client_interface",
    "push",
    "publishing",
    "queue",
    "database",
    "log",
    "monitoring",
)

PREFIX = "THYWILL_"
NAMED_SETTING = re.compile(r"\[([\w.]+)\] (\w+)")
"""Matches the beginning of an error that names its setting: ``[server] port``."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The section ``[server]``: sizes in bytes, times in seconds."""

    address: str = "127.0.0.1"
    port: Port = 8080
    processes: Processes = 1
    http: Literal["fast", "tornado"] = "fast"
    data: str = "var"
    hosts: list[str] = field(default_factory=list)
    trusted_proxies: list[str] = field(default_factory=lambda: ["127.0.0.1", "::1", "unix:"])
    proxy_protocol: Literal["off", "http", "https"] = "off"
    max_header: Positive = 16 * 1024
    max_body: Positive = 1024 * 1024
    max_clients: Positive = 100_000
    header_timeout: Seconds = 20.0
    body_timeout: Seconds = 60.0
    idle_timeout: Seconds = 75.0
    write_timeout: Seconds = 60.0
    stop_timeout: Seconds = 10.0

    def __post_init__(self) -> None:
        if self.proxied_scheme and self.http != "fast":
            raise SettingsError('[server] proxy_protocol: it needs http = "fast", Tornado does not know it')
        if self.proxied_scheme and not self.trusted_proxies:
            raise SettingsError(
                "[server] proxy_protocol: only trusted_proxies may send PROXY headers, and the list is empty"
            )

    @property
    def proxied_scheme(self) -> str:
        """The scheme that browsers use behind a proxy with PROXY headers; empty without such a proxy."""
        return "" if self.proxy_protocol == "off" else self.proxy_protocol


@dataclass(frozen=True, slots=True)
class LimitsSettings:
    """The section ``[limits]``: how much one address or one client may use of what all share.

    Args:
        connections_per_address: connections of one address; through a proxy, its requests under way.
        held_bytes: bytes in memory of requests that are being read and of answers that are not read.
        held_bytes_per_address: such bytes of one address.
        requests_per_turn: requests of one connection that are answered in a row before others get their turn.
        small_body: bytes of a body that is read for every path; a larger one only for paths that need it.
        clients_per_address: clients of one address; at most half of ``[server] max_clients``.
        unpolled_per_address: clients of one address that have not polled yet; at most a quarter of
            ``[server] max_clients``.
        unpolled_grace: seconds after which such a client may be ended to make room.
        connects, connects_burst: new clients of one address, a second and in a burst.
        sends, sends_burst: messages of one client, a second and in a burst.
        send_bytes, send_bytes_burst: bytes of its messages, a second and in a burst.
        polls, polls_burst: polls of one client that bring nothing, a second and in a burst.
        people: people for whom applications keep something (``client.person``).
        person_bytes: bytes of JSON for one person.
        person_days: days after which a person is deleted for whom no application has asked.
        sockjs_sessions: SockJS sessions on the whole server.
        sockjs_sessions_per_address: SockJS sessions of one address.
        sockjs_anonymous: SockJS sessions that have shown no token, on the whole server.
        sockjs_anonymous_per_address: SockJS sessions that have shown no token, of one address.
    """

    connections_per_address: Positive = 2_000
    held_bytes: Positive = 50_331_648
    held_bytes_per_address: Positive = 16_777_216
    requests_per_turn: Positive = 8
    small_body: Positive = 4_096
    clients_per_address: Positive = 5_000
    unpolled_per_address: Positive = 500
    unpolled_grace: Seconds = 10.0
    connects: Rate = 100.0
    connects_burst: Positive = 1_000
    sends: Rate = 100.0
    sends_burst: Positive = 1_000
    send_bytes: Positive = 262_144
    send_bytes_burst: Positive = 4_194_304
    polls: Rate = 10.0
    polls_burst: Positive = 100
    people: Positive = 100_000
    person_bytes: Positive = 4_096
    person_days: Seconds = 90.0
    sockjs_sessions: Positive = 100_000
    sockjs_sessions_per_address: Positive = 5_000
    sockjs_anonymous: Positive = 10_000
    sockjs_anonymous_per_address: Positive = 500


LINK = re.compile(r"(\w+)_PORT(?:_\d+_(?:TCP|UDP|SCTP))?")
LINK_TARGET = re.compile(r"(tcp|udp|sctp)://\S+:\d+")
LINK_PART = re.compile(r"_PORT_\d+_(TCP|UDP|SCTP)_\w+|_SERVICE_HOST|_SERVICE_PORT(_\w+)?|_NAME|_ENV_\w+")
"""The endings of the other variables that Kubernetes and Docker make for a Service."""


def links(environment: Mapping[str, str]) -> list[str]:
    """Return the names of variables that Kubernetes has made and that look like settings.

    For a Service called ``thywill-server`` each container gets ``THYWILL_SERVER_PORT=tcp://10.0.0.7:8080``
    and some more. Docker's links have the same form.
    """
    targets = {name for name, text in environment.items() if LINK_TARGET.fullmatch(text)}
    found = {name: LINK.fullmatch(name) for name in targets}
    services = {match[1] for match in found.values() if match}
    services |= {name.removesuffix("_SERVICE_HOST") for name in environment if name.endswith("_SERVICE_HOST")}
    parts = {
        name
        for name in environment
        for service in services
        if name.startswith(service) and LINK_PART.fullmatch(name.removeprefix(service))
    }
    return sorted({name for name, match in found.items() if match} | parts)


class Found(NamedTuple):
    """A setting in the environment.

    Args:
        text: its value.
        origin: the variable, and the file that it names, if it names one; for errors.
    """

    text: str
    origin: str


class Variables:
    """The settings in the environment.

    ``THYWILL_PUSH_LONGPOLL_HOLD`` is ``hold`` in ``[push.longpoll]``. ``THYWILL_DATABASE_URL_FILE`` names a
    file that holds ``url`` of ``[database]``, for secrets that must not be in a process's environment. An
    empty variable counts as none.

    Args:
        environment: the variables by name.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        ours = {name: text for name, text in environment.items() if text and name.startswith(PREFIX)}
        self.links = links(ours)
        self._values = {name: text for name, text in ours.items() if name not in self.links}
        self._asked: set[str] = set()

    def find(self, path: str, key: str) -> Found | None:
        """Return the value of ``key`` in the section ``path``, or None if the environment has none.

        Raises:
            SettingsError: there are two values, or the file with the value cannot be read.
        """
        name = PREFIX + re.sub(r"\W", "_", f"{path}_{key}").upper()
        file = f"{name}_FILE"
        self._asked |= {name, file}
        if name in self._values and file in self._values:
            raise SettingsError(f"{name} and {file} are both set: keep one of them")
        if file in self._values:
            return Found(_read_secret(file, Path(self._values[file])), f"{file}={self._values[file]}")
        return Found(self._values[name], name) if name in self._values else None

    def check(self) -> None:
        """Refuse a variable that names our section but no setting; call it when all settings are read.

        Other variables that begin with THYWILL_ are allowed, since they may belong to other programs.

        Raises:
            SettingsError: there is such a variable.
        """
        ours = tuple(f"{PREFIX}{section.upper()}_" for section in SECTIONS)
        for name in self._values:
            if name.startswith(ours) and name not in self._asked:
                settings = [each for each in self._asked if not each.endswith("_FILE")]
                close = closest(name, settings)
                remedy = f"; did you mean {close}?" if close else ": remove it, or see conf/thywill.toml"
                raise SettingsError(f"{name}: is no setting{remedy}")


class Settings:
    """The sections of a settings file, and the values that override them.

    Args:
        sections: the values of the file and the prompt, by section.
        source: the name of the file, for errors.
        options: for each "section.key" that an option has set, the name of the option, for errors.
        environment: the variables of the environment.
    """

    def __init__(
        self,
        sections: Mapping[str, Mapping[str, Any]],
        source: str,
        *,
        options: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._sections = sections
        self._source = source
        self._options = options or {}
        self._variables = Variables(environment or {})
        self._origins: dict[str, str] = {}
        for name, section in sections.items():
            if not isinstance(section, dict):
                raise SettingsError(f"{source}: {name!r} stands outside a section: move it below one")
            if name not in SECTIONS:
                raise SettingsError(f"{source}: unknown section [{name}]{hint(name, SECTIONS)}")

    def chosen(self, kind: str, default: str) -> str:
        """Return the name of the component that the section ``kind`` chooses, or ``default``."""
        return self.word(kind, "component", default)

    def word(self, path: str, key: str, default: str) -> str:
        """Return a setting that is one word, without reading the rest of its section.

        Args:
            path: the section, such as ``push.longpoll``.
            key: the name of the setting.
            default: its value if it is not set.

        Raises:
            SettingsError: the value is no text.
        """
        found = self._find(path, key)
        name = found.text if found else self._sections.get(path, {}).get(key, default)
        if not isinstance(name, str):
            raise self._error(path, key, "must be one name in quotes")
        return name

    def chosen_all(self, kind: str, default: list[str]) -> list[str]:
        """Return the names of the components that the section ``kind`` chooses, or ``default``."""
        found = self._find(kind, "components")
        names = _as_list(found.text) if found else self._sections.get(kind, {}).get("components", default)
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise self._error(kind, "components", 'must be a list of names, such as ["longpoll"]')
        return names

    def section(self, path: str, kind: type[T], *, ignore: Iterable[str] = ()) -> T:
        """Return a section as a frozen dataclass.

        Args:
            path: the section, such as ``queue`` or ``push.longpoll``.
            kind: the dataclass, whose fields are the keys of the section.
            ignore: keys that are not fields, such as ``component``.

        Raises:
            SettingsError: the section has a key that ``kind`` does not know, or a value of the wrong type.
        """
        values = {key: value for key, value in self._at(path).items() if key not in ignore}
        known = [each.name for each in dataclasses.fields(kind)]  # type: ignore[arg-type]
        for key in values:
            if key not in known:
                raise self._error(path, key, f"is no setting here{hint(key, known)}")
        hints = get_type_hints(kind)
        for key in known:
            found = self._find(path, key)
            if found is not None:
                values[key] = _typed(found.text, hints[key])
        try:
            return msgspec.convert(values, kind)
        except msgspec.ValidationError as error:
            raise self._invalid(path, str(error), hints) from None

    def check_variables(self) -> None:
        """Refuse a variable that is no setting; call it when all sections are read."""
        self._variables.check()

    def ignored(self) -> str | None:
        """Return a line about ignored variables, which look like settings but are Kubernetes', or None."""
        names = self._variables.links
        if not names:
            return None
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return (
            f"{names[0]}{more}: ignored, since Kubernetes made it for a Service "
            "(enableServiceLinks: false in the pod's spec, or another name for the Service, avoids it)"
        )

    def origin(self, path: str, key: str) -> str | None:
        """Return where the value of ``key`` in the section ``path`` came from; None if it is the default."""
        place = f"{path}.{key}"
        if place in self._options:
            return self._options[place]
        in_file = key in self._at(path)
        return self._origins.get(place, self._source if in_file else None)

    def with_origin(self, error: SettingsError) -> SettingsError:
        """Return ``error``; if it names a setting, its text says where the value came from."""
        named = NAMED_SETTING.match(str(error))
        origin = self.origin(named[1], named[2]) if named else None
        return SettingsError(f"{origin}: {error}") if origin else error

    def check_tables(self, kind: str, names: Iterable[str]) -> None:
        """Refuse a table [kind.name] whose name is not among ``names``, and a setting outside a table."""
        for key, value in self._sections.get(kind, {}).items():
            if isinstance(value, dict) and key not in names:
                raise self._error(kind, key, f"no component has this table{hint(key, names)}")
            if not isinstance(value, dict) and key != "components":
                raise self._error(
                    kind, key, "is no setting here; a component's settings stand in its own table"
                )

    def _find(self, path: str, key: str) -> Found | None:
        found = self._variables.find(path, key)
        if found is None or f"{path}.{key}" in self._options:
            return None
        self._origins[f"{path}.{key}"] = found.origin
        return found

    def _at(self, path: str) -> Mapping[str, Any]:
        values: Any = self._sections
        for name in path.split("."):
            values = values.get(name, {})
        if not isinstance(values, dict):
            raise self._error(path.rpartition(".")[0], path.rpartition(".")[2], "must be a table")
        return values

    def _invalid(self, path: str, text: str, hints: Mapping[str, Any]) -> SettingsError:
        reason, _, place = text.partition(" - at `$.")
        key = place.rstrip("`") or "?"
        choices = _choices(hints.get(key))
        if choices:
            reason += f"; use one of {', '.join(choices)}"
        return self._error(path, key, reason[0].lower() + reason[1:].replace("`", "'"))

    def _error(self, path: str, key: str, reason: str) -> SettingsError:
        origin = self.origin(path, key.partition("[")[0]) or self._source
        return SettingsError(f"{origin}: [{path}] {key}: {reason}")


def read(
    path: Path,
    *,
    required: bool,
    overrides: Mapping[str, Any] | None = None,
    options: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings of a file, with the values that override them.

    Args:
        path: the file.
        required: whether a missing file is an error.
        overrides: the values of the prompt, such as ``{"server.port": 80}``.
        options: the options that set these, such as ``{"server.port": "--port"}``, for errors.
        environment: variables, which override the file but not the prompt.

    Raises:
        SettingsError: the file cannot be read, or is not TOML.
    """
    sections = _merged(_parse(path, required=required), overrides or {})
    named = {place: (options or {}).get(place, "the prompt") for place in overrides or {}}
    return Settings(sections, str(path), options=named, environment=environment)


def _merged(sections: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of ``sections`` in which each of ``values`` is set at its place ("server.port")."""
    merged = copy.deepcopy(dict(sections))
    for place, value in values.items():
        *tables, key = place.split(".")
        target = merged
        for table in tables:
            target = target.setdefault(table, {})
        target[key] = value
    return merged


def _parse(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(path))
    except FileNotFoundError:
        if required:
            raise SettingsError(f"{path}: there is no such settings file") from None
        return {}
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8: save it with that encoding") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from None


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, without the byte order mark that some editors put first.

    Raises:
        OSError: the file cannot be read.
        UnicodeDecodeError: it is not in UTF-8.
    """
    return path.read_text(encoding="utf-8-sig")


def make_folder_of(file: Path, data: Path) -> None:
    """Create the folder of ``file`` if it lies below the folder ``data``; elsewhere it has to exist.

    Otherwise a mistyped absolute path would become a new folder, and the server would start without its data.

    Raises:
        OSError: the folder does not exist, or cannot be created.
    """
    if file.is_relative_to(data):
        file.parent.mkdir(parents=True, exist_ok=True)
    elif not file.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(file.parent))


def _read_secret(variable: str, path: Path) -> str:
    try:
        return read_text(path).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text in UTF-8"
        raise SettingsError(f"{variable}: {path} cannot be read: {reason}") from None


def _typed(text: str, hint: Any) -> Any:
    """Return ``text`` as the type ``hint``; a text that is not of this type is returned unchanged."""
    if get_origin(hint) is list:
        return _as_list(text)
    if get_origin(hint) is dict:
        return _as_table(text)
    try:
        return msgspec.convert(text, hint, strict=False)
    except msgspec.ValidationError:
        return text


def _choices(hint: Any) -> list[str]:
    """Return the values that a setting of this type can have, or an empty list for any other type."""
    if get_origin(hint) is Literal:
        return [str(value) for value in get_args(hint)]
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return [str(each.value) for each in hint]
    return []


def _as_list(text: str) -> Any:
    """Return the list in ``text``, which is written as in the file, or as words with commas between them."""
    if not text.startswith("["):
        return [word.strip() for word in text.split(",")]
    try:
        return tomllib.loads(f"list = {text}")["list"]
    except tomllib.TOMLDecodeError:
        return text


def _as_table(text: str) -> Any:
    """Return the table in ``text``, which is written on one line as in the file: ``{name = "value"}``."""
    try:
        return tomllib.loads(f"table = {text}")["table"]
    except tomllib.TOMLDecodeError:
        return text
