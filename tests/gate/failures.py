"""A pytest plugin that prints each failed test when it fails.

Pytest explains failures at the end of a run. One that is cut before its end has named those until then.
"""

from __future__ import annotations

import pytest

LINES = 6
"""How many lines of an error are printed at once. Pytest prints all of it at the end."""


class Failures:
    """Prints the name of each test that fails, and a few lines of its error."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._print(report, "" if report.when == "call" else f" ({report.when})")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._print(report, " (collection)")

    def _print(self, report: pytest.TestReport | pytest.CollectReport, part: str) -> None:
        # With -n, processes without a terminal run the tests, and send their reports to the one that has one.
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and terminal is not None:
            terminal.write_line("")
            terminal.write_line(f"FAILED {report.nodeid}{part}", red=True)
            for line in error_of(report):
                terminal.write_line(f"    {line}")


def error_of(report: pytest.TestReport | pytest.CollectReport) -> list[str]:
    """Return a few lines that say where a test failed, and why."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return f"{crash.path}:{crash.lineno}: {crash.message}".splitlines()[:LINES]
    return str(report.longrepr).splitlines()[-LINES:]
