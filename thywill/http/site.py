"""What a server serves: endpoints for the wire's addresses, a Tornado application for everything else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tornado.httputil import HTTPServerConnectionDelegate

from thywill.core.envelope import encode_error
from thywill.errors import Later, RequestError
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
    """

    application: HTTPServerConnectionDelegate
    endpoints: Mapping[bytes, Endpoint] = field(default_factory=dict)
    finders: Sequence[Finder] = ()

    def find(self, request: Request) -> Endpoint | None:
        """Return who answers ``request``, or None for the application."""
        endpoint = self.endpoints.get(request.path)
        if endpoint is not None:
            return endpoint
        found = (finder(request) for finder in self.finders)
        return next((each for each in found if each is not None), None)


def answer(endpoint: Endpoint, request: Request, reply: Reply) -> None:
    """Let ``endpoint`` answer; an error becomes the answer that the wire has for it."""
    try:
        endpoint(request, reply)
    except RequestError as error:
        refuse(request, reply, error)
    except Exception:
        log.exception("an error in the endpoint of %s", request.path.decode("latin-1"))
        refuse(request, reply, Internal("an error in the server"))


def refuse(request: Request, reply: Reply, error: RequestError) -> None:
    """Answer ``error`` on the wire, and say in the log who was refused and why."""
    log.warning("%r from %s refused: %d %s", request.path, request.peer, error.status, error.code)
    reply.send(error.status, encode_error(error), error_head(error))


def error_head(error: RequestError) -> bytes:
    """Return the header lines of the answer to a request that is refused."""
    if isinstance(error, Later):
        return JSON + b"Retry-After: %d\r\n" % max(1, round(error.retry))
    return JSON
