"""Markdown as HTML: headings with anchors, links that lead somewhere, tables with headers, no raw HTML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thywill.client_interface.markdown import Heading, contents, links_of, render

ADDRESSES = {"there.md": "guide/there.md", "picture.svg": "data:,"}


def html(text: str) -> str:
    return render(text, ADDRESSES.get, ADDRESSES.get).html


def test_headings_have_the_anchors_of_github() -> None:
    text = render("# One `two`, three!\n\n## Same\n\n## Same\n", ADDRESSES.get, ADDRESSES.get)
    assert text.headings == [
        Heading(1, "One two, three!", "one-two-three"),
        Heading(2, "Same", "same"),
        Heading(2, "Same", "same-1"),
    ]
    assert '<h2 id="same-1">Same</h2>' in text.html


def test_the_contents_lead_to_the_headings_below_the_title() -> None:
    headings = [Heading(1, "T", "t"), Heading(2, "A & B", "a--b"), Heading(4, "Deep", "deep")]
    assert contents(headings) == '<ul>\n<li class="level-2"><a href="#a--b">A &amp; B</a></li>\n</ul>'
    assert contents(headings[:1]) == ""


def test_a_link_without_an_address_is_plain_text() -> None:
    assert html("[a](there.md) [`b`](nowhere.md) [c](there.md)") == (
        '<p><a href="guide/there.md">a</a> <code>b</code> <a href="guide/there.md">c</a></p>\n'
    )


def test_an_image_without_an_address_is_its_description() -> None:
    assert html("![A cat](cat.png)![It](picture.svg)") == '<p>A cat<img src="data:," alt="It" /></p>\n'


@pytest.mark.parametrize(
    "text", ["<script>hit()</script>", "a <b onclick=hit()>b</b>", "`<i>`", "```\n<i>\n```"]
)
def test_raw_html_is_escaped(text: str) -> None:
    shown = html(text)
    assert "&lt;" in shown
    assert not any(tag in shown for tag in ("<script", "<b ", "<i>"))


@given(st.text(alphabet="<>&\"'[]()`*_#|-!\n ab:", max_size=60))
def test_no_text_makes_an_element_that_runs(text: str) -> None:
    shown = render(text, lambda target: target, lambda target: target).html.lower()
    assert "<script" not in shown
    assert "javascript:" not in shown


def test_a_table_scrolls_in_a_box_of_its_own_and_has_headers() -> None:
    shown = html("| a | b |\n|---|---|\n| c | d |\n")
    assert shown.startswith('<div class="wide"><table>')
    assert shown.count('<th scope="col">') == 2


def test_where_the_head_of_a_table_is_empty_its_rows_have_headers() -> None:
    shown = html("| | |\n|---|---|\n| a | b |\n| c | d |\n")
    assert "thead" not in shown
    assert shown.count('<th scope="row">') == 2
    assert shown.count("<td>") == 2


def test_links_are_found_in_tables_too() -> None:
    assert links_of("[a](b.md)\n\n| [c](d.md) |\n|---|\n| [e](#f) |\n") == ["b.md", "d.md", "#f"]
