"""``GET /thywill/guide``: the guide to writing applications, and the texts that it links to, as pages.

The guide is ``apps/README.md``. A text that it links to has its path below ``/thywill/guide/``, so that
``[chat](chat/README.md)`` leads to ``/thywill/guide/apps/chat/README.md``. No other file can be read here.
"""

from __future__ import annotations

import base64
import hashlib
import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from thywill.client_interface import html, markdown
from thywill.client_interface.files import File
from thywill.client_interface.ttl_cache import TtlCache
from thywill.errors import MethodNotAllowed, NotFound
from thywill.http.message import Reply
from thywill.http.request import Request
from thywill.http.site import Endpoint

PATH = b"/thywill/guide"
GUIDE = "apps/README.md"
STYLES = ("thywill/look.css", "thywill/guide.css")
LARGEST_PICTURE = 64 * 1024
"""The largest picture that a page contains, in bytes."""
HEAD = (
    b"X-Content-Type-Options: nosniff\r\nContent-Security-Policy: default-src 'none'; style-src 'self'; "
    b"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'\r\n"
)

PAGE = """<a class="skip" href="#guide-text">Skip to the text</a>
{header}<div class="page guide">
{contents}<div class="text" role="main" id="guide-text">
{back}{text}</div>
</div>"""
CONTENTS = """<div class="contents" role="navigation" aria-labelledby="guide-contents">
<p class="soft" id="guide-contents">On this page</p>
{}
</div>
"""
BACK = '<p class="back"><a href="{address}">&lsaquo; Writing an application</a></p>\n'


@dataclass(frozen=True, slots=True)
class _Place:
    """A text of the guide, and the address of its page.

    Args:
        name: the path of its file, relative to the project's folder.
        page: the address of its page, relative to ``/thywill/``.
    """

    name: str
    page: str

    def address(self, page: str) -> str:
        """Return the address of another page, relative to this one."""
        return "../" * self.page.count("/") + page

    def path(self, target: str) -> str:
        """Return the path of a file that the text names, relative to the project's folder."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(self.name), target))


class Guide:
    """The endpoint.

    Args:
        root: the folder of the program.
        address: returns the address of a static file from the server's base.
    """

    def __init__(self, root: Path, address: Callable[[str], str]) -> None:
        self._root = root
        self._address = address
        self._cache = TtlCache()
        self._files: dict[str, tuple[tuple[object, ...], File]] = {}

    def __call__(self, request: Request, reply: Reply) -> None:
        if request.method not in (b"GET", b"HEAD"):
            raise MethodNotAllowed("only GET is allowed here")
        name = request.path.removeprefix(PATH).lstrip(b"/").decode("latin-1") or GUIDE
        try:
            file = self._cache.get(name, lambda: self._current(name))
        except OSError:
            raise NotFound("the guide is not on this server") from None
        file.send(request, reply, is_current=False)

    def find(self, request: Request) -> Endpoint | None:
        """Return the endpoint of a page below the guide, or None for any other address."""
        return self if request.path.startswith(PATH + b"/") else None

    def _current(self, name: str) -> File:
        """Return the present page; it is made again only when one of its files has changed.

        Raises:
            NotFound: the guide does not link to such a text.
            OSError: the file cannot be read.
        """
        places = self._places()
        if name not in places:
            raise NotFound("the guide has no such page")
        status = (self._root / name).stat()
        stamp = (status.st_mtime_ns, status.st_size, tuple(places), *map(self._address, STYLES))
        known = self._files.get(name)
        if known is None or known[0] != stamp:
            known = self._files[name] = (stamp, self._made(places[name], places))
        return known[1]

    def _places(self) -> dict[str, _Place]:
        """Return the guide and the texts that it links to, by the names of their files."""
        guide = _Place(GUIDE, "guide")
        found = {GUIDE: guide}
        for target in markdown.links_of(self._read(GUIDE)):
            name = guide.path(target.partition("#")[0])
            if target.partition("#")[0].endswith(".md") and self._is_ours(name):
                found.setdefault(name, _Place(name, f"guide/{name}"))
        return found

    def _is_ours(self, name: str) -> bool:
        return not name.startswith(("/", "../")) and (self._root / name).is_file()

    def _read(self, name: str) -> str:
        return (self._root / name).read_text(encoding="utf-8")

    def _made(self, place: _Place, places: dict[str, _Place]) -> File:
        def link(target: str) -> str | None:
            name, _, anchor = target.partition("#")
            if "://" in name or not name:
                return target
            other = places.get(place.path(name))
            return None if other is None else place.address(other.page) + (f"#{anchor}" if anchor else "")

        text = markdown.render(self._read(place.name), link, lambda target: self._picture(place.path(target)))
        page = self._page(place, text).encode()
        return File(page, hashlib.sha256(page).hexdigest()[:12], "text/html; charset=utf-8", HEAD)

    def _page(self, place: _Place, text: markdown.Text) -> str:
        title = text.headings[0].text if text.headings else place.name
        home = place.address("../")
        contents = markdown.contents(text.headings)
        body = PAGE.format(
            header=html.header(title, home),
            contents=CONTENTS.format(contents) if contents else "",
            back="" if place.name == GUIDE else BACK.format(address=place.address("guide")),
            text=text.html,
        )
        return html.bare_page(title, body, [home + self._address(style) for style in STYLES])

    def _picture(self, name: str) -> str | None:
        path = self._root / name
        if not name.endswith(".svg") or not self._is_ours(name) or path.stat().st_size > LARGEST_PICTURE:
            return None
        return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()
