"""A failed test is named when it fails, not only at the end of the run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.gate.environment import PYTHON, ROOT

FAILING = """
import pytest

@pytest.fixture
def broken():
    raise OSError("no place")

def test_wrong():
    assert [1] == [2], "first\\nsecond"

def test_without_its_fixture(broken):
    pass

def test_right():
    pass
"""
PLUGIN = """
from tests.gate.failures import Failures

def pytest_configure(config):
    config.pluginmanager.register(Failures(config))
"""
COMMAND = (str(PYTHON), "-m", "pytest", "-c", os.devnull, "-p", "xdist", "-n", "1", "--no-summary")


def test_a_failure_is_printed_with_its_error(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(PLUGIN)
    (tmp_path / "test_some.py").write_text(FAILING)
    (tmp_path / "test_other.py").write_text("import nowhere_to_be_found")
    printed = run(tmp_path)
    error = f"{tmp_path}/test_some.py:9: AssertionError: first\n      second"
    assert f"\nFAILED test_some.py::test_wrong\n    {error}" in printed
    assert "\nFAILED test_some.py::test_without_its_fixture (setup)\n" in printed
    assert "OSError: no place" in printed
    assert "\nFAILED test_other.py (collection)\n" in printed
    assert "No module named 'nowhere_to_be_found'" in printed
    assert printed.count("FAILED") == 3


def run(folder: Path) -> str:
    """Run the tests in ``folder`` in a process beside pytest's, and return what is printed before the end."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # importing all plugins takes seconds
    command = [*COMMAND, "--continue-on-collection-errors", "--rootdir", str(folder), str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.stdout
