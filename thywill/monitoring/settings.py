"""The section ``[monitoring]``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from thywill.config import read_text
from thywill.errors import SettingsError

SHORTEST = 12
"""How many characters a key must have, so that nobody guesses it at the rate that ``Attempts`` allows."""


@dataclass(frozen=True, slots=True)
class MonitoringSettings:
    """The settings of metrics and the status page.

    Args:
        key: what visitors must send; without a key only visitors on this machine may see them.
        keyfile: a file that holds the key; a relative one is below the project's folder.
    """

    key: str = field(default="", repr=False)
    keyfile: str = ""

    def read_key(self, folder: Path) -> str:
        """Return the key, or an empty text.

        Args:
            folder: where relative file names begin.

        Raises:
            SettingsError: the key cannot be read, is too short, or two different keys are set.
        """
        key = self._from_file(folder) if self.keyfile else self.key
        if self.key and key != self.key:
            raise SettingsError("[monitoring] key and keyfile hold two keys: keep one of them")
        place = "keyfile" if self.keyfile else "key"
        if (key or self.keyfile) and len(key) < SHORTEST:
            raise SettingsError(
                f"[monitoring] {place}: the key must have {SHORTEST} characters or more: openssl rand -hex 16"
            )
        if not key.isprintable():
            raise SettingsError(f"[monitoring] {place}: the key must be one line of text")
        if key != key.strip():  # who sends it, sends it without them
            raise SettingsError(f"[monitoring] {place}: the key must not begin or end with a blank")
        return key

    def _from_file(self, folder: Path) -> str:
        path = folder / self.keyfile
        try:
            return read_text(path).strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is not text"
            raise SettingsError(f"[monitoring] keyfile: {path} cannot be read: {reason}") from None
