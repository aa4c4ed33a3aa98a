"""Finds the methods of an application that are marked by ``@on``, ``@rpc`` and ``@every``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from thywill.errors import RpcError
from thywill.handlers.arguments import Arguments, has_annotations, malformed
from thywill.handlers.declare import MARK, EveryMark, OnMark, RpcMark

NAME_SHOWN = 100
"""How many characters of an unknown name, which may be a text of any length, an error repeats."""


@dataclass(frozen=True, slots=True)
class RpcMethod:
    """A method with ``@rpc``.

    Args:
        method: the function.
        concurrent: whether it runs beside the other hooks of its client.
        arguments: checks its arguments; None if it has no annotations.
    """

    method: Callable[..., Any]
    concurrent: bool
    arguments: Arguments | None

    def read(self, data: list[Any]) -> tuple[Any, ...]:
        """Return the arguments that a page has passed in the list ``data``.

        Raises:
            RpcError: the arguments do not fit; the code is ``malformed``.
        """
        if self.arguments is not None:
            return self.arguments.read(data)
        try:
            inspect.signature(self.method).bind(None, None, *data)
        except TypeError as error:
            raise malformed(f"{self.method.__name__}: {error}") from None
        return tuple(data)


@dataclass(frozen=True, slots=True)
class OnMethod:
    """A method with ``@on``.

    Args:
        name: the name of the method.
        method: the function.
        arguments: checks its arguments.
    """

    name: str
    method: Callable[..., Any]
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class Handlers:
    """The marked methods of one class.

    Args:
        calls: methods with ``@rpc``, by name.
        messages: methods with ``@on``, by the type of the messages.
        tickers: for methods with ``@every``, the seconds between two calls, by name.
        strict: whether a message without a handler is refused, since there is no ``on_message``.
    """

    calls: Mapping[str, RpcMethod] = field(default_factory=dict)
    messages: Mapping[str, OnMethod] = field(default_factory=dict)
    tickers: Mapping[str, float] = field(default_factory=dict)
    strict: bool = False

    def call(self, name: str) -> RpcMethod:
        """Return the method that a page calls.

        Raises:
            RpcError: there is no such method; the code is ``not_found``.
        """
        call = self.calls.get(name)
        if call is None:
            raise RpcError("not_found", f"there is no method {name[:NAME_SHOWN]!r} to call")
        return call

    def message(self, data: Any) -> OnMethod | None:
        """Return the handler of the message ``data``; None if the message is for ``on_message``.

        Raises:
            RpcError: the message has no handler, and there is no ``on_message``; the code is ``malformed``.
        """
        kind = data.get("type") if isinstance(data, dict) else None
        handler = self.messages.get(kind) if isinstance(kind, str) else None
        if handler is None and self.strict:
            known = ", ".join(self.messages)
            wrong = f"; this is {kind[:NAME_SHOWN]!r}" if isinstance(kind, str) else ""
            raise malformed(f"the type of a message must be one of: {known}{wrong}")
        return handler


def collect(kind: type, *, has_on_message: bool) -> Handlers:
    """Return the marked methods of a class and of its bases.

    Args:
        kind: the class of an application.
        has_on_message: whether it overrides ``on_message``, which gets messages without a handler.

    Raises:
        TypeError: a method is not ``async def``, two methods handle one type, or an annotation is wrong.
    """
    calls: dict[str, RpcMethod] = {}
    messages: dict[str, OnMethod] = {}
    tickers: dict[str, float] = {}
    names = {name: value for name, value in vars(kind).items() if not inspect.isfunction(value)}
    for name, method, mark in _marked(kind):
        place = f"{kind.__name__}.{name}"
        if isinstance(mark, RpcMark):
            calls[name] = _call(method, mark, place, names)
        elif isinstance(mark, OnMark):
            if mark.type in messages:
                other = messages[mark.type].name
                raise TypeError(f'{place}: {kind.__name__}.{other} has @on("{mark.type}") already')
            messages[mark.type] = OnMethod(name, method, Arguments(method, place, names, mark.type))
        elif isinstance(mark, EveryMark):
            _check_ticker(method, place)
            tickers[name] = mark.seconds
    return Handlers(calls, messages, tickers, strict=bool(messages) and not has_on_message)


def _marked(kind: type) -> Iterator[tuple[str, Callable[..., Any], Any]]:
    names = dict.fromkeys(name for base in reversed(kind.__mro__) for name in vars(base))
    for name in names:
        # Read without getattr, so that no property runs.
        method = inspect.getattr_static(kind, name)
        mark = getattr(method, MARK, None) if callable(method) else None
        if mark is None:
            continue
        word = {OnMark: "@on", RpcMark: "@rpc", EveryMark: "@every"}[type(mark)]
        # A decorator may wrap the method in a plain function that returns the coroutine.
        if not inspect.iscoroutinefunction(inspect.unwrap(method)):
            raise TypeError(f"{kind.__name__}.{name} has {word}, so it must be an async def")
        yield name, method, mark


def _call(method: Callable[..., Any], mark: RpcMark, place: str, names: Mapping[str, Any]) -> RpcMethod:
    arguments = Arguments(method, place, names) if has_annotations(method) else None
    return RpcMethod(method, mark.concurrent, arguments)


def _check_ticker(method: Callable[..., Any], place: str) -> None:
    try:
        inspect.signature(method).bind(None)
    except TypeError:
        raise TypeError(f"{place} has @every, so it must take (self)") from None
