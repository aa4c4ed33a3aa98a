"""The browser's scripts are read by JScript as well; only where the optional engines are asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.engines.jscript import read
from tests.browser.engines.optional import VARIABLE
from tests.gate import es3
from tests.gate.environment import ROOT

pytestmark = pytest.mark.skipif(
    VARIABLE not in os.environ, reason="run by python3 -m tests.browser.engines.optional"
)


def test_jscript_reads_every_script(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.js"
    wrong.write_text("var object = {name: 1,};")
    scripts = [ROOT / path for path in es3.scripts(ROOT)]
    said = read([*scripts, wrong])
    assert said.pop(wrong).startswith("refused")
    assert {path: words for path, words in said.items() if words != "read"} == {}
