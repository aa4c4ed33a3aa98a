"""Finds the modules that ``run.py compile`` has compiled, if they match the present sources.

They are in a folder beside the sources, which git ignores, together with a digest of all sources and of the
Python for which they were compiled. They are used only if the digest matches. So a forgotten folder does no
harm: the plain modules run, and a line of the log says so.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import platform
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

FOLDER = "compiled"
"""The folder of the compiled modules, inside the package's folder."""
MANIFEST = "digest.json"
LIBRARY = "thywill__mypyc"
"""The module with the code of all compiled modules; the others only import from it."""
SUFFIX: str = sysconfig.get_config_var("EXT_SUFFIX") or ".so"

REMEDY = "python run.py compile, or remove the folder"


class CompiledFinder(MetaPathFinder):
    """Finds compiled modules before Python looks for their sources.

    Args:
        files: the files by the modules' names.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a compiled module, or None for a module that is not compiled."""
        file = self._files.get(fullname)
        return None if file is None else spec_from_file_location(fullname, file)


def digest(package: Path) -> str:
    """Return a digest of all sources below ``package``, and of this Python and machine."""
    found = hashlib.sha256(f"{sys.version} {platform.machine()} {SUFFIX}".encode())
    for path in _sources(package):
        found.update(f"\0{path.relative_to(package).as_posix()}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def _sources(package: Path) -> Iterator[Path]:
    return iter(sorted(package.rglob("*.py")))


def write_manifest(folder: Path, package: Path) -> None:
    """Write the digest of the sources into ``folder``, which has the compiled modules."""
    (folder / MANIFEST).write_text(json.dumps({"digest": digest(package)}), encoding="utf-8")


def use(package: Path, folder: Path | None = None) -> str | None:
    """Let Python import the compiled modules of ``package`` if they match the sources.

    Nothing happens if one of them was imported already.

    Args:
        package: the folder of the package ``thywill``.
        folder: the folder of the compiled modules; None for the one beside the sources.

    Returns:
        a line that says why the compiled modules are not used; None if they are used or if there are none.
    """
    folder = package / FOLDER if folder is None else folder
    if not folder.is_dir():
        return None
    files = {_name(folder, path): path for path in folder.rglob(f"*{SUFFIX}")}
    if any(name in sys.modules for name in files):
        return None
    reason = _mismatch(package, folder) or _load(files)
    return None if reason is None else f"{folder}: {reason}, so the plain modules run: {REMEDY}"


def _name(folder: Path, file: Path) -> str:
    relative = file.relative_to(folder)
    return ".".join([*relative.parts[:-1], relative.name.removesuffix(SUFFIX)])


def _mismatch(package: Path, folder: Path) -> str | None:
    try:
        made_of = json.loads((folder / MANIFEST).read_bytes())["digest"]
    except (OSError, ValueError, KeyError, TypeError):
        return "the compiled modules are not complete, or cannot be read"
    if made_of != digest(package):
        return "the compiled modules are of other sources, or for another Python"
    return None


def _load(files: Mapping[str, Path]) -> str | None:
    finder = CompiledFinder(files)
    sys.meta_path.insert(0, finder)
    try:
        importlib.import_module(LIBRARY)  # only the system's loader can tell whether it runs on this machine
    except ImportError as error:
        sys.meta_path.remove(finder)
        return f"the compiled modules cannot be loaded ({error})"
    return None


def form() -> str:
    """Return ``"compiled"`` if this process uses compiled modules, otherwise ``"plain"``."""
    library = sys.modules.get(LIBRARY)
    loaded = library is not None and isinstance(library.__loader__, ExtensionFileLoader)
    return "compiled" if loaded else "plain"
