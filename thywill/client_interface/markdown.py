"""Markdown as HTML, for the pages of the guide. Raw HTML is escaped; headings have the anchors of GitHub."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

Target = Callable[[str], str | None]
"""Returns the address for a target in the text, or None where no page has it."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading.

    Args:
        level: 1 for the title of the text, 2 for a section, and so on.
        text: its text, without markup.
        anchor: its id in the page.
    """

    level: int
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text that is rendered.

    Args:
        html: the HTML.
        headings: its headings, in their order.
    """

    html: str
    headings: list[Heading]


def render(text: str, link: Target, image: Target) -> Text:
    """Return ``text`` as HTML.

    Args:
        text: Markdown: CommonMark and tables.
        link: returns the address for the target of a link; if it returns None, the link becomes plain text.
        image: returns the address of an image; if it returns None, the image becomes its description.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    headings = list(_mark_headings(tokens))
    for token in tokens:
        if token.type == "th_open":
            token.attrSet("scope", "col")
        if token.children:
            token.children = list(_lead(token.children, link, image))
    html = parser.renderer.render(list(_remove_empty_heads(tokens)), parser.options, {})
    return Text(
        html.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>"), headings
    )


def links_of(text: str) -> list[str]:
    """Return the targets of the links in a Markdown text, in their order."""
    tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse(text)
    inline = (child for token in tokens for child in token.children or ())
    return [str(child.attrGet("href")) for child in inline if child.type == "link_open"]


def anchor_of(text: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-")


def _mark_headings(tokens: list[Token]) -> Iterator[Heading]:
    seen: dict[str, int] = {}
    for token, inline in pairwise(tokens):
        if token.type != "heading_open":
            continue
        text = "".join(child.content for child in inline.children or ())
        anchor = anchor_of(text)
        seen[anchor] = seen.get(anchor, -1) + 1
        if seen[anchor]:
            anchor = f"{anchor}-{seen[anchor]}"
        token.attrSet("id", anchor)
        yield Heading(int(token.tag[1]), text, anchor)


def _lead(children: Iterable[Token], link: Target, image: Target) -> Iterator[Token]:
    """Yield the tokens with the addresses of links and images; drop links without an address."""
    is_dropped = False
    for child in children:
        if child.type == "link_open":
            address = link(str(child.attrGet("href")))
            is_dropped = address is None
            child.attrSet("href", address or "")
        elif child.type == "image":
            child = _image(child, image)
        if not (is_dropped and child.type in ("link_open", "link_close")):
            yield child


def _image(child: Token, image: Target) -> Token:
    address = image(str(child.attrGet("src")))
    if address is None:
        return Token("text", "", 0, content=child.content)
    child.attrSet("src", address)
    return child


def _remove_empty_heads(tokens: Iterable[Token]) -> Iterator[Token]:
    table: list[Token] = []
    for token in tokens:
        if table or token.type == "table_open":
            table.append(token)
        else:
            yield token
        if token.type == "table_close":
            yield from _with_row_headers(table)
            table = []


def _with_row_headers(table: list[Token]) -> list[Token]:
    """Leave out the head of a table if it says nothing; there the first cell of each row is its header."""
    end = next(n for n, token in enumerate(table) if token.type == "thead_close")
    if any(token.content for token in table[:end]):
        return table
    is_first = False
    for token in table[end:]:
        if is_first and token.type in ("td_open", "td_close"):
            token.tag = "th"
            is_first = token.type == "td_open"
            if is_first:
                token.attrSet("scope", "row")
        is_first = is_first or token.type == "tr_open"
    return [table[0], *table[end + 1 :]]


def contents(headings: Iterable[Heading], deepest: int = 3) -> str:
    """Return a list of links to the headings below the title, as HTML."""
    lines = [
        f'<li class="level-{each.level}"><a href="#{escape(each.anchor)}">{escape(each.text)}</a></li>'
        for each in headings
        if 1 < each.level <= deepest
    ]
    return "<ul>\n" + "\n".join(lines) + "\n</ul>" if lines else ""
