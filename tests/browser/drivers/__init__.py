"""Drivers of real, headless browsers: ``Chromium`` and ``Firefox``, behind one contract in ``base.py``."""

from tests.browser.drivers.base import Browser, DriverError, Page, ScriptError
from tests.browser.drivers.chromium import Chromium
from tests.browser.drivers.firefox import Firefox
from tests.browser.drivers.programs import require

__all__ = ["Browser", "Chromium", "DriverError", "Firefox", "Page", "ScriptError", "require"]
