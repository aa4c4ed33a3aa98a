"""Checks the arguments that a page passes to a method against the method's annotations.

When the class of an application is made, each of its methods gets one ``msgspec.Struct``. The fields of the
struct are the method's parameters after ``self`` and ``client``, so msgspec checks a whole message in one
call, in C.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, get_type_hints

import msgspec

from thywill.core.text import counted
from thywill.errors import RpcError

OWN_PARAMETERS = 2
"""The number of parameters that the page does not pass: ``self`` and ``client``."""
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
ERROR_PATH = re.compile(r"^(?P<what>.*) - at `\$(?P<path>.*)`$", re.DOTALL)


class Arguments:
    """The parameters of one method for which a page passes arguments.

    Args:
        method: the method.
        place: the method's name in errors for the author, such as ``Board.stroke``.
        names: the names, beside the globals of its module, that its annotations may use.
        type: the ``type`` of the messages that it handles; None if it is called with a list of arguments.

    Raises:
        TypeError: the signature cannot be checked; the text says why.
    """

    def __init__(
        self,
        method: Callable[..., Any],
        place: str,
        names: Mapping[str, Any],
        type: str | None = None,  # noqa: A002 - as in the decorator
    ) -> None:
        parameters = _parameters(method, place)
        self._names = [each.name for each in parameters]
        self._needed = sum(each.default is inspect.Parameter.empty for each in parameters)
        self._is_call = type is None
        self._label = method.__name__ if type is None else type
        if type is not None and "type" in self._names:
            raise TypeError(f"{place}: 'type' is the type of the message and cannot be an argument, too")
        hints = _hints(method, parameters, place, names)
        self._struct = _struct(place, [_field(each, hints) for each in parameters], type)

    def read(self, data: Any) -> tuple[Any, ...]:
        """Return the arguments in ``data``.

        Args:
            data: a list of arguments for a call; otherwise the message with its ``type``.

        Raises:
            RpcError: they do not fit; the code is ``malformed``, and the text names the argument.
        """
        if self._is_call:
            self._check_count(len(data))
        try:
            return msgspec.structs.astuple(msgspec.convert(data, self._struct))
        except msgspec.ValidationError as error:
            raise self._refusal(self._explain(str(error))) from None
        except RecursionError:
            raise self._refusal("the JSON is nested too deeply") from None

    def _check_count(self, number: int) -> None:
        if number < self._needed:
            raise self._refusal(f"the argument {self._names[number]!r} is missing")
        if number > len(self._names):
            wanted = ", ".join(self._names) or "none"
            raise self._refusal(
                f"{counted(number, 'argument')}, but it takes {len(self._names)} at most ({wanted})"
            )

    def _refusal(self, reason: str) -> RpcError:
        return malformed(f"{self._label}: {reason}")

    def _explain(self, text: str) -> str:
        found = ERROR_PATH.match(text)
        if found is None:
            return text
        path = found["path"]
        if self._is_call and (index := re.match(r"\[(\d+)\]", path)):
            path = f"{self._names[int(index[1])]}{path[index.end() :]}"
        return f"{path.removeprefix('.')}: {found['what']}"


def malformed(reason: str) -> RpcError:
    """Return the error for a page whose message or call does not fit; ``reason`` says why."""
    return RpcError("malformed", reason)


def has_annotations(method: Callable[..., Any]) -> bool:
    """Return whether the arguments that a page passes to ``method`` can be checked against annotations.

    They cannot if the method has no annotations, or takes ``*arguments``.
    """
    parameters = list(inspect.signature(method).parameters.values())[OWN_PARAMETERS:]
    return all(each.kind in POSITIONAL for each in parameters) and any(
        each.annotation is not inspect.Parameter.empty for each in parameters
    )


def _parameters(method: Callable[..., Any], place: str) -> Sequence[inspect.Parameter]:
    parameters = list(inspect.signature(method).parameters.values())
    if len(parameters) < OWN_PARAMETERS or any(each.kind not in POSITIONAL for each in parameters):
        raise TypeError(f"{place} must take (self, client, …), without * and **")
    return parameters[OWN_PARAMETERS:]


def _hints(
    method: Callable[..., Any],
    parameters: Sequence[inspect.Parameter],
    place: str,
    names: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the annotations of ``parameters``. Others may need imports that only type checkers make."""
    inner = inspect.unwrap(method)
    written = {
        each.name: each.annotation for each in parameters if each.annotation is not inspect.Parameter.empty
    }
    globals_ = vars(sys.modules[inner.__module__])
    try:
        return get_type_hints(
            SimpleNamespace(__annotations__=written), globals_, dict(names), include_extras=True
        )
    except Exception as error:
        reason = f"an annotation cannot be read when the class is made: {error}"
        raise TypeError(f"{place}: {reason}") from error


def _field(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> tuple[Any, ...]:
    kind = hints.get(parameter.name, Any)
    if parameter.default is inspect.Parameter.empty:
        return parameter.name, kind
    return parameter.name, kind, msgspec.field(default_factory=lambda: parameter.default)


def _struct(place: str, fields: Sequence[tuple[Any, ...]], tag: str | None) -> type[msgspec.Struct]:
    tagged: dict[str, Any] = {} if tag is None else {"tag": tag, "tag_field": "type"}
    try:
        struct = msgspec.defstruct(
            "Arguments", fields, array_like=tag is None, forbid_unknown_fields=True, **tagged
        )
        msgspec.json.Decoder(struct)  # checks the annotations
    except (TypeError, ValueError, NotImplementedError) as error:
        raise TypeError(f"{place}: its annotations cannot be checked: {error}") from error
    return struct
