"""The endpoints of SockJS sessions: requests that wait for frames, and requests that bring messages."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote

from thywill.errors import NotFound, TooLarge
from thywill.http.message import Reply
from thywill.http.request import Request
from thywill.hub.relay import Relay
from thywill.push.sockjs import frames
from thywill.push.sockjs.forwards import Forwarder
from thywill.push.sockjs.headers import TEXT, frame_policy, head, sticky_cookie
from thywill.push.sockjs.pages import check_page
from thywill.push.sockjs.replies import FrameReply, PollReply, StreamReply
from thywill.push.sockjs.senders import SENDERS, Sender
from thywill.push.sockjs.session import Session
from thywill.push.sockjs.sessions import SessionKeeper
from thywill.push.sockjs.transports import TRANSPORTS, Transport
from thywill.wire.endpoint import refuse_encoded
from thywill.wire.origins import Cors, Origins

log = logging.getLogger(__name__)

TEXT_HEAD = head(TEXT)
Kind = Transport | Sender
Step = Callable[[Any, str, Request, Reply], None]
KINDS: dict[bytes, Kind] = {kind.name.encode(): kind for kind in (*TRANSPORTS, *SENDERS)}
ADDRESS = rb"/[^/.]{1,128}/([^/.]{1,128})/(" + b"|".join(KINDS) + rb")"


class Endpoints:
    """The endpoints of the sessions of one service.

    They replace sockjs-tornado's handlers, which make a header object and a dozen calls for each request.

    Args:
        prefix: the path before all others, without a slash at its end.
        sessions: the service's sessions.
        origins: which pages may use the service.
        response: bytes of frames after which the answer of a stream ends.
        cookie: whether to set JSESSIONID, for load balancers that use it to find the server.
        relay: finds sessions of other servers; None if there are no other servers.

    ``forwarder`` forwards requests to other servers; it is None without a relay.
    """

    def __init__(
        self,
        prefix: str,
        sessions: SessionKeeper,
        origins: Origins,
        *,
        response: int,
        cookie: bool,
        relay: Relay | None = None,
    ) -> None:
        self.forwarder = Forwarder(relay, sessions, self._answer_forwarded) if relay is not None else None
        self._sessions = sessions
        self._origins = origins
        self._response = response
        self._sets_cookie = cookie
        self._pattern = re.compile(re.escape(prefix.encode()) + ADDRESS)
        self._heads = {transport.name: self._head(transport) for transport in TRANSPORTS}

    def _head(self, transport: Transport) -> bytes:
        lines = head(transport.content_type)
        if transport.calls:
            # A page that isolates itself (COEP require-corp) loads a foreign script only with this header.
            lines += b"Cross-Origin-Resource-Policy: cross-origin\r\n"
        if transport.framed:
            # A page that isolates itself, such as our hidden frame, may show only frames that do the same.
            lines += f"Content-Security-Policy: {frame_policy(self._origins)}\r\n".encode()
            lines += b"Cross-Origin-Embedder-Policy: require-corp\r\n"
        return lines

    def find(self, request: Request) -> SessionEndpoint | None:
        """Return the endpoint for the path and method of ``request``, or None."""
        found = self._pattern.fullmatch(request.path)
        if found is None:
            return None
        kind = KINDS[found[2]]
        if request.method != kind.method:
            return None
        try:
            name = unquote(found[1], errors="strict")
        except UnicodeDecodeError:
            return None
        step = self._wait if isinstance(kind, Transport) else self._send
        return SessionEndpoint(self, step, kind, name)

    def body_limit(self, kind: Kind, name: str) -> int:
        """Return how many bytes a request of this kind may bring to the session ``name``.

        Raises:
            NotFound: there is no such session.
        """
        if isinstance(kind, Transport):
            return 0
        if self.forwarder is not None and self._sessions.find(name) is None:
            return min(frames.INTAKE.size, kind.largest)  # the server with the session checks again
        return min(self._open_session(name).intake.size, kind.largest)

    def _open_session(self, name: str) -> Session:
        session = self._sessions.find(name)
        if session is None or not session.is_open:
            raise NotFound("there is no such session")
        return session

    def answer(self, step: Step, kind: Kind, name: str, request: Request, reply: Reply) -> None:
        """Answer ``request`` to the session ``name``."""
        self._admit(request, reply)
        if self.forwarder is None or self._sessions.find(name) is not None:
            self._answer_here(step, kind, name, request, reply)
            return
        here = partial(self._answer_here, step, kind, name)
        self.forwarder.forward(name, request, reply, here, begins=isinstance(kind, Transport))

    def _answer_forwarded(self, request: Request, reply: Reply) -> None:
        endpoint = self.find(request)
        if endpoint is None or self._sessions.find(endpoint.name) is None:
            raise NotFound("there is no such session")
        self._answer_here(endpoint.step, endpoint.kind, endpoint.name, request, reply)

    def _answer_here(self, step: Step, kind: Kind, name: str, request: Request, reply: Reply) -> None:
        try:
            step(kind, name, request, reply)
        except frames.BadInput as error:
            refuse_encoded(request)
            log.warning("%r from %s refused: 500 %s", request.path, request.peer, error)
            reply.send(500, str(error).encode(), TEXT_HEAD)

    def _wait(self, transport: Transport, name: str, request: Request, reply: Reply) -> None:
        callback = frames.read_callback(request.query().get("c", "")) if transport.calls else b""
        session = self._sessions.open(name, request.peer)
        session.join(self._waiting(transport, callback, request, reply))

    def _waiting(self, transport: Transport, callback: bytes, request: Request, reply: Reply) -> FrameReply:
        lines, wrap = self._heads[transport.name] + self._cookie(request), transport.wrap(callback)
        if not transport.streams:
            return PollReply(transport.name, request.peer, reply, wrap, lines)
        stream = StreamReply(transport.name, request.peer, reply, wrap, self._response)
        stream.begin(lines, transport.prelude(callback))
        return stream

    def _send(self, sender: Sender, name: str, request: Request, reply: Reply) -> None:
        session = self._open_session(name)
        intake = session.intake
        if len(request.body) > intake.size:
            raise TooLarge(
                f"{len(request.body)} bytes; a session that has shown no token may send {intake.size}"
            )
        session.receive(frames.read_messages(sender.payload(request), intake.messages))
        # With a type even if it is empty: otherwise Firefox parses it as XML (the protocol's reason).
        reply.send(sender.status, sender.answer, TEXT_HEAD + self._cookie(request))

    def _admit(self, request: Request, reply: Reply) -> None:
        origin = request.origin
        if origin is None:
            referer = (request.header(b"referer") or b"").decode("latin-1")
            check_page(self._origins, None, referer, request.host or b"")
        elif self._origins.admit(origin, request):
            reply.transform = Cors(origin)

    def _cookie(self, request: Request) -> bytes:
        if not self._sets_cookie:
            return b""
        cookies = (request.header(b"cookie") or b"").decode("latin-1")
        return f"Set-Cookie: {sticky_cookie(cookies)}\r\n".encode()


@dataclass(slots=True, eq=False)
class SessionEndpoint:
    """Answers the requests of one kind to one session.

    Args:
        endpoints: the service's endpoints, which do the work.
        step: the method of ``endpoints`` that answers.
        kind: the transport, or the kind of request that brings messages.
        name: the session's name.
    """

    endpoints: Endpoints
    step: Step
    kind: Kind
    name: str

    def __call__(self, request: Request, reply: Reply) -> None:
        self.endpoints.answer(self.step, self.kind, self.name, request, reply)

    def body_limit(self, request: Request) -> int:
        """Return how many bytes the body of ``request`` may have: see ``thywill.http.site.Endpoint``."""
        return self.endpoints.body_limit(self.kind, self.name)
