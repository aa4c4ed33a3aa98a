"""The endpoints of the wire: JSON by POST, across origins (CORS), and by JSONP for browsers without CORS."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Generic

import msgspec

from thywill.core import envelope
from thywill.core.envelope import MOST_VALUES, REFUSALS, decode, decoder
from thywill.errors import BadOrigin, Malformed, MethodNotAllowed, UnsupportedEncoding
from thywill.http.message import Reply
from thywill.http.request import Request
from thywill.wire.origins import Cors, Origins, ScriptCall, asking_page, preflight

CALLBACK = re.compile(r"[A-Za-z_$][\w$]{0,63}(\.[A-Za-z_$][\w$]{0,63}){0,4}", re.ASCII)
METHODS = "GET, OPTIONS, POST"
CODING_SHOWN = 40
"""How many characters of a Content-Encoding an error repeats."""

Handle = Callable[[Any, Request, Reply], None]


class JsonEndpoint(Generic[envelope.Body]):
    """One path of the wire.

    Args:
        kind: the struct that a request's body holds.
        handle: answers a decoded request; may raise a ``RequestError``.
        origins: which pages may ask.
        trusting: whether a page may ask by JSONP without telling its origin, because it must show a token.
        largest_body: how many bytes a body above ``[limits] small_body`` may have. 0 if requests hold only a
            token and a few numbers, None for ``[server] max_body``.
    """

    _kind: type[envelope.Body]

    def __init__(
        self,
        kind: type[envelope.Body],
        handle: Handle,
        origins: Origins,
        *,
        trusting: bool = True,
        largest_body: int | None = None,
    ) -> None:
        self._kind = kind
        self._decoder: Callable[[bytes], Any] = decoder(kind)
        self._longest = MOST_VALUES
        self._largest_body = largest_body
        self._handle = handle
        self._origins = origins
        self._trusting = trusting

    def __call__(self, request: Request, reply: Reply) -> None:
        method = request.method
        if method == b"POST":
            self._admit(request, reply)
            self._handle(self._decode(request), request, reply)
        elif method == b"GET":
            self._script(request, reply)
        else:
            self._admit(request, reply)
            if method != b"OPTIONS":
                raise MethodNotAllowed("only POST is allowed here", METHODS)
            reply.send(200, b"", preflight(request))

    def body_limit(self, request: Request) -> int | None:
        """Return how many bytes the body of ``request`` may have: see ``thywill.http.site.Endpoint``."""
        return self._largest_body

    def _admit(self, request: Request, reply: Reply) -> None:
        verdict = request.verdict
        if verdict is not None and verdict.is_other is False:
            return  # as nearly always: without a call of ``Origins``
        origin = request.origin
        if origin is not None and self._origins.admit(origin, request):
            reply.transform = Cors(origin)

    def _decode(self, request: Request) -> envelope.Body:
        body = request.body
        if len(body) <= self._longest:
            try:
                return self._decoder(body)  # type: ignore[no-any-return]
            except REFUSALS:
                pass  # nearly never: ``decode`` says why, or can read it
        return self._decode_any(request)

    def _decode_any(self, request: Request) -> envelope.Body:
        try:
            return decode(self._kind, request.body)
        except Malformed:
            refuse_encoded(request)
            raise

    def _script(self, request: Request, reply: Reply) -> None:
        fields = request.query()
        callback = fields.pop("callback", None)
        if callback is None:
            raise MethodNotAllowed("only POST, or GET with a callback, is allowed here", METHODS)
        if not CALLBACK.fullmatch(callback):
            raise Malformed("the callback is not the name of a function")
        reply.transform = ScriptCall(callback)
        self._check_referer(request)
        self._handle(decode(self._kind, _query_to_json(fields)), request, reply)

    def _check_referer(self, request: Request) -> None:
        page = asking_page(request)
        if page:
            self._origins.check(page, request.host)
        elif not self._origins.any():
            raise BadOrigin("no page of another origin is allowed here: see origins in [client_interface]")
        elif not self._trusting:
            raise BadOrigin("the browser did not say which page asks")


def refuse_encoded(request: Request) -> None:
    """Refuse a body that could not be read if the reason is its Content-Encoding.

    This is called only for bodies that could not be read, so that others need no search of the headers.

    Raises:
        UnsupportedEncoding: the body has a Content-Encoding.
    """
    coding = (request.header(b"content-encoding") or b"identity").decode("latin-1")
    if coding.lower() != "identity":
        raise UnsupportedEncoding(
            f"a body can't be read here with Content-Encoding {coding[:CODING_SHOWN]!r}: send it plain"
        )


def _query_to_json(fields: dict[str, str]) -> bytes:
    """Return the fields of a query as the JSON object that the body of a POST would hold."""
    known: dict[str, Any] = dict(fields)
    for name in ("cursor", "hold", "messages"):
        if name in known:
            known[name] = msgspec.Raw(fields[name].encode())
    return msgspec.json.encode(known)
