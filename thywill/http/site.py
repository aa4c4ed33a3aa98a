"""Routes requests: endpoints answer the paths of the wire, a Tornado application all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tornado.httputil import HTTPServerConnectionDelegate

from thywill.errors import Misdirected, TooLarge
from thywill.http.message import Refusal, Reply, WholeAnswer
from thywill.http.request import Request

Endpoint = Callable[[Request, Reply], None]
"""Answers a request now, or keeps the reply and answers later; may raise a ``RequestError``.

An endpoint may have a method ``body_limit(request)``. It is called before a large body is read, with a
request whose body and browser are not known yet. It returns how many bytes the body may have, or None for the
server's own limit; or it raises a ``RequestError``, which becomes the answer. Small bodies are always read.
"""

Refuse = Callable[[Exception | Refusal, Request], WholeAnswer]
"""Returns the answer to a request that ended with an error."""

Finder = Callable[[Request], Endpoint | None]
"""Returns the endpoint for a path that only a pattern matches, or None."""


class RequestCount:
    """How many requests of one kind there were, in ``number``."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0


@dataclass(slots=True)
class Site:
    """Answers the requests of all connections.

    Args:
        application: handles every path that has no endpoint.
        refuse: turns errors into answers.
        endpoints: the endpoints by path.
        finders: called one after another for every other path, with a request whose body is not read yet.
        requests: counts requests: by path for endpoints, by ``kind_of`` for all others.
        limited: counts bodies that were refused because of ``body_limit``.
        hosts: the host names under which the server answers; empty for every name.
        application_body: bytes that a large body may have for a path without an endpoint; None for the
            server's own limit.
    """

    application: HTTPServerConnectionDelegate
    refuse: Refuse
    endpoints: dict[bytes, Endpoint] = field(default_factory=dict)
    finders: Sequence[Finder] = ()
    requests: dict[bytes, RequestCount] = field(default_factory=dict)
    limited: Counter[str] = field(default_factory=Counter)
    hosts: frozenset[str] = frozenset()
    application_body: int | None = None

    def find(self, request: Request) -> Endpoint | None:
        """Return the endpoint that answers ``request``, or None if the application answers it."""
        path = request.path
        if self.hosts and self._is_misdirected(request):
            return _misdirected
        endpoint = self.endpoints.get(path)
        if endpoint is not None:
            self._count(path)
            return endpoint
        self._count(kind_of(path))
        return self._search(request)

    def _count(self, kind: bytes) -> None:
        count = self.requests.get(kind)
        if count is None:
            count = self.requests[kind] = RequestCount()
        count.number += 1

    def _is_misdirected(self, request: Request) -> bool:
        return request.path not in FOR_PROBES and host_name(request.host) not in self.hosts

    def _search(self, request: Request) -> Endpoint | None:
        found = (finder(request) for finder in self.finders)
        return next((each for each in found if each is not None), None)

    def admit_body(self, request: Request, size: int) -> int | None:
        """Decide whether to read a large body, by the head of its request.

        Args:
            request: its method, target and headers are known; the browser's address and the body are not.
            size: bytes that are announced, or have arrived.

        Returns:
            how many bytes the body may have; None for the server's own limit.

        Raises:
            TooLarge: the body may not have ``size`` bytes.
            RequestError: the endpoint refuses the request.
        """
        limit = self._body_limit(request)
        if limit is not None and size > limit:
            self.limited["small_body"] += 1
            raise TooLarge("the body is too large for this path")
        return limit

    def _body_limit(self, request: Request) -> int | None:
        if self.hosts and self._is_misdirected(request):
            return 0
        endpoint = self.endpoints.get(request.path) or self._search(request)
        if endpoint is None:
            return self.application_body
        limit: Callable[[Request], int | None] | None = getattr(endpoint, "body_limit", None)
        return limit(request) if limit is not None else None

    def answer(self, endpoint: Endpoint, request: Request, reply: Reply) -> None:
        """Let ``endpoint`` answer; an error that it raises becomes an answer."""
        try:
            endpoint(request, reply)
        except Exception as error:  # noqa: BLE001 - ``refuse`` logs every unforeseen error
            reply.send(*self.refuse(error, request))


FOR_PROBES = (b"/thywill/health", b"/thywill/ready")
"""Paths that are answered under every host name: health checks use the server's address, and their answers
reveal nothing."""


def host_name(host: bytes | None) -> str:
    """Return the host name of a Host header: in lower case, without port, brackets and a dot at the end."""
    text = (host or b"").decode("latin-1").lower()
    name = text.partition("]")[0].lstrip("[") if text.startswith("[") else text.partition(":")[0]
    return name.rstrip(".")


def _misdirected(request: Request, reply: Reply) -> None:
    raise Misdirected("this server does not answer under this host name: see hosts in [server]")


def kind_of(path: bytes) -> bytes:
    """Return the name under which requests for ``path`` are counted.

    There are few such names, because anybody can ask for any path.
    """
    first = path.split(b"/", 3)[1:3]
    if first[:1] == [b"static"]:
        return b"/static"
    if first[:1] == [b"thywill"]:
        return b"/thywill/sockjs" if first[1:] == [b"sockjs"] else b"/thywill"
    return b"/"
