"""Runs QtWebKit, with the system's Python, which has the bindings."""

from __future__ import annotations

import sys
from typing import Any

from PyQt5.QtCore import QSize, QSocketNotifier, QUrl
from PyQt5.QtGui import QImage, QPainter
from PyQt5.QtNetwork import QNetworkProxy
from PyQt5.QtWebKit import QWebSettings, qWebKitVersion
from PyQt5.QtWebKitWidgets import QWebPage
from PyQt5.QtWidgets import QApplication
from words import answer, answer_value, carry_out

# Its console tells no error from a warning.
UNCAUGHT = "uncaught: "
TELL_UNCAUGHT = f"""window.addEventListener('error', function (event) {{
  if (event.message) {{ console.log('{UNCAUGHT}' + event.message); }}
}}, false);"""


class Page(QWebPage):  # type: ignore[misc]
    """A page that notes its uncaught errors."""

    def __init__(self, before: str) -> None:
        super().__init__()
        self.errors: list[str] = []
        self._before = before
        self.mainFrame().javaScriptWindowObjectCleared.connect(self._prepare)

    def javaScriptConsoleMessage(self, message: str, line: int, source: str) -> None:
        if message.startswith(UNCAUGHT):
            self.errors.append(message[len(UNCAUGHT) :])

    def _prepare(self) -> None:
        self.mainFrame().evaluateJavaScript(TELL_UNCAUGHT)
        self.mainFrame().evaluateJavaScript(self._before)


class Runner:
    """One page at a time."""

    def __init__(self) -> None:
        self._page: Page | None = None
        self._waits = False  # for a page to load
        self._leaves = False

    def open(self, address: str, before: str) -> None:
        self._waits, self._leaves = True, False
        self._page = Page(before)
        self._page.setViewportSize(QSize(1000, 700))
        self._page.loadFinished.connect(self._answer_load)
        self._page.mainFrame().load(QUrl(address))

    def evaluate(self, script: str) -> None:
        answer_value(self._frame.evaluateJavaScript(script))

    def errors(self) -> None:
        answer("value", *(self._page.errors if self._page else []))

    def screenshot(self, path: str) -> None:
        image = QImage(self._frame.page().viewportSize(), QImage.Format_ARGB32)
        painter = QPainter(image)
        self._frame.render(painter)
        painter.end()
        answer("value" if image.save(path) else "failed")

    def leave(self) -> None:
        self._waits = self._leaves = True
        # Told to load another address by its host, a page that goes can send nothing any more.
        self._frame.evaluateJavaScript("location.href = 'about:blank'")

    @property
    def _frame(self) -> Any:
        if self._page is None:
            raise RuntimeError("no page is open")
        return self._page.mainFrame()

    def _answer_load(self, loaded: bool) -> None:
        if self._waits:
            self._waits = False
            # A page that goes may count as one that failed: a frame of it was still loading.
            answer("value") if loaded or self._leaves else answer("failed", "the page was not loaded")


def main() -> None:
    QNetworkProxy.setApplicationProxy(QNetworkProxy(QNetworkProxy.NoProxy))
    application = QApplication(sys.argv)
    # Safari has localStorage, but the library leaves it off. Without a path it is in memory only.
    QWebSettings.globalSettings().setAttribute(QWebSettings.LocalStorageEnabled, True)
    runner = Runner()
    notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Read)
    notifier.activated.connect(lambda *_: carry_out(runner, application.quit))
    answer("ready", qWebKitVersion())
    application.exec_()


if __name__ == "__main__":
    main()
