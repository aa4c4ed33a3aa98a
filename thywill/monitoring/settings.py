"""The section ``[monitoring]``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from thywill.config import read_text
from thywill.errors import SettingsError

SHORTEST = 12
"""A key must have at least this many characters, so that ``Attempts`` allows nobody to guess it."""


@dataclass(frozen=True, slots=True)
class MonitoringSettings:
    """The settings of metrics and the status page.

    Args:
        key: the key that visitors must send; without a key only visitors on this machine are admitted.
        keyfile: a file with the key; a relative path begins at the project's folder.
    """

    key: str = field(default="", repr=False)
    keyfile: str = ""

    def read_key(self, folder: Path) -> str:
        """Return the key, or an empty text.

        Args:
            folder: the folder that relative paths begin at.

        Raises:
            SettingsError: the key cannot be read, is too short, or two different keys are set.
        """
        key = self._from_file(folder) if self.keyfile else self.key
        if self.key and key != self.key:
            raise SettingsError("[monitoring] key and keyfile have two different keys: keep one of them")
        place = "keyfile" if self.keyfile else "key"
        if (key or self.keyfile) and len(key) < SHORTEST:
            raise SettingsError(
                f"[monitoring] {place}: the key must have {SHORTEST} characters or more: openssl rand -hex 16"
            )
        if not key.isprintable():
            raise SettingsError(f"[monitoring] {place}: the key must be one line of text")
        if key != key.strip():  # a request's key is compared without blanks at its ends
            raise SettingsError(f"[monitoring] {place}: the key must not begin or end with a blank")
        return key

    def _from_file(self, folder: Path) -> str:
        path = folder / self.keyfile
        try:
            return read_text(path).strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is not text"
            raise SettingsError(f"[monitoring] keyfile: {path} cannot be read: {reason}") from None
