"""Scripts, styles and icons as an endpoint: each file is read and compressed once, and sent as bytes.

Unusual requests are left to Tornado's handlers (``assets.py``): parts of a file (Range), large files, and
names with signs that no file of ours has.
"""

from __future__ import annotations

import gzip
import mimetypes
import re
from collections.abc import Mapping
from typing import Protocol

from thywill.client_interface.assets import Assets, cache_control
from thywill.client_interface.ttl_cache import TtlCache
from thywill.http.message import Reply
from thywill.http.request import Request
from thywill.http.site import Endpoint

ADDRESS = re.compile(r"/static/([0-9a-z]+)/((?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*)")
REFUSED_GZIP = re.compile(rb"gzip\s*;\s*q=0(\.0*)?\s*(,|$)", re.IGNORECASE)
"""Matches an Accept-Encoding that names gzip in order to refuse it (RFC 9110, 12.4.2)."""
LARGEST = 512 * 1024
"""The largest file that is kept in memory, in bytes."""
SCRIPT = "text/javascript; charset=UTF-8"
TEXTS = ("text/", "application/javascript", "application/json", "application/xml", "image/svg+xml")
"""The beginnings of the Content-Types that are compressed."""
FOR_ALL = (
    b"X-Content-Type-Options: nosniff\r\nAccess-Control-Allow-Origin: *\r\n"
    b"Cross-Origin-Resource-Policy: cross-origin\r\n"
)
"""The headers that let every page use a file, which is the same for everybody; see ``assets.open_to_all``."""


class Versioned(Protocol):
    """A file that is made from other files, such as a bundle."""

    @property
    def text(self) -> bytes:
        """Its content."""
        ...

    @property
    def version(self) -> str:
        """A hash of its content."""
        ...


class File:
    """A file with its headers, plain and as gzip.

    Args:
        text: its content.
        version: a hash of the content.
        kind: its Content-Type.
        head: further lines of the answer's head.
    """

    def __init__(self, text: bytes, version: str, kind: str, head: bytes = FOR_ALL) -> None:
        self.text = text
        self.version = version
        self.tag = b'"%b"' % version.encode()
        self._head = b"Content-Type: %b\r\n%b" % (kind.encode(), head)
        zipped = gzip.compress(text, 9, mtime=0) if kind.startswith(TEXTS) else text
        self.zipped = zipped if len(zipped) < len(text) else None
        if self.zipped is not None:
            self._head += b"Vary: Accept-Encoding\r\n"

    def send(self, request: Request, reply: Reply, *, is_current: bool) -> None:
        """Send the file, or 304 if the browser has it already (RFC 9110, 13.1.2).

        Args:
            request, reply: the request and its answer.
            is_current: whether the version in the address is the file's, so that it may be kept for ever.
        """
        wants_zipped = self.zipped is not None and accepts_gzip(request)
        tag = self.tag[:-1] + b'-gzip"' if wants_zipped else self.tag
        kept = b"Cache-Control: %b\r\nEtag: %b\r\n" % (cache_control(is_current=is_current).encode(), tag)
        if _has(request.header(b"if-none-match"), tag):
            reply.send(304, b"", self._head + kept)
        elif wants_zipped and self.zipped is not None:
            reply.send(200, self.zipped, self._head + kept + b"Content-Encoding: gzip\r\n")
        else:
            reply.send(200, self.text, self._head + kept)


def accepts_gzip(request: Request) -> bool:
    """Return whether the browser accepts gzip."""
    offered = request.header(b"accept-encoding") or b""
    return b"gzip" in offered and REFUSED_GZIP.search(offered) is None


def _has(tags: bytes | None, tag: bytes) -> bool:
    return tags is not None and tag in (each.strip().removeprefix(b"W/") for each in tags.split(b","))


class Files:
    """The files of all folders, and the files that are made from others.

    Args:
        assets: the folders.
        made: the files that are made from others, by name.
    """

    def __init__(self, assets: Assets, made: Mapping[str, Versioned]) -> None:
        self._assets = assets
        self._made = made
        self._cache = TtlCache()
        self._files: dict[str, File] = {}

    def find(self, request: Request) -> Endpoint | None:
        """Return the endpoint that sends the requested file, or None to leave it to Tornado's handlers."""
        if request.method not in (b"GET", b"HEAD") or not request.path.startswith(b"/static/"):
            return None
        found = ADDRESS.fullmatch(request.path.decode("latin-1"))
        if found is None or request.header(b"range") is not None:
            return None
        version, name = found.groups()
        file = self._cache.get(name, lambda: self._current(name))
        return None if file is None else FileEndpoint(file, is_current=version == file.version)

    def _current(self, name: str) -> File | None:
        """Return the file as it is now, from memory if it has not changed."""
        made = self._made.get(name)
        try:
            version = self._version(name) if made is None else made.version
        except OSError:
            return None
        if version is None:
            return None
        file = self._files.get(name)
        if file is None or file.version != version:
            file = self._files[name] = self._read(name) if made is None else File(made.text, version, SCRIPT)
        return file

    def _version(self, name: str) -> str | None:
        path = self._assets.path(name)
        if path is None or not path.is_file() or path.stat().st_size > LARGEST:
            return None
        kind, encoding = mimetypes.guess_type(path.name)
        return None if kind is None or encoding is not None else self._assets.version(path)

    def _read(self, name: str) -> File:
        path = self._assets.path(name)
        assert path is not None
        return File(path.read_bytes(), self._assets.version(path), mimetypes.guess_type(path.name)[0] or "")


class FileEndpoint:
    """Sends one file.

    Args:
        file: the file.
        is_current: whether the address has the version of the file.
    """

    def __init__(self, file: File, *, is_current: bool) -> None:
        self._file = file
        self._is_current = is_current

    def __call__(self, request: Request, reply: Reply) -> None:
        self._file.send(request, reply, is_current=self._is_current)

    def body_limit(self, request: Request) -> int:
        """Return 0, since no large body is needed; see ``thywill.http.site.Endpoint``."""
        return 0
