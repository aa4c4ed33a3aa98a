"""The settings that ``conf/thywill.toml`` has to contain."""

from __future__ import annotations

import importlib
from typing import Any

from thywill.component import Component
from thywill.config import LimitsSettings, ServerSettings
from thywill.monitoring.settings import MonitoringSettings
from thywill.publishing.settings import PublishingSettings
from thywill.server import COMPONENTS


def component(dotted: str) -> type[Component]:
    module, _, name = dotted.rpartition(".")
    found: type[Component] = getattr(importlib.import_module(module), name)
    return found


def documented() -> dict[str, list[type[Any]]]:
    """Return for each section of the file the classes whose settings it contains."""
    sections: dict[str, list[type[Any]]] = {
        "server": [ServerSettings],
        "limits": [LimitsSettings],
        "monitoring": [MonitoringSettings],
        "publishing": [PublishingSettings],
    }
    for kind, known in COMPONENTS.items():
        for name, dotted in known.items():
            section = f"push.{name}" if kind == "push" else kind
            sections.setdefault(section, []).append(component(dotted).Settings)
    return sections
