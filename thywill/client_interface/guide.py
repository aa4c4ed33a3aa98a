"""``GET /thywill/guide``: the guide to writing applications, which is ``apps/README.md``, as plain text."""

from __future__ import annotations

from pathlib import Path

from thywill.errors import MethodNotAllowed, NotFound
from thywill.http.message import Reply, Request

TEXT = b"Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"


class Guide:
    """The endpoint of the guide.

    Args:
        path: the file with the guide's text.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, request: Request, reply: Reply) -> None:
        if request.method not in (b"GET", b"HEAD"):
            raise MethodNotAllowed("only GET is allowed here")
        try:
            text = self._path.read_bytes()
        except OSError:
            raise NotFound("the guide is not on this server") from None
        reply.send(200, text, TEXT)
