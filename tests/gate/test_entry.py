"""Every command of the tests starts from a Python without packages, and what it cannot do is one line."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

import pytest

from tests.gate import entry
from tests.gate.environment import ROOT, Unprepared

COMMANDS = (
    "tests.tools.audit",
    "tests.tools.bench",
    "tests.tools.soak",
    "tests.tools.soak.expiry",
    "tests.tools.overload",
    "tests.tools.nginx_table",
    "tests.browser.engines.table",
)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python without any package."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=True)
    return folder / "bin" / "python"


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [python, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_it_starts_without_packages(bare: Path, command: str) -> None:
    result = run(bare, command, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"usage: python3 -m {command} ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["tests.tools.audit", "--faults", "nope"], "no fault is called 'nope'; there are none, "),
        (["tests.tools.bench", "--rows", "nope"], "no row is called 'nope'; there are poll, "),
        (["tests.tools.bench", "--peers", "faye, nope"], "no peer is called 'nope'; there are nchan, "),
        (["tests.tools.bench", "--through", "nope"], "no way is called 'nope'; there are none, "),
    ],
)
def test_a_name_that_is_none_is_one_line(bare: Path, arguments: list[str], told: str) -> None:
    result = run(bare, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_preparation_that_fails_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise Unprepared("there is no pip")

    monkeypatch.setattr(entry, "prepare_python", fail)
    with pytest.raises(SystemExit) as caught:
        entry.enter("tests.tools.soak.__main__")
    assert caught.value.code == 2
    assert capsys.readouterr().err == "tests.tools.soak cannot run: there is no pip\n"
