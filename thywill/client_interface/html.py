"""The pages: HTML that loads the browser client and hands it the bootstrap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from thywill.application_interface.base import Page
from thywill.core.envelope import encode_object

APPLICATION = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="{icon}">
{styles}
</head>
<body>
{header}{fragment}
<noscript>This page needs JavaScript.</noscript>
<script type="application/json" id="thywill-bootstrap">{bootstrap}</script>
<script src="{client}"></script>
</body>
</html>
"""

BEFORE, AFTER = APPLICATION.split("{bootstrap}")

HEADER = """<div class="thywill-header" role="banner">
<a href="{home}">&lsaquo; All</a> <{tag} class="thywill-title">{title}</{tag}>
</div>
"""

BARE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
{styles}
</head>
<body>
{fragment}
</body>
</html>
"""

ERROR = """<div class="page door" role="main">
<p class="soft">{status}</p>
<h1>{title}</h1>
<p><a class="button strong" href="{home}">All applications</a></p>
</div>"""


@dataclass(frozen=True, slots=True)
class Links:
    """The addresses that a page loads files from.

    Args:
        client: the browser client.
        styles: the styles, in their order.
        icon: the icon.
    """

    client: str
    styles: Sequence[str]
    icon: str


def around_bootstrap(page: Page, fragment: str, links: Links) -> tuple[str, str]:
    """Return the HTML of an application's page in two parts: before its bootstrap, and after it.

    Args:
        page: the application.
        fragment: the HTML of the page's body.
        links: the addresses of its files.
    """
    title = escape(page.title)
    before = BEFORE.format(
        title=title,
        icon=escape(links.icon),
        styles=_styles(links.styles),
        header=header(page.title, page.home, is_heading=page.fragment is None) if page.home else "",
        fragment=fragment,
    )
    return before, AFTER.format(client=escape(links.client))


def header(title: str, home: str, *, is_heading: bool = False) -> str:
    """Return the line above a page, with the way to the front page.

    Args:
        title: the title of the page.
        home: the address of the front page.
        is_heading: whether the page has no heading of its own.
    """
    return HEADER.format(home=escape(home), title=escape(title), tag="h1" if is_heading else "span")


def bootstrap_of(configuration: Mapping[str, Any]) -> bytes:
    """Return the configuration of a page as JSON that can stand in its HTML."""
    return script_safe(encode_object(dict(configuration)).decode()).encode()


def fragment_of(page: Page) -> str:
    """Return the HTML of the body of an application's page."""
    if page.fragment is None:
        return '<div id="application" role="main"></div>'
    return page.fragment.read_text(encoding="utf-8-sig")  # some editors write a byte order mark


def _styles(addresses: Iterable[str]) -> str:
    return "\n".join(f'<link rel="stylesheet" href="{escape(address)}">' for address in addresses)


def bare_page(title: str, fragment: str, styles: Iterable[str]) -> str:
    """Return a page without scripts.

    Args:
        title: the page's title.
        fragment: the HTML of the page's body.
        styles: the addresses of the page's styles.
    """
    return BARE.format(title=escape(title), styles=_styles(styles), fragment=fragment)


def error_page(status: int, reason: str, styles: Iterable[str], home: str) -> str:
    """Return a page that reports an error.

    Args:
        status: the HTTP status of the answer.
        reason: what is wrong, in a few words.
        styles: the addresses of the page's styles.
        home: the address of the front page.
    """
    fragment = ERROR.format(title=escape(reason), status=status, home=escape(home))
    return bare_page(reason, fragment, styles)


def script_safe(json: str) -> str:
    """Return JSON escaped for a <script> element, so that no text in it can end the element."""
    return json.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
