"""The decorators ``@on``, ``@rpc`` and ``@every``. They mark a method; ``collect`` finds marked methods."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, overload

Method = TypeVar("Method", bound=Callable[..., Any])

MARK = "__thywill_mark__"
"""The attribute of a method that holds its mark."""


class OnMark(NamedTuple):
    """The method handles messages of this type."""

    type: str


class RpcMark(NamedTuple):
    """Pages call the method. With ``concurrent`` it runs beside the other hooks of its client."""

    concurrent: bool


class EveryMark(NamedTuple):
    """The method runs every so many seconds."""

    seconds: float


def on(type: str) -> Callable[[Method], Method]:  # noqa: A002 - the word of the field in the message
    """Let this method handle the messages ``{"type": type, …}`` of a page.

    The other fields of the message are the method's arguments, and are checked against its annotations. If a
    message does not fit, the page gets an ``error`` event with the code ``malformed``. For example:

        @on("stroke")
        async def stroke(self, client, points: list[tuple[float, float]], colour: str = "black"): ...

    Args:
        type: the ``type`` of the messages.

    Raises:
        TypeError: ``type`` is no text.
    """
    if not isinstance(type, str):
        raise TypeError('@on takes the type of the messages: write @on("stroke")')
    return _marking(OnMark(type))


@overload
def rpc(method: Method, /) -> Method: ...


@overload
def rpc(*, concurrent: bool = False) -> Callable[[Method], Method]: ...


def rpc(method: Method | None = None, /, *, concurrent: bool = False) -> Method | Callable[[Method], Method]:
    """Let pages call this method of an application with ``client.call``.

    The method is ``async def method(self, client, *arguments)``. Arguments with annotations are checked; a
    call that does not fit is answered with the error ``malformed``. What the method returns has to be JSON
    and is the result of the call. To answer with an error instead, the method raises ``RpcError``.

    Args:
        concurrent: whether the client's next hooks may run before this method has ended.
    """
    mark = _marking(RpcMark(concurrent))
    return mark if method is None else mark(method)


def every(seconds: float) -> Callable[[Method], Method]:
    """Call this method, ``async def method(self)``, every ``seconds`` while the server runs.

    The first call comes ``seconds`` after ``on_start``; the last one ends before ``on_stop``. Calls never
    overlap: if a call takes longer than ``seconds``, the calls that were due meanwhile are left out. An
    exception is logged, and the method is called again all the same.

    Args:
        seconds: the time from one call to the next; more than 0.

    Raises:
        ValueError: ``seconds`` is not a number above 0.
    """
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not number or not math.isfinite(seconds) or seconds <= 0:
        raise ValueError(f"@every({seconds!r}): pass a number of seconds that is more than 0")
    return _marking(EveryMark(seconds))


def _marking(mark: NamedTuple) -> Callable[[Method], Method]:
    def decorate(method: Method) -> Method:
        setattr(method, MARK, mark)
        return method

    return decorate
