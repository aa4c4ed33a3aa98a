"""Settings: one TOML file, read once into frozen, typed objects.

Every key has a default, so an empty file will do; an unknown key is an error.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from thywill.errors import SettingsError

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]

SECTIONS = ("server", "application_interface", "client_interface", "push", "queue", "database", "log")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The section ``[server]``: sizes in bytes, times in seconds."""

    address: str = "127.0.0.1"
    port: Port = 8080
    http: Literal["fast", "tornado"] = "fast"
    data: str = "var"
    trusted_proxies: list[str] = field(default_factory=lambda: ["127.0.0.1", "::1"])
    max_header: Positive = 16 * 1024
    max_body: Positive = 1024 * 1024
    max_clients: Positive = 100_000
    header_timeout: Seconds = 20.0
    body_timeout: Seconds = 60.0
    idle_timeout: Seconds = 75.0
    write_timeout: Seconds = 60.0
    stop_timeout: Seconds = 10.0


class Settings:
    """The sections of one settings file.

    Args:
        sections: what the file holds, by section.
        source: what to call the file in errors.
    """

    def __init__(self, sections: Mapping[str, Mapping[str, Any]], source: str) -> None:
        self._sections = sections
        self._source = source
        for name, section in sections.items():
            if not isinstance(section, dict):
                raise SettingsError(f"{source}: {name!r} stands outside a section: move it below one")
            if name not in SECTIONS:
                raise SettingsError(f"{source}: unknown section [{name}]{_nearest(name, SECTIONS)}")

    def chosen(self, kind: str, default: str) -> str:
        """Return the name of the component that the section ``kind`` chooses."""
        name = self._sections.get(kind, {}).get("component", default)
        if not isinstance(name, str):
            raise self._error(kind, "component", "must be one name in quotes")
        return name

    def chosen_all(self, kind: str, default: list[str]) -> list[str]:
        """Return the names of the components that the section ``kind`` chooses."""
        names = self._sections.get(kind, {}).get("components", default)
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise self._error(kind, "components", 'must be a list of names, such as ["longpoll"]')
        return names

    def section(self, path: str, kind: type[T], *, ignore: Iterable[str] = ()) -> T:
        """Return the section ``path`` ("queue", "push.longpoll") as the frozen dataclass ``kind``.

        Raises:
            SettingsError: a key that ``kind`` does not know, or a value of the wrong type.
        """
        values = {key: value for key, value in self._at(path).items() if key not in ignore}
        known = [each.name for each in dataclasses.fields(kind)]  # type: ignore[arg-type]
        for key in values:
            if key not in known:
                raise self._error(path, key, f"is no setting here{_nearest(key, known)}")
        try:
            return msgspec.convert(values, kind)
        except msgspec.ValidationError as error:
            raise self._invalid(path, str(error)) from None

    def check_tables(self, kind: str, names: Iterable[str]) -> None:
        """Refuse a table [kind.name] of a component that is not among ``names``."""
        for key, value in self._sections.get(kind, {}).items():
            if isinstance(value, dict) and key not in names:
                raise self._error(kind, key, f"is not among the components chosen{_nearest(key, names)}")
            if not isinstance(value, dict) and key != "components":
                raise self._error(
                    kind, key, "is no setting here; a component's settings stand in its own table"
                )

    def _at(self, path: str) -> Mapping[str, Any]:
        values: Any = self._sections
        for name in path.split("."):
            values = values.get(name, {})
        if not isinstance(values, dict):
            raise self._error(path.rpartition(".")[0], path.rpartition(".")[2], "must be a table")
        return values

    def _invalid(self, path: str, text: str) -> SettingsError:
        reason, _, place = text.partition(" - at `$.")
        return self._error(path, place.rstrip("`") or "?", reason[0].lower() + reason[1:].replace("`", "'"))

    def _error(self, path: str, key: str, reason: str) -> SettingsError:
        return SettingsError(f"{self._source}: [{path}] {key}: {reason}")


def read(path: Path, *, required: bool, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of the file ``path``, with ``overrides`` ("server.port": 80) in place of its own.

    Raises:
        SettingsError: the file cannot be read, or is not TOML; a missing one only if it is ``required``.
    """
    sections = _parse(path, required=required)
    for name, value in (overrides or {}).items():
        *tables, key = name.split(".")
        target = sections
        for table in tables:
            target = target.setdefault(table, {})
        target[key] = value
    return Settings(sections, str(path))


def _parse(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise SettingsError(f"{path}: there is no such settings file") from None
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from None


def _nearest(name: str, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are: {', '.join(sorted(known))}"
