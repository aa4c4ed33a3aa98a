"""QtWebKit, the last WebKit before the engines of today."""

from __future__ import annotations

from tests.browser.engines.prepare import require_module
from tests.browser.engines.runner import RUNNERS, RunnerEngine


class QtWebKit(RunnerEngine):
    name = "qtwebkit-602"
    stands_for = "Safari 10, iOS 10"
    source = "apt: python3-pyqt5.qtwebkit"

    def _command(self) -> list[str]:
        python = require_module("PyQt5.QtWebKitWidgets", "python3-pyqt5.qtwebkit")
        return ["env", "QT_QPA_PLATFORM=offscreen", python, str(RUNNERS / "qtwebkit.py")]
