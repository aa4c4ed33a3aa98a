"""The contract of a browser that tests drive, and what all drivers share."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.browser.drivers.connection import Connection, DriverError, Event
from tests.browser.drivers.programs import Process, require

__all__ = ["Browser", "DriverError", "Page", "ScriptError"]

CENTRE = """(() => {
  const element = document.querySelector(%s);
  if (!element) { return null; }
  element.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
  const box = element.getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height / 2];
})()"""

STILL = 0.05
"""Seconds in which an element must not move before a click."""


class ScriptError(Exception):
    """A script that a test evaluates in a page has thrown."""


class Page(ABC):
    """A page in a window of its own, so that no other page hides it and slows its timers down."""

    def __init__(self) -> None:
        self._errors: list[str] = []

    @abstractmethod
    def open(self, url: str) -> None:
        """Load ``url`` and wait for its load event."""

    @abstractmethod
    def evaluate(self, expression: str) -> Any:
        """Return the JSON value of a JavaScript expression; a promise is awaited.

        Raises:
            ScriptError: the expression has thrown.
        """

    @abstractmethod
    def add_init_script(self, script: str) -> None:
        """Run ``script`` before the scripts of every page that is opened here from now on."""

    @abstractmethod
    def set_viewport(self, width: int, height: int) -> None:
        """Give the page a size in CSS pixels, at one device pixel each."""

    @abstractmethod
    def emulate_dark(self, *, dark: bool = True) -> None:
        """Make the page see a reader who prefers dark (or light) colours."""

    @abstractmethod
    def screenshot(self, path: Path) -> None:
        """Write what is seen of the page as a PNG file."""

    @abstractmethod
    def press(self, key: str, *, shift: bool = False) -> None:
        """Press and release a key: a character, or a name such as Enter, Tab, ArrowDown."""

    @abstractmethod
    def close(self) -> None:
        """Close the page as a user does: it can say that it leaves."""

    @abstractmethod
    def _click_at(self, x: float, y: float) -> None:
        """Press and release the mouse's main button."""

    @property
    def errors(self) -> list[str]:
        """What the page has reported so far: console.error, uncaught errors, failed loads where told."""
        self.evaluate("0")
        return list(self._errors)

    def wait_for(self, expression: str, timeout: float = 60.0) -> Any:
        """Return the value of ``expression`` once it is true; ask again while the page navigates.

        Raises:
            AssertionError: it was not within ``timeout`` seconds; the text has the page's state.
        """
        deadline = time.monotonic() + timeout
        while True:
            value = self._value_or_failure(expression)
            if value and not isinstance(value, Exception):
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {timeout} s: {expression} is {value!r}; {self._state()}")
            time.sleep(0.02)

    def click(self, selector: str) -> None:
        """Click on the middle of the first element that ``selector`` finds."""
        self._click_at(*self._resting_place(selector))

    def click_until(self, selector: str, expression: str) -> None:
        """Click until ``expression`` is true: on a busy machine a link may move under the click."""
        for _ in range(3):
            self.click(selector)
            with suppress(AssertionError):
                self.wait_for(expression, timeout=20)
                return
        raise AssertionError(f"three clicks on {selector} did nothing; {self._state()}")

    def _resting_place(self, selector: str) -> list[float]:
        """Return the middle of an element once it stays where it is: it may move while a page loads."""
        centre, before = self._centre(selector), None
        while centre != before:
            time.sleep(STILL)
            centre, before = self._centre(selector), centre
        return centre

    def _centre(self, selector: str) -> list[float]:
        centre: list[float] | None = self.evaluate(CENTRE % json.dumps(selector))
        if centre is None:
            raise AssertionError(f"nothing to click on: {selector}; {self._state()}")
        return centre

    def type(self, selector: str, text: str) -> None:
        """Click on a field and type ``text`` into it."""
        self.click(selector)
        for character in text:
            self.press(character)

    def _value_or_failure(self, expression: str) -> Any:
        try:
            return self.evaluate(expression)
        except (DriverError, ScriptError) as error:
            return error

    def _state(self) -> str:
        where = self._value_or_failure("[location.href, document.title, document.readyState]")
        return f"page {where!r}, errors {self._errors!r}"


class Browser(ABC):
    """A headless browser in a process of its own; leave it by ``with``, or ``close`` it.

    ``program`` and ``package`` name its command and the Debian package of that.
    """

    name: str
    program: str
    package: str

    def __init__(self) -> None:
        self._path = require(self.program, self.package)
        self._pages: dict[str, Page] = {}
        self._contexts: list[str] = []
        self._shared: str | None = None
        self._process = Process()
        try:
            self._connection = self._launch()
        except BaseException:
            self._process.stop()
            raise

    @property
    def running(self) -> bool:
        return self._process.running

    def new_page(self, *, isolated: bool = False) -> Page:
        """Open a page; an ``isolated`` one shares no cookies and no storage with any other."""
        if isolated:
            return self._new_page(self._add_context())
        if self._shared is None:
            self._shared = self._add_context()
        return self._new_page(self._shared)

    def open(self, url: str, *, isolated: bool = False) -> Page:
        """Open a page and load ``url`` in it."""
        page = self.new_page(isolated=isolated)
        page.open(url)
        return page

    def reset(self) -> None:
        """Close all pages and forget their cookies and storage."""
        for context in self._contexts:
            self._remove_context(context)
        self._contexts.clear()
        self._pages.clear()
        self._shared = None

    def close(self) -> None:
        """End the browser and remove its profile."""
        try:
            self._quit()
        except DriverError:
            pass  # it has gone by itself; the process is reaped below
        finally:
            self._connection.close()
            self._process.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the browser's own protocol and return its result."""
        return self._connection.call(method, parameters)

    def _connect(self, url: str) -> Connection:
        return Connection(url, self._on_event)

    def _port_file(self, name: str) -> str:
        text = self._process.wait_for_file(name)
        if text is None:
            raise DriverError(f"{self.program} did not start: {self._process.log}")
        return text

    def _add_context(self) -> str:
        self._contexts.append(self._new_context())
        return self._contexts[-1]

    @abstractmethod
    def _launch(self) -> Connection:
        """Start the process and connect to it."""

    @abstractmethod
    def _quit(self) -> None:
        """Ask the browser to end."""

    @abstractmethod
    def _new_context(self) -> str: ...

    @abstractmethod
    def _remove_context(self, context: str) -> None: ...

    @abstractmethod
    def _new_page(self, context: str) -> Page: ...

    @abstractmethod
    def _on_event(self, event: Event) -> None: ...
