"""Values that an author sets for channels, by name or by pattern."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class ByChannel(Generic[T]):
    """A value for each channel.

    Args:
        default: the value of a channel that matches no name and no pattern.
        values: values by name or pattern. ``*`` in a pattern matches any text, even an empty one.
    """

    def __init__(self, default: T, values: Mapping[str, T]) -> None:
        self.default = default
        self._names = values
        self._patterns = [(_compiled(name), value) for name, value in values.items() if "*" in name]

    def of(self, channel: str) -> T:
        """Return the value of ``channel``: by its exact name, else by the first pattern that matches."""
        if not self._names:
            return self.default
        if channel in self._names:
            return self._names[channel]
        for pattern, value in self._patterns:
            if pattern.fullmatch(channel):
                return value
        return self.default


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)
