"""Whether the server can use the files and folders that the settings name."""

from __future__ import annotations

import os
from pathlib import Path

from thywill.commands.report import Report
from thywill.server import SECRET_BYTES

OTHERS = 0o077
"""The rights of everybody but the owner."""


def is_there(path: Path) -> bool:
    """Return whether the file or folder exists, as far as this user may see."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def check_folder(
    subject: str, setting: str, folder: Path, report: Report, *, made: Path | None = None
) -> None:
    """Report whether ``folder`` can be written, or created if it does not exist.

    Args:
        subject: what to call it in the report.
        setting: the setting that names it, for the remedy.
        folder: the folder.
        report: takes the finding.
        made: the file in it that the server will create, or None.
    """
    nearest = folder
    while not is_there(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    remedy = f"sudo chown thywill {nearest} (the user of the service), or another {setting}"
    if nearest != folder:
        remedy = f"sudo install -d -o thywill {folder} (the user of the service), or another {setting}"
    elif made is not None:  # the folder may belong to the system, and must keep its owner
        remedy = f"{setting} in a folder of its own: sudo install -d -o thywill FOLDER"
    if not nearest.is_dir():
        report.problem(subject, f"{nearest} is no folder", f"another {setting}")
    elif not os.access(nearest, os.W_OK | os.X_OK):
        report.problem(subject, f"nothing can be written in {nearest}{_why(nearest)}", remedy)
    elif made is not None or nearest != folder:
        report.good(subject, f"{made or folder} is made at the first start")
    else:
        report.good(subject, f"{folder} can be written")


def check_file(subject: str, setting: str, file: Path, report: Report) -> None:
    """Report whether ``file`` can be written, or created if it does not exist."""
    if not is_there(file):
        check_folder(subject, setting, file.parent, report, made=file)
    elif not os.access(file, os.W_OK):
        remedy = f"sudo chown thywill {file} (the user of the service), or another {setting}"
        report.problem(subject, f"{file} cannot be written{_why(file)}", remedy)
    else:
        report.good(subject, f"{file} can be written")


def check_secret(file: Path, report: Report) -> None:
    """Report whether the secret is long enough and readable for its owner alone."""
    setting = "[client_interface] secret_file"
    if not is_there(file):
        check_folder("secret", setting, file.parent, report, made=file)
    elif not os.access(file, os.R_OK):
        remedy = f"sudo chown thywill {file} (the user of the service)"
        report.problem("secret", f"{file} cannot be read", remedy)
    elif file.stat().st_size < SECRET_BYTES:
        remedy = f"rm {file} (a new one is made; every browser starts anew)"
        report.problem("secret", f"{file} is shorter than {SECRET_BYTES} bytes", remedy)
    elif file.stat().st_mode & OTHERS:
        text = f"others than its owner can read or write {file}: they could speak for every browser"
        report.warn("secret", text, f"chmod 600 {file}")
    else:
        report.good("secret", f"{file} is there, for its owner alone")


def _why(place: Path) -> str:
    reason = ": its disk is mounted for reading only"
    return reason if os.statvfs(place).f_flag & getattr(os, "ST_RDONLY", 1) else ""
