"""Runs QtWebEngine, which is a Chromium; Python 3.7 has to read this."""

from __future__ import annotations

import sys
from typing import Any

from PyQt5.QtCore import QSocketNotifier, QTimer, QUrl
from PyQt5.QtNetwork import QNetworkProxy
from PyQt5.QtWebEngineWidgets import QWebEnginePage, QWebEngineProfile, QWebEngineScript, QWebEngineView
from PyQt5.QtWidgets import QApplication
from words import answer, answer_value, carry_out

PAINTING = 300  # milliseconds from the load to a picture
NETWORK = "Failed to load resource"


class Page(QWebEnginePage):  # type: ignore[misc]
    """A page that notes its uncaught errors."""

    def __init__(self, profile: QWebEngineProfile, before: str) -> None:
        super().__init__(profile, None)
        self.errors: list[str] = []
        if before:
            self._run_first(before)

    def javaScriptConsoleMessage(self, level: int, message: str, line: int, source: str) -> None:
        if level == QWebEnginePage.ErrorMessageLevel and not message.startswith(NETWORK):
            self.errors.append(message)

    def _run_first(self, source: str) -> None:
        script = QWebEngineScript()
        script.setSourceCode(source)
        script.setInjectionPoint(QWebEngineScript.DocumentCreation)
        script.setWorldId(QWebEngineScript.MainWorld)
        self.scripts().insert(script)


class Runner:
    """One page at a time."""

    def __init__(self) -> None:
        self._view = QWebEngineView()
        self._view.resize(1000, 700)
        self._view.show()
        self._profile: Any = None
        self._page: Any = None
        self._waits = False  # for a page to load

    def open(self, address: str, before: str) -> None:
        self._waits = True
        page, profile = self._page, self._profile
        self._profile = QWebEngineProfile()
        self._page = Page(self._profile, before)
        self._page.loadFinished.connect(self._answer_load)
        self._view.setPage(self._page)
        self._page.load(QUrl(address))
        del page, profile  # in this order

    def evaluate(self, script: str) -> None:
        self._page.runJavaScript(script, answer_value)

    def errors(self) -> None:
        answer("value", *(self._page.errors if self._page else []))

    def screenshot(self, path: str) -> None:
        QTimer.singleShot(PAINTING, lambda: answer("value" if self._view.grab().save(path) else "failed"))

    def leave(self) -> None:
        self._waits = True
        self._page.load(QUrl("about:blank"))

    def _answer_load(self, loaded: bool) -> None:
        if self._waits:
            self._waits = False
            answer("value") if loaded else answer("failed", "the page was not loaded")


def main() -> None:
    QNetworkProxy.setApplicationProxy(QNetworkProxy(QNetworkProxy.NoProxy))
    application = QApplication(sys.argv)
    runner = Runner()
    notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Read)
    notifier.activated.connect(lambda *_: carry_out(runner, application.quit))
    answer("ready")
    application.exec_()


if __name__ == "__main__":
    main()
