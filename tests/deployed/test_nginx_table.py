"""The table of ``conf/README.md`` is true: what becomes of each transport, and what doctor says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.drivers import Browser
from tests.gate.environment import ROOT
from tests.support.command import run_here
from tests.tools.nginx_table import SETTINGS, Setting, head, row
from thywill.commands import streams

CHECKED = SETTINGS[:1]
"""The one in which nothing is held back or cut: ``python3 -m tests.tools.nginx_table`` does all.

The others depend on limits of a few seconds, and so on the machine: ``test_doctor.py`` and
``test_behind_nginx.py`` show them with limits of their own.
"""

README = (ROOT / "conf" / "README.md").read_text(encoding="utf-8")


def test_the_table_has_every_setting() -> None:
    lines = README.splitlines()
    start = lines.index(head())
    assert [line.split(" | ")[0] for line in lines[start + 2 : start + 2 + len(SETTINGS)]] == [
        f"| {setting.name}" for setting in SETTINGS
    ]


@pytest.mark.browser
@pytest.mark.parametrize("setting", CHECKED, ids=lambda setting: setting.name)
def test_the_row_is_true(
    chromium: Browser, tmp_path: Path, setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine nothing is held back that is only late.
    monkeypatch.setattr(streams, "PROMPT", 60.0)
    monkeypatch.setattr(streams, "SLACK", 60.0)

    def doctor(url: str) -> str:
        options = ("--insecure", "--json", "--patience", "240")
        return run_here("doctor", url, *options, folder=tmp_path).stdout

    assert row(setting, chromium, tmp_path, doctor) in README.splitlines()
