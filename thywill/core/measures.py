"""The values of all metrics at one moment, collected from the parts of a server."""

from __future__ import annotations

from dataclasses import dataclass, field

from thywill.core.histogram import Histogram

Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Measure:
    """One metric, with a value for each set of labels.

    Args:
        kind: ``gauge`` (goes up and down), ``counter`` (only grows) or ``histogram``.
        text: a sentence for people about what is measured.
        values: the values by their labels.
    """

    kind: str
    text: str
    values: dict[Labels, float | Histogram] = field(default_factory=dict)


class Measures:
    """Collects metrics. ``all`` has them by name, in the order in which they were added."""

    def __init__(self) -> None:
        self.all: dict[str, Measure] = {}

    def gauge(self, name: str, text: str, value: float, **labels: str) -> None:
        """Add a value that goes up and down."""
        self._add("gauge", name, text, value, labels)

    def counter(self, name: str, text: str, value: float, **labels: str) -> None:
        """Add a value that only grows."""
        self._add("counter", name, text, value, labels)

    def histogram(self, name: str, text: str, value: Histogram, **labels: str) -> None:
        """Add a distribution, such as of durations."""
        self._add("histogram", name, text, value, labels)

    def _add(self, kind: str, name: str, text: str, value: float | Histogram, labels: dict[str, str]) -> None:
        measure = self.all.setdefault(name, Measure(kind, text))
        measure.values[tuple(labels.items())] = value
