"""Static files whose addresses contain their versions, so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tornado.web import HTTPError, RequestHandler, StaticFileHandler

from thywill.wire.handlers import MethodsHandler

YEAR = 365 * 24 * 3600


def cache_control(*, is_current: bool) -> str:
    """Return the Cache-Control header of a file.

    Args:
        is_current: whether the version in the address is that of the file's content. Then the file may be
            kept for ever. Otherwise a proxy must not keep it, since it would keep the wrong version.
    """
    return f"public, max-age={YEAR}, immutable" if is_current else "no-cache"


def open_to_all(handler: RequestHandler) -> None:
    """Let every page use a public file: with ``crossorigin`` (CORS), and if the page isolates itself (COEP).

    That is safe, since the file is the same for everybody, and no cookie is read for it.
    """
    handler.set_header("Access-Control-Allow-Origin", "*")
    handler.set_header("Cross-Origin-Resource-Policy", "cross-origin")


class Assets:
    """Static folders, each under the name of its area.

    Args:
        folders: the folder of each area: ``thywill`` and the applications' names.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders
        self._versions: dict[Path, tuple[tuple[int, int], str]] = {}

    def rules(self) -> list[Any]:
        """Return the rules for the ``tornado.web.Application``."""
        return [
            (rf"/static/([0-9a-z]+)/{area}/(.*)", AssetHandler, {"path": str(folder), "assets": self})
            for area, folder in self._folders.items()
        ]

    def address(self, resource: str) -> str:
        """Return the address of ``area/file`` relative to the server's base; a whole address is unchanged."""
        if resource.startswith("/") or "://" in resource:
            return resource
        area, _, file = resource.partition("/")
        return f"static/{self.version(self._folders[area] / file)}/{area}/{file}"

    def path(self, resource: str) -> Path | None:
        """Return the path of ``area/file`` on the disk, or None if there is no such area."""
        area, _, file = resource.partition("/")
        folder = self._folders.get(area)
        return None if folder is None else folder / file

    def version(self, path: Path) -> str:
        """Return a hash of the file's content; the file is read again only when it has changed."""
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._versions.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        version = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        self._versions[path] = (stamp, version)
        return version


class AssetHandler(MethodsHandler, StaticFileHandler):
    """Serves one area."""

    assets: Assets

    def initialize(self, path: str, assets: Assets) -> None:  # type: ignore[override]
        super().initialize(path)
        self.assets = assets

    async def get(self, version: str, path: str, include_body: bool = True) -> None:  # type: ignore[override]
        self._version = version
        if "\0" in path:
            raise HTTPError(404)
        await super().get(path, include_body)

    async def head(self, version: str, path: str) -> None:  # type: ignore[override]
        await self.get(version, path, include_body=False)

    def set_extra_headers(self, path: str) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")
        is_current = self._version == self.assets.version(Path(str(self.absolute_path)))
        self.set_header("Cache-Control", cache_control(is_current=is_current))
        open_to_all(self)
