"""What people write becomes one harmless line, and numbers stand with what they count."""

from __future__ import annotations

import pytest

from thywill.core.text import MARKS, counted, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  two \n lines\t", "two lines"),
        ("\u202egnp.exe\u2066", "gnp.exe"),
        ("👩\u200d🚀 Ada", "👩\u200d🚀 Ada"),
        ("\u200d\u200c", ""),
        ("\x00\x1b[31m", "[31m"),
        ("a" * 30, "a" * 24),
        ("a" + "\u0301" * 3, "á\u0301\u0301"),
        (5, ""),
        (None, ""),
        ("\ud800", ""),
    ],
)
def test_a_text_of_a_page_becomes_one_harmless_line(text: object, shown: str) -> None:
    assert one_line(text, 24) == shown


def test_few_marks_are_kept_since_the_time_to_order_them_grows_with_their_square() -> None:
    marks = "\u0315" * 4_000 + "\u0300" * 4_000
    assert one_line("a" + marks + "b", 100) == "a" + "\u0315" * MARKS + "b"


def test_one_thing_is_singular() -> None:
    assert [counted(number, "client") for number in (0, 1, 2)] == ["0 clients", "1 client", "2 clients"]
