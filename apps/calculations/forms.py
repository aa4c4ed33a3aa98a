"""Describes methods with ``@rpc`` by their annotations, so that the page can make a form for each.

    up_to: Annotated[int, Meta(ge=2, title="Up to")] = 100

becomes ``{"name": "up_to", "label": "Up to", "kind": "number", "whole": True, "min": 2, "default": 100}``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from msgspec import Meta

OWN = 3
"""``self``, ``client`` and ``job``, which are no fields of the form."""
BOUNDS = {"ge": "min", "le": "max", "max_length": "length"}

Field = dict[str, Any]


def describe(method: Callable[..., Any]) -> dict[str, Any]:
    """Return the description of a method for the page: its name, its title, its text and its fields.

    Raises:
        TypeError: a parameter has a type that no form has a field for.
    """
    hints = get_type_hints(method, include_extras=True)
    parameters = list(inspect.signature(method).parameters.values())[OWN:]
    title, _, text = inspect.getdoc(method).partition("\n\n")  # type: ignore[union-attr]
    fields = [_field(each, hints[each.name]) for each in parameters]
    return {
        "name": method.__name__,
        "title": title.rstrip("."),
        "text": " ".join(text.split()),
        "fields": fields,
    }


def _field(parameter: inspect.Parameter, hint: Any) -> Field:
    kind, *notes = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    field: Field = {"name": parameter.name, "label": parameter.name.replace("_", " ").capitalize()}
    field |= _kind(parameter.name, kind)
    for note in notes:
        if isinstance(note, Meta):
            field |= dict(_noted(note))
    if parameter.default is not inspect.Parameter.empty:
        field["default"] = parameter.default
    return field


def _kind(name: str, kind: Any) -> Field:
    if get_origin(kind) is Literal:
        return {"kind": "choice", "choices": list(get_args(kind))}
    kinds: dict[Any, Field] = {
        int: {"kind": "number", "whole": True},
        float: {"kind": "number", "whole": False},
        bool: {"kind": "flag"},
        str: {"kind": "text"},
    }
    if kind not in kinds:
        raise TypeError(f"{name}: there is no field for {kind!r}")
    return kinds[kind]


def _noted(note: Meta) -> Iterator[tuple[str, Any]]:
    for bound, name in BOUNDS.items():
        value = getattr(note, bound)
        if value is not None:
            yield name, value
    if note.title is not None:
        yield "label", note.title
