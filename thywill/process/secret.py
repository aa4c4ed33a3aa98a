"""Makes the folder for data, and the secret in it that signs tokens and sessions."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from thywill.errors import SettingsError

SECRET_BYTES = 32
DATA_REMEDY = "let the user of the service write there (chown), or name another folder with --data"


def make_folder(folder: Path) -> None:
    """Create the folder for data if it does not exist.

    Raises:
        SettingsError: the folder cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"the folder {folder} cannot be created: {error.strerror}"
        raise SettingsError(f"[server] data: {reason}; {DATA_REMEDY}") from None


def read_secret(folder: Path, name: str) -> bytes:
    """Return the secret that signs tokens. The first start creates its file, readable for its owner only.

    Args:
        folder: the folder for data.
        name: the name of the file in it.

    Raises:
        SettingsError: the file cannot be created or read, or is too short.
    """
    path = folder / name
    try:
        if not path.exists():
            _create(path)
        secret = path.read_bytes()
    except OSError as error:
        if path.parent == folder and not os.access(folder, os.W_OK | os.X_OK):
            reason = f"nothing can be written in the folder {folder}: {error.strerror}"
            raise SettingsError(f"[server] data: {reason}; {DATA_REMEDY}") from None
        raise SettingsError(f"[client_interface] secret_file: {path}: {error.strerror}") from None
    if len(secret) < SECRET_BYTES:
        raise SettingsError(
            f"[client_interface] secret_file: {path} is shorter than {SECRET_BYTES} bytes; delete it"
        )
    return secret


def _create(path: Path) -> None:
    # Several servers may start at the same time. The file appears with its whole content at once: the first
    # server that links it wins, and the others read its secret.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
        _place(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _place(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links: the last server to start wins
        draft.replace(path)
