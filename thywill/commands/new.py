"""``run.py new NAME``: makes a new application, with a page and a test that passes, and switches it on."""

from __future__ import annotations

import keyword
import os
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from string import Template

from thywill.errors import SettingsError

TEMPLATE = Path(__file__).parent / "template"
NAME = re.compile(r"[a-z][a-z0-9_]*")
RESERVED = ("thywill", "static")
IMPORTED = ("Application", "Client")
"""Names that the class of an application must not have, since its module imports them."""
SECTION = re.compile(r"^\[application_interface\][^\n]*\n(?P<body>(?:(?!\[).*\n?)*)", re.MULTILINE)
LIST = re.compile(r"^applications\s*=\s*\[(?P<items>[^\]]*)\]", re.MULTILINE)


def run(name: str, root: Path, config: Path) -> int:
    """Make the application and return the exit status.

    Args:
        name: the application's name, which is also the last part of its address.
        root: the folder of the project.
        config: the file with the settings.

    Raises:
        SettingsError: the name is not allowed or in use, or the files cannot be written.
    """
    _check(name, root)
    folder = root / "apps" / name
    try:
        _write(name, folder)
        switched_on = switch_on(f"apps.{name}", config)
    except OSError as error:
        raise SettingsError(f"apps/{name} cannot be made: {error.filename}: {error.strerror}") from None
    print(f"apps/{name} was made, with a page and a test.")
    if switched_on:
        print(f'"apps.{name}" was added to the applications in {config}.')
    else:
        print(f'Add "apps.{name}" to the list [application_interface] applications in {config}.')
    print(f"Serve it at /{name}/, and reload it at each change:  {_python()} run.py --dev")
    print(f"Run its test:  python3 -m tests apps/{name}")
    return 0


def _python() -> str:
    """Return the command for this Python, which has the packages that thywill needs."""
    path = os.environ.get("PATH", "").split(os.pathsep)
    if str(Path(sys.executable).parent) in path:
        return Path(sys.executable).name
    here = Path.cwd()
    python = Path(sys.executable)
    return str(python.relative_to(here) if python.is_relative_to(here) else python)


def _check(name: str, root: Path) -> None:
    if not NAME.fullmatch(name) or keyword.iskeyword(name) or name in RESERVED:
        close = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_0123456789")
        fits = NAME.fullmatch(close) and not keyword.iskeyword(close) and close not in RESERVED
        hint = f"; try {close}" if fits else ""
        reason = "use lower-case letters, digits and _, begin with a letter, and use no keyword of Python"
        raise SettingsError(f"new: {name!r} cannot be the name of an application: {reason}{hint}")
    for taken in (root / "apps" / name, root / "apps" / f"{name}.py"):
        if taken.exists():
            raise SettingsError(f"new: {taken} exists already; choose another name")


def _write(name: str, folder: Path) -> None:
    """Write the files into a temporary folder, and rename it when they are complete."""
    title = name.replace("_", " ").strip().capitalize()
    kind = "".join(part.capitalize() for part in name.split("_"))
    words = {"name": name, "title": title, "kind": f"{kind}App" if kind in IMPORTED else kind}
    folder.parent.mkdir(exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder.parent))
    try:
        for path, text in _files(words):
            (beside / path).parent.mkdir(exist_ok=True)
            (beside / path).write_text(text, encoding="utf-8")
        _open_to_readers(beside)
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _files(words: dict[str, str]) -> Iterator[tuple[Path, str]]:
    for source in sorted(TEMPLATE.rglob("*.txt")):
        place = str(source.relative_to(TEMPLATE)).removesuffix(".txt")
        text = Template(source.read_text(encoding="utf-8")).substitute(words)
        yield Path(Template(place).substitute(words)), text


def _open_to_readers(folder: Path) -> None:
    # The umask makes the files of the server private, but sources need not be.
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def switch_on(package: str, config: Path) -> bool:
    """Add ``package`` to the list of applications in the settings; return whether the list contains it now.

    Nothing is written if the list is not found, or if anything else in the settings would change.
    """
    if not config.is_file():
        return False
    text = config.read_text(encoding="utf-8")
    changed = _with_package(text, package)
    before, after = tomllib.loads(text), tomllib.loads(changed)
    found = before.get("application_interface", {}).get("applications")
    if found is None:
        return False
    if package in found:
        return True
    before["application_interface"]["applications"] = [*found, package]
    if before != after:
        return False
    _replace(config, changed)
    return True


def _with_package(text: str, package: str) -> str:
    section = SECTION.search(text)
    listed = LIST.search(section["body"]) if section else None
    if section is None or listed is None:
        return text
    items = listed["items"].rstrip()
    comma = "" if not items or items.endswith(",") else ", " if "\n" not in items else ","
    gap = "\n    " if "\n" in items else " " if items.endswith(",") else ""
    at = section.start("body") + listed.start("items")
    return f'{text[:at]}{items}{comma}{gap}"{package}"{text[at + len(items) :]}'


def _replace(config: Path, text: str) -> None:
    path = config.resolve()
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    shutil.copymode(path, beside)
    beside.replace(path)
