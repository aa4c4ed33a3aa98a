"""Imports the package of an application, finds its class, and checks hooks and files.

Every mistake becomes one line for the operator that says where it is and what to do.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import math
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from thywill.application import Application
from thywill.application_interface.base import Loaded, Page
from thywill.core.history import read_bounds
from thywill.core.nearest import closest
from thywill.core.overflow import Overflow
from thywill.errors import SettingsError
from thywill.handlers.declare import MARK

SETTING = "[application_interface] applications"
RESERVED = ("thywill", "static")
HOOKS: dict[str, tuple[str, ...]] = {
    "authenticate": ("visitor",),
    "on_start": (),
    "on_stop": (),
    "on_connect": ("client",),
    "on_message": ("client", "message"),
    "on_resume": ("client",),
    "on_disconnect": ("client",),
    "on_join": ("channel", "person"),
    "on_leave": ("channel", "person"),
}
"""The hooks, and the arguments of each beside ``self``."""
METHODS = (*HOOKS, "bootstrap")
ATTRIBUTES = (
    "title",
    "description",
    "icon",
    "header",
    "scripts",
    "styles",
    "page",
    "overflow",
    "channel_overflow",
    "history",
    "presence",
    "leave_after",
)
BASES = Application.__mro__
SET_BY_THYWILL = {"name", "handle", "_actions", "_limit", "_policies"}
"""The attributes that thywill itself sets on the object of an application."""
PROTECTED = SET_BY_THYWILL | {
    name
    for name, value in vars(Application).items()
    if inspect.isfunction(value)
    and name not in METHODS
    and not name.startswith(("on_", "__"))
    and name != "authenticate"
}
"""The names that an application must not replace."""
ATTRIBUTE_TYPES = (str, list, tuple, dict)
"""The types of an application's attributes."""
SIMILARITY = 0.8
"""How similar two names have to be for one to count as a misspelling of the other; 1 is equal."""

PACKAGE = Path(__file__).parents[1]
"""The folder of thywill's own code."""

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def load(dotted: str) -> Loaded:
    """Load the application of the package ``dotted`` ("apps.chat").

    Raises:
        SettingsError: the package cannot be imported, does not define exactly one subclass of Application,
            has a wrong hook, or names a file that does not exist.
    """
    name = dotted.rpartition(".")[2]
    if not NAME.fullmatch(name) or name in RESERVED:
        raise SettingsError(f"{SETTING}: {name!r} cannot be the name of an application")
    module = _import(dotted)
    return load_class(_application_class(module, dotted))


def load_class(kind: type[Application], arguments: tuple[Any, ...] = ()) -> Loaded:
    """Load an application by its class, whose module is the application's package.

    Args:
        kind: the class.
        arguments: the arguments of its constructor.

    Raises:
        SettingsError: the class has a wrong hook, or names a file that does not exist.
    """
    dotted = kind.__module__
    file = getattr(sys.modules.get(dotted), "__file__", None)  # a class typed into a console has no file
    _check_hooks(kind, dotted)
    _check_overflow(kind, dotted)
    _check_history(kind, dotted)
    _check_presence(kind, dotted)
    page = page_of(kind, dotted.rpartition(".")[2], Path(str(file)).parent / "static")
    _check_files(kind, dotted, page.static)
    return Loaded(kind, page, arguments)


def page_of(kind: type[Application], name: str, static: Path) -> Page:
    """Return the page of an application.

    Args:
        kind: the class of the application.
        name: its name in addresses.
        static: the folder with its files.
    """
    fragment = static / kind.page if kind.page else None
    home = "../" if kind.header else ""
    return Page(name, kind.title or name, static, fragment, kind.description, kind.icon, home)


def failure_of(name: str, error: Exception) -> SettingsError:
    """Return the operator's error for an application that has failed: one line with the place in its code.

    Args:
        name: what has failed: a hook, a class or a package.
        error: the exception that it has raised.
    """
    frames = traceback.extract_tb(error.__traceback__)
    frame = next((each for each in reversed(frames) if not _is_ours(each.filename)), frames[-1])
    place, text = f"{frame.filename}, line {frame.lineno}", str(error)
    if isinstance(error, SyntaxError):  # the traceback ends in the importer, not in the file
        place, text = f"{error.filename}, line {error.lineno}", error.msg
    return SettingsError(f"{SETTING}: {name} fails: {type(error).__name__}: {text} ({place})")


def _is_ours(file: str) -> bool:
    return Path(file).is_relative_to(PACKAGE) or file.startswith("<frozen importlib")


def misspellings(kind: type[Application]) -> list[str]:
    """Return a phrase for each name in a class that looks like a misspelt hook or attribute."""
    found = []
    for name, value in vars(kind).items():
        if name.startswith("_") or hasattr(Application, name) or hasattr(value, MARK):
            continue
        method = inspect.isfunction(value)
        if not method and not isinstance(value, ATTRIBUTE_TYPES):
            continue
        known = _with_same_beginning(name, METHODS) if method else ATTRIBUTES
        close = difflib.get_close_matches(name, known, n=1, cutoff=SIMILARITY)
        if close or (name.startswith("on_") and inspect.iscoroutinefunction(value)):
            word = "hook" if method else "attribute"
            hint = f" (did you mean {close[0]}?)" if close else ""
            found.append(f"{name} is no {word}{hint}")
    return found


