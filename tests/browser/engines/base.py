"""The contract of an engine that the browser client is tested in, and what all engines share."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Set
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from tests.browser.drivers import DriverError, ScriptError

# Seconds that a test waits for a page. HtmlUnit stops a window while a script is on its way, so that a page
# that has lost a request by JSONP may wait for several polls, each held for 25 s, before it tries again.
PATIENCE = 120.0
# How messages come to a page, from its own server.
TRANSPORTS = ("longpoll", "jsonp", "xhr-streaming", "eventsource", "htmlfile")
# Reasons that several engines have.
NO_EVENT_SOURCE = "it has no EventSource"
NO_CORS = "it has no CORS"
WHOLE_ANSWERS = "it has whole answers only"


class Engine(ABC):
    """An engine in a process of its own, which shows one page; leave it by ``with``, or ``close`` it.

    name: what tests call it.
    stands_for: the browsers that have or had this engine.
    source: where it comes from.
    cannot: the transports that it can't do, each with the reason.
    cannot_elsewhere: those that it can't do only to another origin.
    paints: whether there is anything to see.
    tells_leaving: whether a page can say that it leaves.
    tells_leaving_elsewhere: whether it can say so to a server of another origin.
    leaves_in_silence: the transports of the chat by which its page can't say that it leaves.
    no_chat: why the chat can't be tried, if it can't.
    """

    name: ClassVar[str]
    stands_for: ClassVar[str]
    source: ClassVar[str]
    cannot: ClassVar[Mapping[str, str]] = {}
    cannot_elsewhere: ClassVar[Mapping[str, str]] = {}
    paints: ClassVar[bool] = True
    tells_leaving: ClassVar[bool] = True
    tells_leaving_elsewhere: ClassVar[bool] = True
    leaves_in_silence: ClassVar[Set[str]] = frozenset()
    no_chat: ClassVar[str] = ""

    @classmethod
    def can(cls, transport: str) -> bool:
        return transport not in cls.cannot

    @property
    @abstractmethod
    def running(self) -> bool:
        """Whether the process is there."""

    @property
    @abstractmethod
    def errors(self) -> list[str]:
        """The uncaught errors of the page's scripts so far."""

    @abstractmethod
    def open(self, url: str, before: str = "") -> None:
        """Load ``url`` into a new page without cookies, and wait for that.

        Args:
            url: the address.
            before: a script that runs before those of the page.

        Raises:
            DriverError: the page did not load.
        """

    @abstractmethod
    def evaluate(self, expression: str) -> Any:
        """Return the JSON value of an expression in the JavaScript of the oldest engines.

        Raises:
            ScriptError: the expression has thrown.
            DriverError: it could not be read, or the engine is gone.
        """

    @abstractmethod
    def screenshot(self, path: Path) -> None:
        """Write what is seen of the page as a PNG file; only where the engine ``paints``."""

    @abstractmethod
    def leave(self) -> None:
        """Leave the page as a user does who closes it: it can say so to its server."""

    @abstractmethod
    def close(self) -> None:
        """End the process."""

    def wait_for(self, expression: str, timeout: float = PATIENCE) -> Any:
        """Return the value of ``expression`` once it is true.

        Raises:
            AssertionError: it was not within ``timeout`` seconds; the text has the page's errors.
        """
        deadline = time.monotonic() + timeout
        while True:
            value = self._value_or_failure(expression)
            if value and not isinstance(value, Exception):
                return value
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"{self.name}: not within {timeout} s: {expression} is {value!r}; errors {self.errors!r}"
                )
            time.sleep(0.02)

    def is_stuck(self) -> bool:
        """Return whether the page's timers have stopped, so that nothing can ever be tried again there."""
        with suppress(DriverError, ScriptError, AssertionError):
            self.evaluate("(setTimeout(function () { window.alive = true; }, 1), window.alive = false)")
            self.wait_for("window.alive", timeout=15)
            return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _value_or_failure(self, expression: str) -> Any:
        try:
            return self.evaluate(expression)
        except (DriverError, ScriptError) as error:
            if not self.running:
                raise
            return error
