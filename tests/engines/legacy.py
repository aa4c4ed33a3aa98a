"""Engines that take more to install, for the tests before a release; see optional.py."""

from __future__ import annotations

import os
import shutil
from typing import ClassVar

from tests.browsers import programs
from tests.engines.prepare import python_packages, require_module
from tests.engines.runner import RUNNERS, RunnerEngine
from tests.gate import environment

XVFB = ("xvfb-run", "--auto-servernum", "--server-args=-screen 0 1100x800x24")


def with_screen(*command: str) -> list[str]:
    """Return a command that runs ``command`` with a screen of its own, which nobody sees."""
    programs.require("xvfb-run", "xvfb")
    programs.require("xauth", "xauth")
    return [*XVFB, *command]


class WebKitGtk(RunnerEngine):
    name = "webkitgtk"
    stands_for = "Safari of today"
    source = "apt: gir1.2-webkit2-4.1 python3-gi gir1.2-gtk-3.0 xvfb xauth"

    def _command(self) -> list[str]:
        check = "gi; gi.require_version('WebKit2', '4.1'); from gi.repository import WebKit2"
        python = require_module(check, "gir1.2-webkit2-4.1, python3-gi and gir1.2-gtk-3.0")
        return with_screen(python, str(RUNNERS / "webkitgtk.py"))


class QtWebEngine(RunnerEngine):
    """A Chromium in PyQt5: ``packages`` of PyPI, with their versions, for the Python ``python``."""

    python: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]

    def _python(self) -> str:
        return str(programs.provide(lambda: python_packages(self.name, find_python(self.python), self.packages)))


class Chromium69(QtWebEngine):
    name = "chromium-69"
    stands_for = "Chrome of 2018"
    python = "python3.11"
    packages = ("PyQt5==5.12.3", "PyQtWebEngine==5.12.1")
    source = f"PyPI, for Python 3.11: {' '.join(packages)}"

    def _command(self) -> list[str]:
        loose = ["QT_QPA_PLATFORM=offscreen", "QTWEBENGINE_DISABLE_SANDBOX=1"]
        return ["env", *loose, self._python(), str(RUNNERS / "qtwebengine.py")]


class Chromium49(QtWebEngine):
    name = "chromium-49"
    stands_for = "the last Chrome of Windows XP"
    python = "python3.7"
    packages = ("pip==21.3.1", "sip==4.19.8", "PyQt5==5.7.1")
    source = f"PyPI, for Python 3.7: {' '.join(packages)}; apt: xvfb xauth"

    def _command(self) -> list[str]:
        return with_screen("env", "QTWEBENGINE_DISABLE_SANDBOX=1", self._python(), str(RUNNERS / "qtwebengine.py"))


def find_python(version: str) -> str:
    """Return the path of a Python: what the environment names, as ``PYTHON3_7``, or a program of that name."""
    named = os.environ.get(version.upper().replace(".", "_"))
    path = named or shutil.which(version)
    if path is None:
        raise environment.MissingProgram(version, f"of this name, or set {version.upper().replace('.', '_')}")
    return path
