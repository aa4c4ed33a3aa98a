"""Which Python values can be written as JSON: one rule for messages, results of calls and ``client.data``.

JSON's own types are written as they are: dict, list, str, bool, int, float, None. Other types are converted:

- tuple and set to a list; a dataclass and a ``msgspec.Struct`` to an object; an enum to its value;
- datetime, date, time, UUID, Decimal and a key that is a number to a text; bytes to a text in base64.

All other types are refused. JSON has no NaN and no infinity, and a browser holds integers exactly only up to
2^53 - 1. A number that a page would get changed is refused, and the error names its place in the data.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec

LARGEST = 2**53 - 1
"""The largest integer that JavaScript's numbers hold exactly (ECMA-262, Number.MAX_SAFE_INTEGER)."""
SHOWN = 40
"""How many characters of a number an error repeats."""

_encode = msgspec.json.Encoder().encode


def builtins_of(value: Any) -> Any:
    """Return ``value`` converted to JSON's own types.

    Raises:
        TypeError, ValueError, RecursionError: ``value`` cannot be converted.
    """
    return msgspec.to_builtins(value)


def find_wrong_number(data: Any) -> str | None:
    """Return a phrase about the first number in ``data`` that a page would get changed, or None.

    Args:
        data: something that can be written as JSON.
    """
    return next((f"{place or 'it'} {reason}" for place, reason in _wrong_numbers(data, "")), None)


def explain(data: Any, error: Exception) -> str:
    """Return a phrase that says why ``data`` cannot be written as JSON, and where in it.

    Args:
        data: the data.
        error: the error that the encoder raised for ``data``.
    """
    try:
        place, reason = next(_unsupported(data, ""), ("", str(error)))
    except RecursionError:
        return "it is nested too deeply, or contains itself"
    return f"{place or 'it'}: {reason}"


def _children(value: Any, place: str) -> Iterator[tuple[Any, str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield each, f"{place}.{key}" if place else str(key)
    elif isinstance(value, list | tuple | set | frozenset):
        for index, each in enumerate(value):
            yield each, f"{place}[{index}]"


def _wrong_numbers(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, float) and not math.isfinite(value):
        yield place, f"is {value}, which JSON does not have"
    elif isinstance(value, int) and abs(value) > LARGEST:
        number = str(value)[:SHOWN]
        yield place, f"is {number}, and JavaScript holds integers up to {LARGEST} only: pass it as text"
    elif isinstance(value, dict | list | tuple | set | frozenset):
        for child, where in _children(value, place):
            yield from _wrong_numbers(child, where)
    elif not isinstance(value, int | float):
        yield from _wrong_numbers(builtins_of(value), place)


def _unsupported(value: Any, place: str) -> Iterator[tuple[str, str]]:
    for child, where in _children(value, place):
        yield from _unsupported(child, where)
    if isinstance(value, float) and not math.isfinite(value):
        yield place, f"{value} is no number of JSON"
    try:
        _encode(value)
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
        yield place, str(error)
