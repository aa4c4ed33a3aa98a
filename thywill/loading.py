"""Loads a component's class by its short name or by the dotted path of somebody else's."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from thywill.component import Component
from thywill.config import Settings
from thywill.errors import SettingsError

C = TypeVar("C", bound=Component)


def load_component(kind: str, name: str, known: Mapping[str, str], contract: type[C]) -> type[C]:
    """Return the class that the section ``kind`` of the settings means by ``name``.

    Args:
        kind: the section, for errors.
        name: a key of ``known``, or a dotted path such as ``ours.queues.FancyQueue``.
        known: the dotted paths of the components that come with thywill.
        contract: what the class must be a subclass of.

    Raises:
        SettingsError: there is no such class, or it does not keep the contract.
    """
    place = f"[{kind}] {'components' if kind == 'push' else 'component'}"
    dotted = known.get(name, name)
    module_name, _, class_name = dotted.rpartition(".")
    if not module_name:
        raise SettingsError(f"{place}: {name!r} is no component; choose {', '.join(known)} or a dotted path")
    try:
        found = getattr(importlib.import_module(module_name), class_name, None)
    except ImportError as error:
        raise SettingsError(f"{place}: {dotted} cannot be imported: {error}") from None
    if not inspect.isclass(found):
        raise SettingsError(f"{place}: there is no class {class_name!r} in {module_name}")
    if not issubclass(found, contract):
        base = f"{contract.__module__}.{contract.__qualname__}"
        raise SettingsError(f"{place}: {dotted} is no subclass of {base}")
    return found


class Chosen(NamedTuple, Generic[C]):
    """A component that the settings chose: its class, and its section as the class declares it."""

    kind: type[C]
    settings: Any


class Choice:
    """The components that the settings choose.

    Args:
        settings: the settings.
        known: for each section the components that come with thywill; the first is the default, or all are
            where there are several.
    """

    def __init__(self, settings: Settings, known: Mapping[str, Mapping[str, str]]) -> None:
        self._settings = settings
        self._known = known

    def one(self, section: str, contract: type[C]) -> Chosen[C]:
        """Return the component of a section that has one.

        Raises:
            SettingsError: there is no such component, or its settings are wrong.
        """
        known = self._known[section]
        kind = load_component(section, self._settings.chosen(section, next(iter(known))), known, contract)
        return Chosen(kind, self._settings.section(section, kind.Settings, ignore=("component",)))

    def several(self, section: str, contract: type[C]) -> list[Chosen[C]]:
        """Return the components of a section that has several, each with a table of its own.

        Raises:
            SettingsError: there is no such component, or its settings are wrong.
        """
        known = self._known[section]
        names = self._settings.chosen_all(section, list(known))
        tables = [name.rpartition(".")[2] for name in names]
        kinds = [load_component(section, name, known, contract) for name in names]
        self._settings.check_tables(section, [*tables, *known])  # tables of others wait for their turn
        return [
            Chosen(kind, self._settings.section(f"{section}.{table}", kind.Settings))
            for kind, table in zip(kinds, tables, strict=True)
        ]
