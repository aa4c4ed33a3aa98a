"""What people write becomes one harmless line."""

from __future__ import annotations

import pytest

from thywill.core.text import one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  two \n lines\t", "two lines"),
        ("\u202egnp.exe\u2066", "gnp.exe"),
        ("👩\u200d🚀 Ada", "👩\u200d🚀 Ada"),
        ("\u200d\u200c", ""),
        ("\x00\x1b[31m", "[31m"),
        ("a" * 30, "a" * 24),
        (5, ""),
        (None, ""),
        ("\ud800", ""),
    ],
)
def test_a_text_of_a_page_becomes_one_harmless_line(text: object, shown: str) -> None:
    assert one_line(text, 24) == shown
