"""PhantomJS: WebKit as it was in 2013 and in 2011."""

from __future__ import annotations

from typing import ClassVar

from tests.browser.drivers import DriverError
from tests.browser.engines.prepare import NODE_PACKAGES, node_file
from tests.browser.engines.runner import RUNNERS, HttpRunner, RunnerEngine


class Phantom(RunnerEngine):
    kind = HttpRunner
    leaves_in_silence = frozenset({"jsonp"})  # by a picture, which now and then it does not ask for
    package: ClassVar[str]

    def _command(self) -> list[str]:
        program = node_file(self.package, "bin/linux/x64/phantomjs")
        # 1.9 crashes where SSL_CERT_DIR is set; 2.1 does not start with the configuration of a newer OpenSSL.
        clean = ["env", "-u", "SSL_CERT_DIR", "OPENSSL_CONF=/dev/null"]
        return [*clean, str(program), "--proxy-type=none", str(RUNNERS / "phantom.js")]


class Phantom21(Phantom):
    name = "phantomjs-2.1.1"
    stands_for = "Safari 6 and 7, Android 4.4"
    package = "phantomjs-2.1.1"
    source = f"npm: {NODE_PACKAGES[package]}"


class Phantom19(Phantom):
    name = "phantomjs-1.9.8"
    stands_for = "Safari 5.1, iOS 5, Android 4.0"
    package = "phantomjs-1.9.8"
    cannot_elsewhere = {"eventsource": "its EventSource throws there"}
    source = f"npm: {NODE_PACKAGES[package]}"

    def open(self, url: str, before: str = "") -> None:
        # Now and then it crashes while it leaves a page ("pure virtual method called").
        try:
            super().open(url, before)
        except DriverError:
            self.close()
            self._start()
            super().open(url, before)

    def leave(self) -> None:
        # So it does with one that has an EventSource: one time in twenty, or in three after another stream.
        try:
            super().leave()
        except DriverError:
            if self.running:
                raise