def _with_same_beginning(name: str, hooks: Iterable[str]) -> list[str]:
    """Return the hooks that begin with the first two letters of ``name``, in either order.

    Others are no misspellings: ``do_leave`` and ``connect`` are similar to hooks, but meant as they are.
    """
    return [hook for hook in hooks if sorted(hook[:2]) == sorted(name[:2])]


def overridden(application: Application) -> list[str]:
    """Return the names of thywill's own methods and attributes that an application has replaced."""
    own = {name for kind in type(application).__mro__ if kind not in BASES for name in vars(kind)}
    return sorted((own | set(vars(application)) - SET_BY_THYWILL) & PROTECTED)


def _check_files(kind: type[Application], dotted: str, static: Path) -> None:
    for attribute in ("scripts", "styles"):
        if isinstance(getattr(kind, attribute), str):
            raise SettingsError(f"{SETTING}: {attribute} of {dotted} is one text: make it a list of names")
    single = [file for file in (kind.page, kind.icon) if file]
    for file in (*kind.scripts, *kind.styles, *single):
        if not (static / file).is_file():
            raise SettingsError(f"{SETTING}: {dotted} names {file!r}, but there is no {static / file}")


def _check_hooks(kind: type[Application], dotted: str) -> None:
    for name, arguments in HOOKS.items():
        hook = getattr(kind, name)
        if not inspect.iscoroutinefunction(hook):
            raise SettingsError(f"{SETTING}: {dotted}: {name} must be an async def")
        try:
            inspect.signature(hook).bind("self", *arguments)
        except TypeError:
            wanted = ", ".join(("self", *arguments))
            raise SettingsError(f"{SETTING}: {dotted}: {name} must take ({wanted})") from None
    if inspect.iscoroutinefunction(kind.bootstrap):
        raise SettingsError(f"{SETTING}: {dotted}: bootstrap must be a def, not async")


def _check_overflow(kind: type[Application], dotted: str) -> None:
    place, channels = f"{SETTING}: {dotted}.{kind.__name__}", kind.channel_overflow
    if kind.overflow is not None:
        _check_policy(kind.overflow, f"{place}.overflow")
    if not isinstance(channels, Mapping) or not all(isinstance(name, str) for name in channels):
        raise SettingsError(f'{place}.channel_overflow must be like {{"prices:*": "conflate"}}')
    for name, policy in channels.items():
        _check_policy(policy, f"{place}.channel_overflow[{name!r}]")


def _check_history(kind: type[Application], dotted: str) -> None:
    place = f"{SETTING}: {dotted}.{kind.__name__}.history"
    if not isinstance(kind.history, Mapping) or not all(isinstance(name, str) for name in kind.history):
        raise SettingsError(f'{place} must be like {{"board": 2000}}')
    for name, value in kind.history.items():
        try:
            read_bounds(value)
        except ValueError as error:
            raise SettingsError(f"{place}[{name!r}]: {error}") from None


def _check_presence(kind: type[Application], dotted: str) -> None:
    place, channels, seconds = f"{SETTING}: {dotted}.{kind.__name__}", kind.presence, kind.leave_after
    if not isinstance(channels, list | tuple) or not all(isinstance(name, str) for name in channels):
        raise SettingsError(f'{place}.presence must be like ["board", "room:*"]')
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds < math.inf:
        raise SettingsError(f"{place}.leave_after is {seconds!r}, and must be a number of seconds")


def _check_policy(policy: object, place: str) -> None:
    known = [each.value for each in Overflow]
    if policy not in known:
        raise SettingsError(f"{place} is {policy!r}; it must be one of {', '.join(known)}")


def _import(dotted: str) -> ModuleType:
    try:
        _find_in_current_folder(dotted.partition(".")[0])
        return importlib.import_module(dotted)
    except ModuleNotFoundError as error:
        if error.name and (dotted == error.name or dotted.startswith(error.name + ".")):
            raise SettingsError(f"{SETTING}: there is no package {dotted!r}{_suggestion(dotted)}") from None
        raise SettingsError(f"{SETTING}: {dotted} cannot be imported: {error}") from None
    except Exception as error:
        raise failure_of(dotted, error) from error


def _find_in_current_folder(name: str) -> None:
    """Make the package ``name`` of the current folder importable, unless there is another of this name."""
    if find_spec(name) is not None:
        return
    folder = Path.cwd()
    if any((folder / place).exists() for place in (name, f"{name}.py")):
        sys.path.append(str(folder))
        importlib.invalidate_caches()


def _suggestion(dotted: str) -> str:
    found = find_spec("apps")
    folders = [Path(place) for place in (found and found.submodule_search_locations) or ()]
    known = {
        init.parent.name: f"apps.{init.parent.name}"
        for path in folders
        for init in path.glob("*/__init__.py")
    }
    close = closest(dotted.rpartition(".")[2], known)
    return f"; did you mean {known[close]}?" if close else ""


def _application_class(module: ModuleType, dotted: str) -> type[Application]:
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Application) and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise SettingsError(
            f"{SETTING}: {dotted} must define one subclass of Application in its __init__.py,"
            f" not {len(found)}"
        )
    return found[0]


def twice(name: str, first: str, second: str) -> str:
    """Return what is wrong with two applications of one name, in the modules ``first`` and ``second``."""
    place = f"{SETTING}: two have the name {name!r}"
    if first == second:
        return f"{place}, since {first} is listed twice"
    return f"{place}, {first} and {second}: rename one of the packages"
