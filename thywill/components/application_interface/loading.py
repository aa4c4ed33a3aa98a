"""Finds the application in a package."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

from thywill.application import Application
from thywill.components.application_interface.base import Page
from thywill.errors import SettingsError

PLACE = "[application_interface] applications"
RESERVED = ("thywill", "static")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def load(dotted: str) -> tuple[Application, Page]:
    """Return the application of the package ``dotted`` ("apps.chat") and what its page needs.

    Raises:
        SettingsError: no such package, not exactly one subclass of Application in it, or a missing file.
    """
    name = dotted.rpartition(".")[2]
    if not NAME.fullmatch(name) or name in RESERVED:
        raise SettingsError(f"{PLACE}: {name!r} cannot be the name of an application")
    module = _import(dotted)
    kind = _application_class(module, dotted)
    static = Path(str(module.__file__)).parent / "static"
    for file in (*kind.scripts, *kind.styles, *([kind.page] if kind.page else [])):
        if not (static / file).is_file():
            raise SettingsError(f"{PLACE}: {dotted} names {file!r}, but there is no {static / file}")
    fragment = static / kind.page if kind.page else None
    return kind(), Page(name, kind.title or name, static, fragment)


def _import(dotted: str) -> ModuleType:
    try:
        return importlib.import_module(dotted)
    except ModuleNotFoundError as error:
        if error.name and (dotted == error.name or dotted.startswith(error.name + ".")):
            raise SettingsError(f"{PLACE}: there is no package {dotted!r}") from None
        raise SettingsError(f"{PLACE}: {dotted} cannot be imported: {error}") from None


def _application_class(module: ModuleType, dotted: str) -> type[Application]:
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Application) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise SettingsError(f"{PLACE}: {dotted} must have one subclass of Application, and has {len(found)}")
    return found[0]
