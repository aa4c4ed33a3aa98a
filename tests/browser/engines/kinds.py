"""Which engines there are."""

from __future__ import annotations

from tests.browser.engines.base import Engine
from tests.browser.engines.htmlunit import Explorer6, Explorer7, Explorer8, Explorer9, Explorer11, Firefox24
from tests.browser.engines.legacy import Chromium49, Chromium69, WebKitGtk
from tests.browser.engines.modern import ChromiumEngine, FirefoxEngine
from tests.browser.engines.netsurf import NetSurf
from tests.browser.engines.phantom import Phantom19, Phantom21
from tests.browser.engines.qtwebkit import QtWebKit

# Every run of the tests needs these.
REQUIRED: tuple[type[Engine], ...] = (
    ChromiumEngine,
    FirefoxEngine,
    QtWebKit,
    Phantom21,
    Phantom19,
    Explorer6,
    Explorer7,
    Explorer8,
    Explorer9,
    Explorer11,
    Firefox24,
)
# These are run by ``python3 -m tests.browser.engines.optional``.
OPTIONAL: tuple[type[Engine], ...] = (Chromium49, Chromium69, WebKitGtk, NetSurf)
