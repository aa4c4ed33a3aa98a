"""What every replaceable part has in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from thywill.client_interface.bootstrap import Configuration
    from thywill.core.measures import Measures


@dataclass(frozen=True, slots=True)
class NoSettings:
    """The settings of a component that has none."""


class Component:
    """A replaceable part, chosen in the settings by its short name or by the dotted path of its class.

    A subclass names the frozen dataclass of its section in ``Settings``; what else its constructor takes
    is said by the contract of its kind (``base.py`` in the kind's folder). Every hook here does nothing.
    """

    Settings: ClassVar[type[Any]] = NoSettings

    async def start(self) -> None:
        """Begin to work; called once, before the first client."""

    async def stop(self) -> None:
        """Finish what is under way and let go of every resource; called once, after the last client."""

    def bootstrap(self, client: Any, configuration: Configuration) -> None:
        """Add what the browser has to be told or to load for ``client`` (a ``LiveClient``)."""

    def measure(self, measures: Measures) -> None:
        """Tell whoever watches the server what there is to know; called now and then, on the loop."""
