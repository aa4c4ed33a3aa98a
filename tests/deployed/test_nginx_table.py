"""The table of ``conf/README.md`` is true: what becomes of each transport, and what doctor says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.drivers import Browser
from tests.gate.environment import ROOT
from tests.tools.nginx_table import SETTINGS, Setting, head, row

CHECKED = SETTINGS[:1] + SETTINGS[5:7]
"""What is right, and two that hurt most: ``python3 -m tests.tools.nginx_table`` does all."""

README = (ROOT / "conf" / "README.md").read_text(encoding="utf-8")


def test_the_table_has_every_setting() -> None:
    lines = README.splitlines()
    start = lines.index(head())
    assert [line.split(" | ")[0] for line in lines[start + 2 : start + 2 + len(SETTINGS)]] == [
        f"| {setting.name}" for setting in SETTINGS
    ]


@pytest.mark.browser
@pytest.mark.parametrize("setting", CHECKED, ids=lambda setting: setting.name)
def test_the_row_is_true(chromium: Browser, tmp_path: Path, setting: Setting) -> None:
    assert row(setting, chromium, tmp_path) in README.splitlines()
