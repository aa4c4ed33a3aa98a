"""The pages: HTML that loads the browser client and hands it the bootstrap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
<link rel="icon" href="data:,">
{styles}
</head>
<body>
{fragment}
<noscript>This page needs JavaScript.</noscript>
<script type="application/json" id="thywill-bootstrap">{bootstrap}</script>
<script src="{client}"></script>
</body>
</html>
"""

PLAIN = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{base}{style}">
</head>
<body>
<main>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""


def application_page(page: Page, bootstrap: Mapping[str, Any], client: str, styles: Iterable[str]) -> str:
    """Return the page of an application.

    Args:
        page: the application.
        bootstrap: the configuration for the browser client.
        client: the address of the browser client.
        styles: the addresses of the application's styles.
    """
    fragment = '<div id="application"></div>'
    if page.fragment:
        fragment = page.fragment.read_text(encoding="utf-8-sig")  # some editors write a byte order mark
    return APPLICATION.format(
        title=escape(page.title),
        styles="\n".join(f'<link rel="stylesheet" href="{escape(style)}">' for style in styles),
        fragment=fragment,
        bootstrap=script_safe(encode_object(dict(bootstrap)).decode()),
        client=escape(client),
    )


def index_page(pages: Sequence[Page], style: str) -> str:
    """Return the page that lists the applications."""
    items = "\n".join(
        f'<li><a href="{escape(page.name)}/"><strong>{escape(page.title)}</strong> '
        f"<span>/{escape(page.name)}/</span></a></li>"
        for page in pages
    )
    content = (
        f'<ul class="applications">\n{items}\n</ul>' if pages else "<p>No application is switched on.</p>"
    )
    return PLAIN.format(title="Applications", content=content, style=escape(style), base="")


def error_page(status: int, reason: str, style: str, base: str) -> str:
    """Return the page that is shown instead of one that cannot be served."""
    content = f'<p>{status}. <a href="{escape(base) or "./"}">All applications</a></p>'
    return PLAIN.format(title=escape(reason), content=content, style=escape(style), base=escape(base))


def script_safe(json: str) -> str:
    """Return JSON for the inside of a <script> element, escaped so that nothing in it ends the element."""
    return json.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
