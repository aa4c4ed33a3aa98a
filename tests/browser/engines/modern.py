"""The browsers of today as engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from tests.browser.drivers import Browser, Chromium, DriverError, Firefox, Page
from tests.browser.engines.base import Engine

# They call it an error when a request fails: Chromium any, Firefox one of another origin.
NETWORK = ("Failed to load resource", "Cross-Origin Request Blocked")


class ModernEngine(Engine):
    """A browser that ``tests.browser.drivers`` drives."""

    kind: ClassVar[type[Browser]]

    def __init__(self) -> None:
        self._browser = self.kind()
        self._page: Page | None = None

    @property
    def running(self) -> bool:
        return self._browser.running

    @property
    def errors(self) -> list[str]:
        errors = self._page.errors if self._page else []
        return [error for error in errors if not error.startswith(NETWORK)]

    def open(self, url: str, before: str = "") -> None:
        self._browser.reset()
        self._page = self._browser.new_page(isolated=True)
        if before:
            self._page.add_init_script(before)
        self._page.open(url)

    def evaluate(self, expression: str) -> Any:
        return self._shown.evaluate(expression)

    def screenshot(self, path: Path) -> None:
        self._shown.set_viewport(1000, 700)
        self._shown.screenshot(path)

    def leave(self) -> None:
        self._shown.close()
        self._page = None

    def close(self) -> None:
        self._browser.close()

    @property
    def _shown(self) -> Page:
        if self._page is None:
            raise DriverError("no page is open")
        return self._page


class ChromiumEngine(ModernEngine):
    name = "chromium"
    stands_for = "Chrome, Edge, Opera of today"
    source = "apt: chromium"
    kind = Chromium


class FirefoxEngine(ModernEngine):
    name = "firefox"
    stands_for = "Firefox of today"
    source = "apt: firefox-esr"
    kind = Firefox
