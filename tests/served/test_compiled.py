"""``run.py compile``: the compiled modules pass the tests of the plain ones, and only today's are used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gate.environment import ROOT, MissingProgram, in_ci, require
from tests.gate.steps import PYTEST
from thywill.commands.compilation import build, replace
from thywill.process import compiled

FOLDERS = ("unit/core", "unit/hub", "unit/wire", "unit/push", "unit/http", "contracts/push")
"""The tests of the modules that are compiled."""
PARTS = ("apps", "conf", "static", "thywill")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with compiled modules, not optimized by the C compiler: that is quicker."""
    try:
        require("gcc", "gcc")
    except MissingProgram as error:
        if in_ci():
            raise
        pytest.skip(str(error))
    root = tmp_path_factory.mktemp("compiled")
    for name in PARTS:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns(compiled.FOLDER))
    shutil.copy(ROOT / "run.py", root)
    (root / "place").mkdir()
    replace(root / "thywill" / compiled.FOLDER, build(root, root / "place", optimize=0))
    return root


# By number, so that ``-k wire`` asks for the tests of that package and not for their compiled form, too.
@pytest.mark.parametrize("number", range(6))
def test_the_tests_of_the_compiled_modules_pass(project: Path, number: int) -> None:
    variables = {**os.environ, "THYWILL_COMPILED": str(project / "thywill" / compiled.FOLDER)}
    command = [*PYTEST, "-q", "-x", "-p", "tests.support.compiled_form", f"tests/{FOLDERS[number]}"]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr


def check(project: Path) -> str:
    command = [sys.executable, "run.py", "check", "--port", "0", "--applications", "apps.echo"]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False).stdout


def test_only_modules_of_these_sources_run(project: Path) -> None:
    assert "ok       compiled: the compiled modules fit these sources, and are used" in check(project)
    source = project / "thywill" / "core" / "outbox.py"
    text = source.read_text()
    source.write_text(f"{text}# changed\n")
    assert "warning  compiled: " in check(project)
    source.write_text(text)
