"""What a server serves: endpoints for the wire's addresses, a Tornado application for everything else."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tornado.httputil import HTTPServerConnectionDelegate

from thywill.core.envelope import encode_error
from thywill.errors import BadKey, Later, MethodNotAllowed, RequestError, UnsupportedEncoding
from thywill.http.message import JSON, Reply, Request

log = logging.getLogger(__name__)

Endpoint = Callable[[Request, Reply], None]
"""Answers a request now, or keeps the reply and answers later. May raise a ``RequestError``."""


class Internal(RequestError):
    """An error of our own, told to the browser without its particulars."""

    status = 500
    code = "internal"


Finder = Callable[[Request], Endpoint | None]
"""Returns the endpoint of a request whose path is not known beforehand, or None."""


@dataclass(slots=True)
class Site:
    """Where requests go.

    Args:
        application: handles every address that has no endpoint.
        endpoints: by path.
        finders: asked in turn about every other path; they see a request without its body.
        errors: counts what is refused, by its code on the wire.
        requests: counts what is asked for, by path where that has an endpoint, else by ``kind_of``.
    """

    application: HTTPServerConnectionDelegate
    endpoints: Mapping[bytes, Endpoint] = field(default_factory=dict)
    finders: Sequence[Finder] = ()
    errors: Counter[str] = field(default_factory=Counter)
    requests: dict[bytes, int] = field(default_factory=dict)

    def find(self, request: Request) -> Endpoint | None:
        """Return who answers ``request``, or None for the application."""
        path, counts = request.path, self.requests
        endpoint = self.endpoints.get(path)
        if endpoint is not None:
            counts[path] = counts.get(path, 0) + 1
            return endpoint
        kind = kind_of(path)
        counts[kind] = counts.get(kind, 0) + 1
        found = (finder(request) for finder in self.finders)
        return next((each for each in found if each is not None), None)

    def answer(self, endpoint: Endpoint, request: Request, reply: Reply) -> None:
        """Let ``endpoint`` answer; an error becomes the answer that the wire has for it."""
        try:
            endpoint(request, reply)
        except RequestError as error:
            self._refuse(request, reply, error)
        except Exception:
            log.exception("an error in the endpoint of %s", request.path.decode("latin-1"))
            self._refuse(request, reply, Internal("an error in the server"))

    def _refuse(self, request: Request, reply: Reply, error: RequestError) -> None:
        path = request.path.decode("latin-1")
        log.warning("%r from %s refused: %d %s", path, request.peer, error.status, error.code)
        self.errors[error.code] += 1
        reply.send(error.status, encode_error(error), error_head(error))


def kind_of(path: bytes) -> bytes:
    """Return what counts together with ``path``, one of few: anybody can ask for any path."""
    first = path.split(b"/", 3)[1:3]
    if first[:1] == [b"static"]:
        return b"/static"
    if first[:1] == [b"thywill"]:
        return b"/thywill/sockjs" if first[1:] == [b"sockjs"] else b"/thywill"
    return b"/"


def error_head(error: RequestError) -> bytes:
    """Return the header lines of the answer to a request that is refused."""
    if isinstance(error, Later):
        return JSON + b"Retry-After: %d\r\n" % max(1, round(error.retry))
    if isinstance(error, MethodNotAllowed):
        return JSON + b"Allow: %b\r\n" % error.allowed.encode()  # RFC 9110, 15.5.6
    if isinstance(error, BadKey):
        return JSON + b"WWW-Authenticate: Bearer\r\n"  # RFC 9110, 11.6.1
    if isinstance(error, UnsupportedEncoding):
        return JSON + b"Accept-Encoding: identity\r\n"  # RFC 9110, 12.5.3
    return JSON
