"""The engines that the browser client is tested in, old and new, behind one contract in ``base.py``."""

from tests.engines.base import TRANSPORTS, Engine
from tests.engines.htmlunit import Explorer6, Explorer7, Explorer8, Explorer9, Explorer11, Firefox24
from tests.engines.modern import ChromiumEngine, FirefoxEngine
from tests.engines.phantom import Phantom19, Phantom21
from tests.engines.qtwebkit import QtWebKit

__all__ = ["REQUIRED", "TRANSPORTS", "Engine"]

# What every run of the tests in CI needs; optional.py has more.
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
