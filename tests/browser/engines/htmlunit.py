"""HtmlUnit: Internet Explorer and an old Firefox, emulated in Java. It paints nothing."""

from __future__ import annotations

from typing import ClassVar

from tests.browser.drivers import require
from tests.browser.engines.base import NO_CORS, NO_EVENT_SOURCE, WHOLE_ANSWERS
from tests.browser.engines.prepare import NODE_PACKAGES, java_classes, node_file
from tests.browser.engines.runner import RUNNERS, RunnerEngine

OLD_EXPLORER = (RUNNERS / "old_explorer.js").read_text(encoding="utf-8")
# It starts in half the time, and has one window only.
JAVA_FLAGS = ("-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
WITHOUT_CORS = {"longpoll": NO_CORS}


class HtmlUnit(RunnerEngine):
    """An emulated browser.

    version: its name in HtmlUnit.
    explorer: its number, if it is an Internet Explorer.
    """

    cannot = {
        "xhr-streaming": WHOLE_ANSWERS,
        "eventsource": NO_EVENT_SOURCE,
        "htmlfile": WHOLE_ANSWERS,
    }
    paints = False
    leaves_in_silence = frozenset({"jsonp"})  # by a picture: it loads none
    package: ClassVar[str]
    version: ClassVar[str]
    explorer: ClassVar[int] = 0

    def open(self, url: str, before: str = "") -> None:
        if self.explorer:
            before = OLD_EXPLORER.replace("VERSION", str(self.explorer)) + before
        super().open(url, before)

    def _command(self) -> list[str]:
        java = require("java", "default-jre-headless")
        library = node_file(self.package, "lib/runner/*.jar")
        classes = java_classes(RUNNERS / "htmlunit", library)
        return [java, *JAVA_FLAGS, "-cp", f"{classes}:{library}", "Runner", self.version]


class HtmlUnit212(HtmlUnit):
    package = "htmlunit-2.12"
    source = f"npm: {NODE_PACKAGES[package]}"


class HtmlUnit215(HtmlUnit):
    package = "htmlunit-2.15"
    source = f"npm: {NODE_PACKAGES[package]}"


class Explorer6(HtmlUnit212):
    name = "htmlunit-ie6"
    stands_for = "Internet Explorer 6"
    version = "INTERNET_EXPLORER_6"
    explorer = 6
    cannot_elsewhere = WITHOUT_CORS


class Explorer7(HtmlUnit212):
    name = "htmlunit-ie7"
    stands_for = "Internet Explorer 7"
    version = "INTERNET_EXPLORER_7"
    explorer = 7
    cannot_elsewhere = WITHOUT_CORS


class Explorer8(HtmlUnit215):
    name = "htmlunit-ie8"
    stands_for = "Internet Explorer 8"
    version = "INTERNET_EXPLORER_8"
    explorer = 8
    cannot_elsewhere = WITHOUT_CORS


class Explorer9(HtmlUnit215):
    name = "htmlunit-ie9"
    stands_for = "Internet Explorer 9"
    version = "INTERNET_EXPLORER_9"
    explorer = 9
    cannot_elsewhere = WITHOUT_CORS


class Explorer11(HtmlUnit215):
    name = "htmlunit-ie11"
    stands_for = "Internet Explorer 11"
    version = "INTERNET_EXPLORER_11"
    explorer = 11


class Firefox24(HtmlUnit215):
    name = "htmlunit-ff24"
    stands_for = "Firefox 24"
    version = "FIREFOX_24"
    tells_leaving_elsewhere = False  # its request that blocks asks for leave first, and is not sent
