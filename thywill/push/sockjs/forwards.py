"""Forwards requests of SockJS sessions between servers that share a queue.

A session consists of several requests, and each may reach another server. The server where the session began
keeps it and answers all its requests; the other servers forward requests to it, and pass its answers on,
piece by piece. A session cannot move, because stock SockJS clients neither acknowledge nor repeat: no server
could know which frames have arrived.

    browser ── xhr_streaming x7 ──▶ one      "x7" is new: one takes the name, and answers itself
    browser ── xhr_send x7 ───────▶ two      "x7" is at one:   REQUEST 5  ──▶  one answers for its session
                                    two      answers 204       ◀── SEND 5
    browser ── xhr_streaming x7 ──▶ three    the stream was full and is begun anew:  REQUEST 8  ──▶  one
                                    three    begins, writes    ◀── BEGIN 8, WRITE 8, WRITE 8 …
                                    three    the browser has read 16 KB:  READ 8  ──▶  one may send more

Pieces are numbered. If one is missing, the browser's connection is closed, as a broken network would close
it. The same happens when the other server ends; each of the two servers checks that by itself. A request that
does not reach the other server, since nobody listens there, is refused at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from functools import partial

import msgspec

from thywill.errors import RequestError, Unavailable
from thywill.http.message import JSON, Reply, Writer
from thywill.http.request import Request
from thywill.hub.relay import Relay
from thywill.push.sockjs.replies import FrameReply
from thywill.push.sockjs.request_form import decode_request, encode_request
from thywill.push.sockjs.sessions import SessionKeeper
from thywill.wire.refusals import answer_to

log = logging.getLogger(__name__)

REQUEST, SEND, BEGIN, WRITE, END, READ, CLOSED, FINISH = range(8)
WINDOW = 64 * 1024
"""Bytes of an answer that may be in flight to another server, or wait there for the browser."""
REPORT_AFTER = 16 * 1024
"""Bytes that a browser reads before this server tells the other one."""
CHECK_EVERY = 2.0
"""Seconds between two checks whether the other servers are alive."""
ANSWER_TIMEOUT = 10.0
"""Seconds that another server has to answer a request that need not wait."""
RENEW_AFTER = 3600.0
"""Seconds after which this server renews the names of its sessions in the store."""

Answer = Callable[[Request, Reply], None]


class Piece(msgspec.Struct, array_like=True):
    """What one server sends another about a forwarded request, such as a piece of its answer.

    Args:
        kind: one of the constants ``REQUEST`` to ``FINISH``.
        number: the request's number on the server to which the browser is connected.
        sequence: the number of this piece of the answer, from 0. For ``READ``: how many bytes the browser has
            read.
        status, head, body: parts of the answer. The body of ``REQUEST`` is the request.
    """

    kind: int
    number: int
    sequence: int = 0
    status: int = 0
    head: bytes = b""
    body: bytes = b""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Piece).decode


class RemoteReply(Reply):
    """The answer to a request that another server has forwarded; that server adds headers such as CORS.

    Args:
        send: sends a piece to that server.
        number: the request's number there.
        ended: called when the answer has ended.
    """

    __slots__ = ("_ended", "_in_flight", "_number", "_send", "_sequence")

    def __init__(self, send: Callable[[Piece], None], number: int, ended: Callable[[], None]) -> None:
        super().__init__(head_only=False)
        self._send = send
        self._number = number
        self._ended = ended
        self._sequence = 0
        self._in_flight = 0

    def send(self, status: int, body: bytes, head: bytes = JSON) -> None:
        self.owner = self._writer = None
        self._send_piece(SEND, status, head, body)
        self._ended()

    def begin(self, status: int, head: bytes, chunk: bytes, writer: Writer) -> bool:
        self.owner = self._writer = writer
        self._send_piece(BEGIN, status, head, chunk)
        return self._may_follow(chunk)

    def write(self, chunk: bytes) -> bool:
        self._send_piece(WRITE, body=chunk)
        return self._may_follow(chunk)

    def _may_follow(self, chunk: bytes) -> bool:
        self._in_flight += len(chunk)
        return self._in_flight <= WINDOW

    def end(self) -> None:
        self.owner = self._writer = None
        self._send_piece(END)
        self._ended()

    def _send_piece(self, kind: int, status: int = 0, head: bytes = b"", body: bytes = b"") -> None:
        self._send(Piece(kind, self._number, self._sequence, status, head, body))
        self._sequence += 1

    def receive(self, piece: Piece) -> None:
        """Handle a piece from the server to which the browser is connected."""
        if piece.kind == READ:
            self._read(piece.sequence)
        elif piece.kind == CLOSED:
            self.abort()
        elif isinstance(self.owner, FrameReply):
            self.owner.end_early()

    def _read(self, count: int) -> None:
        was_over = self._in_flight > WINDOW
        self._in_flight -= count
        if was_over and self._in_flight <= WINDOW:
            self.writable()

    def abort(self) -> None:
        """End the answer: the browser has gone, or the server to which it is connected."""
        self._ended()
        self.closed()


class Forwarded:
    """A request from a browser that is connected here, which another server answers.

    ``server`` is that server's name as soon as it is known; ``is_closed`` says whether the browser has gone.

    Args:
        number: the number of the request.
        reply: the reply to the browser.
        timeout: seconds within which the next piece has to come from the other server.
        send: sends a piece to a server.
        now: the monotonic clock.
        begins: whether the request may begin a session.
    """

    def __init__(
        self,
        number: int,
        reply: Reply,
        timeout: float,
        send: Callable[[str, Piece], None],
        now: Callable[[], float],
        *,
        begins: bool,
    ) -> None:
        self.begins = begins
        self.number = number
        self.reply = reply
        self.server = ""
        self.is_closed = False
        self._timeout = timeout
        self._send = send
        self._now = now
        self._until = now() + timeout
        self._expected = 0
        self._unread = 0
        self._waits = False
        reply.owner = self

    def send(self, kind: int, sequence: int = 0, body: bytes = b"") -> None:
        """Send a piece about this request to the other server."""
        if self.server:
            self._send(self.server, Piece(kind, self.number, sequence, body=body))

    def receive(self, piece: Piece) -> None:
        """Pass a piece of the answer on to the browser."""
        if piece.sequence != self._expected:
            log.warning("a piece of an answer of the server %s is missing", self.server)
            self.fail()
            return
        self._expected += 1
        self._until = self._now() + self._timeout
        if piece.kind == BEGIN:
            self._written(piece, self.reply.begin(piece.status, piece.head, piece.body, self))
        elif piece.kind == WRITE:
            self._written(piece, self.reply.write(piece.body))
        elif piece.kind == SEND:
            self.reply.send(piece.status, piece.body, piece.head)
        else:
            self.reply.end()

    def _written(self, piece: Piece, may_follow: bool) -> None:
        self._unread += len(piece.body)
        self._waits = not may_follow
        if may_follow and self._unread >= REPORT_AFTER:
            self._report_read()

    def _report_read(self) -> None:
        count, self._unread = self._unread, 0
        self.send(READ, count)

    def is_lost(self, alive: Collection[str]) -> bool:
        """Return whether the other server has ended, or has sent nothing for too long."""
        return self.server not in alive or self._now() > self._until

    def fail(self) -> None:
        """The other server will not answer any more: refuse the request, or close its connection."""
        self.send(CLOSED)
        self.is_closed = True
        self.reply.owner = None
        self.reply.send(*answer_to(Unavailable("the server of this session does not answer", retry=2)))

    # What the connection calls: thywill.http.message.Writer.

    def writable(self) -> None:
        """The browser has read enough for more to be sent."""
        if self._waits:
            self._waits = False
            self._report_read()

    def closed(self) -> None:
        """The browser has gone."""
        self.is_closed = True
        self.send(CLOSED)


class Forwarder:
    """Forwards requests to the servers that have their sessions, and answers requests that others forward.

    Args:
        relay: finds these servers.
        sessions: the sessions of this server.
        answer: answers a request to a session of this server; raises a ``RequestError`` if it is not here.
        now: the monotonic clock.
    """

    def __init__(
        self,
        relay: Relay,
        sessions: SessionKeeper,
        answer: Answer,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._relay = relay
        self._sessions = sessions
        self._answer = answer
        self._now = now
        self._forwarded: dict[int, Forwarded] = {}
        self._remote: dict[tuple[str, int], RemoteReply] = {}
        self._last = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to receive pieces, and to check whether the other servers are alive."""
        self._sessions.forgotten = self._relay.release
        self._relay.subscribe(self._received, self._missed)
        self._task = asyncio.get_running_loop().create_task(self._watch_servers())

    def stop(self) -> None:
        """Stop checking the other servers."""
        if self._task is not None:
            self._task.cancel()

    def drain(self) -> None:
        """This server is about to stop: end forwarded requests. Browsers go on with their next requests."""
        for forwarded in self._forwarded.values():
            forwarded.send(FINISH)

    # Requests of browsers that are connected here.

    def forward(self, name: str, request: Request, reply: Reply, here: Answer, *, begins: bool) -> None:
        """Find the server that has the session ``name``, and let it answer.

        Args:
            name: the name of a session that is not here.
            request: the request.
            reply: the reply to it.
            here: answers the request if no other server has the session.
            begins: whether the request waits for frames, and so may begin a session.
        """
        self._last += 1
        timeout = 2 * self._sessions.hold + ANSWER_TIMEOUT if begins else ANSWER_TIMEOUT
        forwarded = Forwarded(self._last, reply, timeout, self._send, self._now, begins=begins)
        find = self._relay.claim if begins else self._relay.find
        find(name, partial(self._found, name, request, forwarded, here))

    def _found(
        self, name: str, request: Request, forwarded: Forwarded, here: Answer, server: str | None
    ) -> None:
        if server is None:
            error = Unavailable("the servers' shared store is away at present", retry=2)
            forwarded.reply.send(*answer_to(error))
        elif server:
            self._send_request(request, forwarded, server)
        else:
            forwarded.reply.owner = None
            if not forwarded.is_closed:
                _answer(here, request, forwarded.reply)
            if forwarded.begins and self._sessions.find(name) is None:
                self._relay.release(name)

    def _send_request(self, request: Request, forwarded: Forwarded, server: str) -> None:
        if not forwarded.is_closed:
            forwarded.server = server
            self._forwarded[forwarded.number] = forwarded
            forwarded.send(REQUEST, body=encode_request(request))

    # Pieces.

    def _send(self, server: str, piece: Piece) -> None:
        self._relay.send(server, _encode(piece))
        if piece.kind == CLOSED:
            self._forwarded.pop(piece.number, None)

    def _received(self, server: str, text: bytes) -> None:
        piece = _decode(text)
        if piece.kind == REQUEST:
            self._answer_remote(server, piece)
        elif piece.kind in (SEND, BEGIN, WRITE, END):
            self._relay_piece(server, piece)
        elif (reply := self._remote.get((server, piece.number))) is not None:
            reply.receive(piece)

    def _relay_piece(self, server: str, piece: Piece) -> None:
        forwarded = self._forwarded.get(piece.number)
        if forwarded is not None:
            if piece.kind in (SEND, END):
                del self._forwarded[piece.number]
            forwarded.receive(piece)
        elif piece.kind in (BEGIN, WRITE):
            self._relay.send(server, _encode(Piece(CLOSED, piece.number)))

    def _answer_remote(self, server: str, piece: Piece) -> None:
        """Answer a request that another server forwards."""
        key = (server, piece.number)

        def ended() -> None:
            self._remote.pop(key, None)

        reply = self._remote[key] = RemoteReply(partial(self._send, server), piece.number, ended)
        _answer(self._answer, decode_request(piece.body), reply)

    # Servers that end.

    async def _watch_servers(self) -> None:
        renewed = self._now()
        while True:
            await asyncio.sleep(CHECK_EVERY)
            if self._forwarded or self._remote:
                self._end_lost(await self._relay.live_servers())
            if self._now() > renewed + RENEW_AFTER:
                renewed = self._now()
                self._relay.renew(list(self._sessions.by_name))

    def _missed(self, server: str) -> None:
        """A note has not reached a server: refuse the requests that it should answer.

        The list of servers has a dead server for some seconds more, and the browsers would wait for it.
        """
        for forwarded in [each for each in self._forwarded.values() if each.server == server]:
            forwarded.fail()

    def _end_lost(self, alive: Collection[str]) -> None:
        for forwarded in list(self._forwarded.values()):
            if forwarded.is_lost(alive):
                forwarded.fail()
        for (server, _), reply in list(self._remote.items()):
            if server not in alive:
                reply.abort()


def _answer(answer: Answer, request: Request, reply: Reply) -> None:
    try:
        answer(request, reply)
    except RequestError as error:
        reply.send(*answer_to(error))
