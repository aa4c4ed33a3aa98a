"""``xhr`` and ``xhr_send`` as thin endpoints: what a polling browser asks for again and again.

They stand for sockjs-tornado's ``XhrPollingTransport`` and ``XhrSendHandler``, without a handler, a header
object and a dozen calls for each of them, which makes a poll several times cheaper.
"""

from __future__ import annotations

import functools
import logging
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from thywill.components.push.sockjs import frames
from thywill.components.push.sockjs.handlers import JAVASCRIPT, NOT_CACHED, TEXT, sticky_cookie
from thywill.components.push.sockjs.library import ConnectionInfo
from thywill.errors import NotFound
from thywill.http.endpoint import Cors
from thywill.http.message import Reply, Request
from thywill.http.site import Endpoint

if TYPE_CHECKING:
    from thywill.components.push.sockjs.router import Router
    from thywill.components.push.sockjs.session import Session

log = logging.getLogger(__name__)


def head(content_type: str) -> bytes:
    """Return the header lines of an answer."""
    lines = (
        f"Content-Type: {content_type}",
        f"Cache-Control: {NOT_CACHED}",
        "X-Accel-Buffering: no",
        "X-Content-Type-Options: nosniff",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


FRAME_HEAD = head(JAVASCRIPT)
TEXT_HEAD = head(TEXT)


class XhrEndpoints:
    """The two addresses of one service."""

    def __init__(self, router: Router) -> None:
        self._router = router
        prefix = re.escape(router.prefix.encode())
        self._pattern = re.compile(prefix + rb"/[^/.]{1,128}/([^/.]{1,128})/(xhr|xhr_send)")

    def find(self, request: Request) -> Endpoint | None:
        """Return the endpoint of ``request`` where it is a POST to one of the two."""
        found = self._pattern.fullmatch(request.path)
        if found is None or request.method != b"POST":
            return None
        handle = self._poll if found[2] == b"xhr" else self._send
        try:
            return functools.partial(handle, unquote(found[1], errors="strict"))
        except UnicodeDecodeError:
            return None

    def _poll(self, session_id: str, request: Request, reply: Reply) -> None:
        self._admit(request, reply)
        self._router.check_room(session_id)
        poll = XhrPoll(request.peer, reply, FRAME_HEAD + self._cookie(request))
        session = self._router.get_session(session_id) or self._router.create_session(session_id)
        if session.set_handler(poll):
            poll.session = session
            session.verify_state()

    def _send(self, session_id: str, request: Request, reply: Reply) -> None:
        self._admit(request, reply)
        session = self._router.get_session(session_id)
        if session is None or session.is_closed:
            raise NotFound("there is no such session")
        try:
            messages = frames.read_messages(request.body)
        except frames.BadBody as error:
            log.warning("%r from %s refused: 500 %s", request.path, request.peer, error)
            reply.send(500, str(error).encode(), TEXT_HEAD)
            return
        session.on_messages(messages)
        # With its type, though it is empty: Firefox takes it for XML otherwise (the protocol's reason).
        reply.send(204, b"", TEXT_HEAD + self._cookie(request))

    def _admit(self, request: Request, reply: Reply) -> None:
        origin, referer = request.header(b"origin"), request.header(b"referer") or b""
        page = None if origin is None else origin.decode("latin-1")
        if self._router.admit(page, referer.decode("latin-1"), request.host or b"") and origin is not None:
            reply.dress = Cors(origin)

    def _cookie(self, request: Request) -> bytes:
        if not self._router.settings["jsessionid"]:
            return b""
        cookies = (request.header(b"cookie") or b"").decode("latin-1")
        return f"Set-Cookie: {sticky_cookie(cookies)}\r\n".encode()


class XhrPoll:
    """One poll: what sockjs-tornado's session takes for a handler."""

    __slots__ = ("_head", "_reply", "active", "address", "session")

    name = "xhr"

    def __init__(self, address: str, reply: Reply, answer_head: bytes) -> None:
        self.active = True
        self.address = address
        self.session: Session | None = None
        self._reply = reply
        self._head = answer_head
        reply.owner = self

    def get_conn_info(self) -> ConnectionInfo:
        """Return what a connection is told at its opening."""
        return ConnectionInfo(self.address, {}, {}, {}, "")

    def send_pack(self, message: bytes, binary: bool = False) -> None:
        """Answer with a frame."""
        self.active = False
        self._detach()
        self._reply.send(200, message + b"\n", self._head)

    def session_closed(self) -> None:
        """The session has ended, and this request has been told."""

    def closed(self) -> None:
        """The browser has gone."""
        self.active = False
        session = self._detach()
        if session is not None:
            session.interrupt()

    def _detach(self) -> Session | None:
        session, self.session = self.session, None
        if session is not None:
            session.remove_handler(self)
        return session
