"""The guide as pages: ``apps/README.md``, the texts that it links to, and nothing else."""

from __future__ import annotations

import gzip
import html
import re
from urllib.parse import urldefrag, urljoin

import pytest

from tests.gate.environment import ROOT
from tests.support.serving import Running

pytestmark = pytest.mark.gen_test

GUIDE = "thywill/guide"
ADDRESSES = re.compile(r'(?:href|src)="([^"]+)"')


async def text_of(running: Running, path: str = GUIDE) -> str:
    response = await running.fetch(path)
    assert response.code == 200, path
    return response.body.decode()


def addresses_of(running: Running, path: str, text: str) -> list[str]:
    """Return the addresses on a page, relative to the server's."""
    found = (html.unescape(each) for each in ADDRESSES.findall(text))
    return [urljoin(running.base + path, each) for each in found if not each.startswith("data:")]


async def test_the_guide_is_a_page_with_contents(running: Running) -> None:
    response = await running.fetch(GUIDE)
    text = response.body.decode()
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "script" not in response.headers["Content-Security-Policy"]
    assert "<title>Writing an application</title>" in text
    headings = re.findall(r"^##+ (.+)$", (ROOT / "apps" / "README.md").read_text(), flags=re.MULTILINE)
    assert len(re.findall(r'<li class="level-\d">', text)) >= len(headings) - 2 > 10
    assert "class Counter(Application):" in text


async def test_all_links_of_all_pages_lead_somewhere(running: Running) -> None:
    seen: dict[str, str] = {}
    left = [running.base + GUIDE]
    while left:
        page, anchor = urldefrag(left.pop())
        if page not in seen:
            path = page.removeprefix(running.base)
            seen[page] = (await running.fetch(path)).body.decode()
            assert "Not Found" not in seen[page], page
            is_page = "/guide" in page
            left += addresses_of(running, path, seen[page]) if is_page else []
        assert not anchor or f'id="{anchor}"' in seen[page], (page, anchor)
        left = [each for each in left if each.startswith(running.base)]
    assert any(page.endswith("/thywill/guide/apps/chat/README.md") for page in seen)
    assert any(page.endswith("/thywill/guide/thywill/README.md") for page in seen)


async def test_no_other_file_can_be_read(running: Running) -> None:
    for path in (
        "conf/thywill.toml",
        "apps/../conf/thywill.toml",
        "requirements.txt",
        "..%2frun.py",
        "apps",
        "",
        "/",
    ):
        assert (await running.fetch(f"{GUIDE}/{path}")).code == (404 if path.strip("/") else 200)


async def test_only_get_is_allowed(running: Running) -> None:
    assert (await running.fetch(GUIDE, {})).code == 405
    assert (await running.fetch(f"{GUIDE}/apps/chat/README.md", {})).code == 405
    head = await running.fetch(GUIDE, method="HEAD")
    assert (head.code, head.body) == (200, b"")


async def test_a_browser_that_has_the_page_is_told_so(running: Running) -> None:
    first = await running.fetch(GUIDE, headers={"Accept-Encoding": "gzip"}, decompress_response=False)
    assert first.headers["Cache-Control"] == "no-cache"
    assert b"<h1 id=" in gzip.decompress(first.body)
    again = await running.fetch(
        GUIDE, headers={"Accept-Encoding": "gzip", "If-None-Match": first.headers["Etag"]}
    )
    assert (again.code, again.body) == (304, b"")
    plain = await running.fetch(GUIDE, headers={"Accept-Encoding": "identity"}, decompress_response=False)
    assert plain.headers["Etag"] != first.headers["Etag"]


async def test_pictures_stand_in_the_page(running: Running) -> None:
    text = await text_of(running, f"{GUIDE}/thywill/README.md")
    assert text.count('<img src="data:image/svg+xml;base64,') == 2
