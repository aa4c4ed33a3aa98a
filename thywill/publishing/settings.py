"""The section ``[publishing]``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from thywill.errors import SettingsError

SETTING = "[publishing] keys"


@dataclass(frozen=True, slots=True)
class KeySettings:
    """A key for some applications only.

    Args:
        key: the key that the publisher sends.
        applications: the names of the applications that it may publish to.
    """

    key: str = field(repr=False)
    applications: list[str]


@dataclass(frozen=True, slots=True)
class PublishingSettings:
    """Who may publish from outside, and how much in one request.

    Args:
        max_body: the largest body of a request, in bytes; at most ``[server] max_body``.
        keys: the keys by name. A text is a key for all applications.
    """

    max_body: Annotated[int, msgspec.Meta(ge=1)] = 1024 * 1024
    keys: dict[str, str | KeySettings] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name, each in self.keys.items():
            _check(name, key_of(each))
        counts = Counter(key_of(each) for each in self.keys.values())
        for name, each in self.keys.items():
            if counts[key_of(each)] > 1:
                raise SettingsError(f"{SETTING}: {name!r} has the same key as another name: make a new key")


def key_of(entry: str | KeySettings) -> str:
    """Return the key of an entry in ``[publishing.keys]``."""
    return entry if isinstance(entry, str) else entry.key


def applications_of(entry: str | KeySettings) -> frozenset[str] | None:
    """Return the applications that the key of an entry is for; None means all."""
    return None if isinstance(entry, str) else frozenset(entry.applications)


def _check(name: str, key: str) -> None:
    if not key:
        raise SettingsError(f"{SETTING}: the key of {name!r} is empty: openssl rand -hex 16 makes one")
    if not key.isprintable() or key != key.strip():
        raise SettingsError(
            f"{SETTING}: the key of {name!r} must be one line of text without a blank at its ends"
        )
