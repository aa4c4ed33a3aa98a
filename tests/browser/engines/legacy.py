"""Engines that take more to install; ``python3 -m tests.browser.engines.optional`` runs them."""

from __future__ import annotations

import os
import shutil
import subprocess

from tests.browser.drivers import programs
from tests.browser.engines.prepare import python_packages, require_module
from tests.browser.engines.runner import RUNNERS, RunnerEngine
from tests.browser.engines.screen import Screen
from tests.gate import environment

# Chromium's own does not work for root, which is whom containers run as.
NO_SANDBOX = "QTWEBENGINE_DISABLE_SANDBOX=1"


class ScreenEngine(RunnerEngine):
    """An engine that needs a screen."""

    def __init__(self) -> None:
        self._screen = Screen()
        try:
            super().__init__()
        except BaseException:
            self._screen.close()
            raise

    def close(self) -> None:
        super().close()
        self._screen.close()


class WebKitGtk(ScreenEngine):
    name = "webkitgtk"
    stands_for = "Safari of today"
    source = "apt: gir1.2-webkit2-4.1 python3-gi gir1.2-gtk-3.0 xvfb"

    def _command(self) -> list[str]:
        check = "gi; gi.require_version('WebKit2', '4.1'); from gi.repository import WebKit2"
        python = require_module(check, "gir1.2-webkit2-4.1, python3-gi and gir1.2-gtk-3.0")
        return self._screen.command(python, str(RUNNERS / "webkitgtk.py"))


class Chromium69(RunnerEngine):
    name = "chromium-69"
    stands_for = "Chrome of 2018"
    packages = ("PyQt5==5.12.3", "PyQtWebEngine==5.12.1")
    source = f"PyPI, for Python 3.11: {' '.join(packages)}"

    def _command(self) -> list[str]:
        python = packed_python(self.name, "python3.11", self.packages)
        return ["env", "QT_QPA_PLATFORM=offscreen", NO_SANDBOX, python, str(RUNNERS / "qtwebengine.py")]


class Chromium49(ScreenEngine):
    name = "chromium-49"
    stands_for = "the last Chrome of Windows XP"
    packages = ("pip==21.3.1", "sip==4.19.8", "PyQt5==5.7.1")
    source = f"PyPI, for Python 3.7: {' '.join(packages)}; apt: xvfb"

    def _command(self) -> list[str]:
        python = packed_python(self.name, "python3.7", self.packages)
        return self._screen.command("env", NO_SANDBOX, python, str(RUNNERS / "qtwebengine.py"))


def packed_python(name: str, version: str, packages: tuple[str, ...]) -> str:
    """Return a Python of a version, with packages of PyPI."""
    return programs.provide(lambda: str(python_packages(name, find_python(version), packages)))


def find_python(version: str) -> str:
    """Return the path of a Python: what a variable names, as ``PYTHON3_7``, or a program of that name."""
    variable = version.upper().replace(".", "_")
    path = os.environ.get(variable) or shutil.which(version)
    # A version manager has commands for what it does not have.
    if path is None or subprocess.run([path, "--version"], capture_output=True, check=False).returncode:
        raise environment.MissingProgram(version, f"of that name, or set {variable} to its path")
    return path
