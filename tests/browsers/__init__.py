"""Drivers of real, headless browsers: ``Chromium`` and ``Firefox``, behind one contract in ``base.py``."""

from tests.browsers.base import Browser, DriverError, Page, ScriptError
from tests.browsers.chromium import Chromium
from tests.browsers.firefox import Firefox
from tests.browsers.programs import require

__all__ = ["Browser", "Chromium", "DriverError", "Firefox", "Page", "ScriptError", "require"]
