"""Components, the replaceable parts of a server, and how the settings choose them.

A component that comes with thywill is chosen by its short name, any other by the dotted path of its class:

    [queue]
    component = "ours.queues.FancyQueue"
    size = 5                               # a field of FancyQueue.Settings
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from thywill.config import Settings
from thywill.core.measures import Measures
from thywill.errors import SettingsError


@dataclass(slots=True)
class Configuration:
    """All that a page needs for its client and its application.

    Args:
        connection: the answer to ``connect``: the client, its token, times and limits.
        parameters: JSON for the application's code in the browser.
        scripts, styles: the files that the page loads, in order. Each is ``NAME/FILE``, a file in the folder
            ``static`` of the application NAME, or a whole address.
        push: the names of the push components, best first.
    """

    connection: dict[str, Any]
    parameters: dict[str, Any] = field(default_factory=dict)
    scripts: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    push: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NoSettings:
    """The settings of a component that has none."""


class Component:
    """The base of all components.

    A subclass sets ``Settings`` to the frozen dataclass of its section. The contract of its kind (``base.py``
    in the kind's folder) defines the other arguments of its constructor. The methods here do nothing.
    """

    Settings: ClassVar[type[Any]] = NoSettings

    async def start(self) -> None:
        """Start to work; called once, before the first client."""

    def files(self) -> Sequence[Path]:
        """Return the files that the component writes. Only the server's user may read them."""
        return ()

    async def stop(self) -> None:
        """Finish the work under way and release all resources; called once, after the last client."""

    def bootstrap(self, client: Any, configuration: Configuration) -> None:
        """Add to the configuration of the page of ``client`` (a ``LiveClient``)."""

    def measure(self, measures: Measures) -> None:
        """Add the component's metrics; called on the event loop for each request of the metrics."""


C = TypeVar("C", bound=Component)


def load_component(kind: str, name: str, known: Mapping[str, str], contract: type[C]) -> type[C]:
    """Import and check the class of a component.

    Args:
        kind: the name of the section, for errors.
        name: a key of ``known``, or a dotted path such as ``ours.queues.FancyQueue``.
        known: the dotted paths of the components that come with thywill.
        contract: the class that it has to be a subclass of.

    Raises:
        SettingsError: there is no such class, or it is not a subclass of the contract.
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
    """A chosen component: its class, and its section as an object of the class's ``Settings``."""

    kind: type[C]
    settings: Any


class Choice:
    """The components that the settings choose.

    Args:
        settings: the settings.
        known: for each section the components that come with thywill, by name. By default a section with one
            component has the first of them, and a section with several components has all of them.
    """

    def __init__(self, settings: Settings, known: Mapping[str, Mapping[str, str]]) -> None:
        self._settings = settings
        self._known = known

    def one(self, section: str, contract: type[C]) -> Chosen[C]:
        """Return the component of a section that has one component.

        Args:
            section: the name of the section.
            contract: the class that the component has to be a subclass of.

        Raises:
            SettingsError: there is no such component, or its settings are wrong.
        """
        known = self._known[section]
        kind = load_component(section, self._settings.chosen(section, next(iter(known))), known, contract)
        return Chosen(kind, self._settings.section(section, kind.Settings, ignore=("component",)))

    def several(self, section: str, contract: type[C]) -> list[Chosen[C]]:
        """Return the components of a section that has several components, each with its own table.

        Args:
            section: the name of the section.
            contract: the class that each component has to be a subclass of.

        Raises:
            SettingsError: there is no such component, or its settings are wrong.
        """
        known = self._known[section]
        names = self._settings.chosen_all(section, list(known))
        tables = [name.rpartition(".")[2] for name in names]
        kinds = [load_component(section, name, known, contract) for name in names]
        self._settings.check_tables(section, [*tables, *known])  # a component may be off and have a table
        return [
            Chosen(kind, self._settings.section(f"{section}.{table}", kind.Settings))
            for kind, table in zip(kinds, tables, strict=True)
        ]
