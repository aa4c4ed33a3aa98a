"""Checks whether the server can use the files and folders that the settings name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from thywill.commands.report import Report
from thywill.process.secret import SECRET_BYTES

OTHERS = 0o077
"""The bits for the rights of everybody but the owner."""
LINKS = ("current", "latest", "live", "release")
"""The usual names of a link to the release that is served."""


def is_there(path: Path) -> bool:
    """Return whether the file or folder exists and this user may see it."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def release_problem(link: Path | None, data: Path) -> str | None:
    """Return a warning if the next release would begin without the data of this one, else None.

    Releases often lie side by side, and a symbolic link called ``current`` leads to one of them. The next
    release does not have a data folder that is inside this one: its clients, sessions and secret are lost.

    Args:
        link: the link to the folder of the project, or None.
        data: the folder for data.
    """
    if link is None or not data.resolve().is_relative_to(link.resolve()):
        return None
    return (
        f"[server] data: {data} is inside the release that {link} leads to, so the next release begins anew: "
        "name a folder outside, such as /var/lib/thywill"
    )


def release_link(folder: Path) -> Path | None:
    """Return the symbolic link to the release that is served, or None if the project is no release.

    Args:
        folder: the folder of the project, as it was named at the prompt.
    """
    root = folder.resolve()
    links = [link for link in (folder, *_links_to(root)) if link != root]
    others = any(path.resolve().parent != root for path in root.parent.glob("*/run.py"))
    named = [link for link in links if link.name in LINKS]
    return next(iter(named or (links if others else [])), None)


def _links_to(root: Path) -> Iterator[Path]:
    for folder in (root.parent, root.parent.parent):
        try:
            found = [Path(entry.path) for entry in os.scandir(folder) if entry.is_symlink()]
        except OSError:
            continue
        yield from (link for link in found if link.resolve() == root)


def check_release(link: Path | None, data: Path, report: Report) -> None:
    """Report whether the next release would begin without the data of this one.

    Args:
        link, data: as for ``release_problem``.
        report: gets the finding.
    """
    problem = release_problem(link, data)
    if problem:
        text, _, remedy = problem.removeprefix("[server] data: ").partition(": ")
        report.warn("release", text, f"[server] data: {remedy}")


def check_folder(
    subject: str, setting: str, folder: Path, report: Report, *, made: Path | None = None
) -> None:
    """Report whether ``folder`` can be written, or created if it does not exist.

    Args:
        subject: the subject of the finding.
        setting: the setting that names it, for the remedy.
        folder: the folder.
        report: gets the finding.
        made: the file that the server will create in the folder, or None.
    """
    nearest = folder
    while not is_there(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    remedy = f"sudo chown thywill {nearest} (the user of the service), or another {setting}"
    if nearest != folder:
        remedy = f"sudo install -d -o thywill {folder} (the user of the service), or another {setting}"
    elif made is not None:  # the folder may belong to the system, and must keep its owner
        remedy = f"{setting} in a folder for thywill alone: sudo install -d -o thywill FOLDER"
    if not nearest.is_dir():
        report.problem(subject, f"{nearest} is no folder", f"another {setting}")
    elif not os.access(nearest, os.W_OK | os.X_OK):
        report.problem(subject, f"nothing can be written in {nearest}{_why(nearest)}", remedy)
    elif made is not None or nearest != folder:
        report.good(subject, f"{made or folder} will be created at the first start")
    else:
        report.good(subject, f"{folder} can be written")


def check_privacy(folder: Path, report: Report) -> None:
    """Report whether other users of the machine can enter the folder for data, which has messages."""
    if is_there(folder) and folder.stat().st_mode & OTHERS:
        report.warn("data", f"other users of this machine can enter {folder}", f"chmod 700 {folder}")


def check_file(subject: str, setting: str, file: Path, report: Report, *, data: Path) -> None:
    """Report whether ``file`` can be written, or created if it does not exist.

    Args:
        subject: the subject of the finding.
        setting: the setting that names it, for the remedy.
        file: the file.
        report: gets the finding.
        data: the folder for data. The server creates folders below it, and no others.
    """
    if not is_there(file.parent) and not file.is_relative_to(data):
        remedy = f"sudo install -d -o thywill {file.parent} (the user of the service), or another {setting}"
        report.problem(subject, f"there is no folder {file.parent}", remedy)
    elif not is_there(file):
        check_folder(subject, setting, file.parent, report, made=file)
    elif not os.access(file, os.W_OK):
        remedy = f"sudo chown thywill {file} (the user of the service), or another {setting}"
        report.problem(subject, f"{file} cannot be written{_why(file)}", remedy)
    else:
        report.good(subject, f"{file} can be written")


def check_secret(file: Path, report: Report) -> None:
    """Report whether the secret is long enough, and readable only for its owner."""
    setting = "[client_interface] secret_file"
    if not is_there(file):
        check_folder("secret", setting, file.parent, report, made=file)
    elif not os.access(file, os.R_OK):
        remedy = f"sudo chown thywill {file} (the user of the service)"
        report.problem("secret", f"{file} cannot be read", remedy)
    elif file.stat().st_size < SECRET_BYTES:
        remedy = f"rm {file} (the next start makes a new one, and every browser gets a new session)"
        report.problem("secret", f"{file} is shorter than {SECRET_BYTES} bytes", remedy)
    elif file.stat().st_mode & OTHERS:
        text = f"other users can read or write {file}: they could act as any browser"
        report.warn("secret", text, f"chmod 600 {file}")
    else:
        report.good("secret", f"{file} exists, and only its owner can read it")


def _why(place: Path) -> str:
    reason = ": its disk is mounted read-only"
    return reason if os.statvfs(place).f_flag & getattr(os, "ST_RDONLY", 1) else ""
