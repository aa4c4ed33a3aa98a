"""One connection: reads requests, has them answered one after another, and keeps its deadlines.

``states.py`` has the states and an example; this module does the work of each transition."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from typing import Final, cast

from thywill.core.address import share_of
from thywill.core.wheel import NEVER
from thywill.http.exchange import Exchange
from thywill.http.handler import HandlerConnection
from thywill.http.message import Refusal
from thywill.http.outgoing import Outgoing
from thywill.http.proxies import UNIX, is_unix, peer_of
from thywill.http.reader import Arrived, RequestReader, discard, size_of
from thywill.http.reply import CLOSE, FastReply, format_answer
from thywill.http.request import Request
from thywill.http.shared import SPARE_READERS, Registry, Shared
from thywill.http.states import TAKING, Input, advance
from thywill.http.states import ConnectionEvent as Event
from thywill.http.states import ConnectionState as State

log = logging.getLogger(__name__)

RETRY: Final = b"Retry-After: 5\r\n"
TOO_MUCH = Refusal(503, "the server holds too many bytes of requests: try again", RETRY)
READ_AHEAD_LIMIT: Final = 64 * 1024
"""Bytes that are read ahead while a request is being answered. No browser sends so many."""
HELD_BACK_LIMIT: Final = 64 * 1024
"""Bytes of answers that may be held back until everything that has arrived is read."""


class Connection(Outgoing):
    """The server's end of one connection.

    Between requests a connection has no reader, and while a request waits for its answer it has no deadline.
    So a parked client costs this object, its transport and its reply.

    Args:
        shared: what all connections of the server share.
        registry: is told when the connection opens and when it closes.
    """

    __slots__ = (
        "_exchange",
        "_input",
        "_is_holding",
        "_peer",
        "_pending",
        "_places",
        "_reader",
        "_registry",
        "_request_share",
        "_share",
        "_timed",
        "_trusted",
    )

    def __init__(self, shared: Shared, registry: Registry) -> None:
        super().__init__(shared)
        self._registry = registry
        self._timed = shared.first_state
        self._input = Input.OPEN
        self._peer = ""
        self._trusted = False
        self._share = self._request_share = ""
        self._is_holding = False
        self._reader: RequestReader | None = None
        self._exchange: Exchange | None = None
        self._pending: Arrived | None = None
        self._places = 0

    @property
    def state(self) -> State:
        """What the connection waits for."""
        return self._timed.state

    def _fire(self, event: Event) -> None:
        after = self._timed.after.get(event)
        if after is None:
            advance(self._timed.state, event)  # raises
        elif after is not self._timed:
            self._timed = after
            seconds = after.seconds
            if seconds is None:
                self.deadline = NEVER
            else:
                self._schedule(seconds)

    def _schedule(self, seconds: float) -> None:
        shared, slot = self.shared, self.slot
        deadline = shared.now() + seconds
        if slot is not None and deadline >= (slot - 1) * shared.tick_seconds:
            # The wheel visits the connection before the deadline and moves it then. Every request comes here.
            self.deadline = deadline
        else:
            shared.wheel.schedule(self, deadline)

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not an isinstance check: uvloop's transports are not asyncio's.
        self.transport = cast(asyncio.Transport, transport)
        self._peer = self._find_peer(transport)
        self._trusted = self.shared.proxies.trusts(self._peer)
        self._registry.opened(self)
        self._fire(Event.NOTHING)
        if self._peer == UNIX and not is_unix(transport):
            self.abort()
        elif not self._trusted:
            self._admit_connection()

    def _find_peer(self, transport: asyncio.BaseTransport) -> str:
        return peer_of(transport.get_extra_info("peername"))

    def _admit_connection(self) -> None:
        share = share_of(self._peer)
        if self.shared.address_limit.acquire(share):
            self._share = share
            return
        # Not by ``refuse``, which keeps the connection open for a moment: this address has too many already.
        self.write(self._refusal(Refusal(429, "too many connections from this address", RETRY)))
        self.close()

    def data_received(self, data: bytes) -> None:
        if self._timed.state is State.IDLE:
            self._begin(data)
        elif self._timed.state >= State.LINGERING:
            return
        else:
            arrived = self._read(data)
            if arrived:
                self._pending = [*self._pending, *arrived] if self._pending else arrived
            self._go_on()
        if self._reader is not None or self._pending:
            if self._timed.state not in TAKING and self._is_enough():
                self._pause()
            elif self._timed.state is State.BODY and len(data) > READ_AHEAD_LIMIT:
                self._pause()  # connections with large bodies take turns
                self.shared.turns.wait(share_of(self._peer), self._resume)
            self._report_held_bytes()
        elif self._is_holding:
            self._report_held_bytes()

    def eof_received(self) -> bool:
        # A browser that has sent its last byte may still read the answer. But a parked poll is closed: its
        # page was probably closed, so a message written to it would not arrive.
        exchange, self._input = self._exchange, Input.ENDED
        is_served = self._timed.state in (State.WAITING, State.ANSWERING, State.BLOCKED, State.FLUSHING)
        if not is_served or (exchange is not None and exchange.is_parked):
            self.close()
            return False
        if self._timed.state is State.ANSWERING:
            self._schedule(self.shared.timeouts.last)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        exchange, self._exchange = self._exchange, None
        discard(self._reader)
        self.transport = self._reader = self._pending = None
        self._fire(Event.LOSE)
        self.shared.wheel.cancel(self)
        self._report_held_bytes()
        self._release_request()
        if self._share:
            self.shared.address_limit.release(self._share)
        self._registry.closed(self)
        self._release_writers()
        if exchange is not None:
            exchange.closed()

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()
        self._fire(Event.PAUSE_WRITING)
        self._report_held_bytes()

    def resume_writing(self) -> None:
        self._release_writers()
        self._fire(Event.RESUME_WRITING)
        # In the next turn: asyncio's transport reports the loss twice if it is closed inside this call.
        asyncio.get_running_loop().call_soon(self._writing_resumed)

    def _writing_resumed(self) -> None:
        if self._is_holding:
            self._report_held_bytes()
        if self._timed.state is State.ANSWERING and self._exchange is not None:
            self._exchange.writable()
        else:
            self._go_on()

    # What an exchange calls.

    def answer(self, data: bytes) -> None:
        """Send a whole answer; the answer to a request that was just read waits until the end of the turn.

        So a proxy on the same machine is woken once for the answers to many browsers. Waking it costs as much
        as reading a request.
        """
        if self.transport is None:
            return
        if self._timed.state is not State.DISPATCHING and not self._answers:
            self.transport.write(data)
            return
        if not self._answers:
            shared = self.shared
            if not shared.answering:
                shared.call_soon(write_all, shared)
            shared.answering.append(self)
        self._answers += data
        if len(self._answers) > HELD_BACK_LIMIT:
            self.write_answers()

    def write_answers(self) -> None:
        """Send the answers that were held back."""
        answers, self._answers = self._answers, b""
        if answers and self.transport is not None:
            self.transport.write(answers)

    def finished(self, *, close: bool) -> None:
        """The answer to the current request is written; ``close`` says whether it was the last one."""
        self._exchange = None
        if self._request_share:
            self._release_request()
        if close or self.shared.stopping:
            self.close()
            return
        is_called = self._timed.state is State.DISPATCHING
        if self._timed.state is State.ANSWERING and self._is_idle():
            self._fire(Event.ANSWERED_IDLE)
            return
        self._fire(Event.ANSWERED)
        if not is_called:
            self._go_on()

    def _is_idle(self) -> bool:
        """Return whether everything that has arrived is handled, and more may arrive."""
        if self._pending is not None or self._reader is not None or self._is_holding:
            return False
        return self._input is Input.OPEN

    def refuse(self, refusal: Refusal, event: Event = Event.REFUSE) -> None:
        """Answer with an error and close, but keep reading for a moment (RFC 9112, 9.6).

        A close with unread bytes would reset the connection, and the browser would lose the answer.
        """
        discard(self._reader)
        self._pending = self._reader = self._exchange = None
        self._fire(event)
        self._report_held_bytes()
        self.write(self._refusal(refusal))
        if self.transport is not None and self.is_open():
            with contextlib.suppress(OSError):  # the browser has just reset the connection
                self.transport.write_eof()

    def _refusal(self, refusal: Refusal) -> bytes:
        request, shared = Request(), self.shared
        request.peer = self._peer
        status, body, head = shared.site.refuse(refusal, request)
        return format_answer(shared, status, head + CLOSE, body)

    def shed(self) -> None:
        """Close, because all connections together hold too many bytes and this one holds most."""
        is_reading = self._timed.state in (State.HEAD, State.BODY)
        return self.refuse(TOO_MUCH) if is_reading else self.abort()

    def close(self) -> None:
        """Close as soon as everything that was written is sent."""
        discard(self._reader)
        self._pending = self._reader = None
        self.write_answers()
        if self.transport is not None:
            self._fire(Event.CLOSE)
            if self.transport.get_write_buffer_size():
                self._schedule(self.shared.timeouts.write)
            self.transport.close()

    def abort(self) -> None:
        """Close at once; bytes that are not sent yet are dropped."""
        if self.transport is not None:
            self._fire(Event.ABORT)
            self.transport.abort()

    # What the server calls.

    def awaits_request(self, *, bodies: bool) -> bool:
        """Return whether no whole request is here: a stopping server does not wait long for the next one.

        Args:
            bodies: whether a request whose body has only partly arrived counts as missing, too.
        """
        state = self._timed.state
        if state is State.FLUSHING:
            return not self._pending
        return state in (State.IDLE, State.HEAD, State.LINGERING) or (bodies and state is State.BODY)

    def timed_out(self) -> None:
        """The deadline has passed."""
        if self._timed.state in (State.BLOCKED, State.FLUSHING, State.CLOSING):
            log.warning("%s does not read its answer: the connection is closed", self._peer)
        if advance(self._timed.state, Event.TIMEOUT) is State.LINGERING:
            self.refuse(Refusal(408, "the request did not arrive in time"), Event.TIMEOUT)
        elif self.transport is not None:
            self._fire(Event.TIMEOUT)
            self.transport.abort()

    # Reading.

    def _begin(self, data: bytes) -> None:
        """Read bytes that arrive between two requests; they nearly always are one whole request."""
        heads = self.shared.heads
        known = heads.find(data, self._peer, self._places, trusted=self._trusted)
        if known is not None:
            self._places = known.places
            self._serve(known)
            if self._timed.state is State.READY:
                self._go_on()
            return
        self._pending = arrived = self._read(data) or None
        if arrived is not None and len(arrived) == 1 and self._reader is None:
            (request,) = arrived
            if isinstance(request, Request):
                heads.keep(data, request, self._peer, trusted=self._trusted)
        self._go_on()

    def _read(self, data: bytes) -> Arrived:
        spare = self.shared.spare_readers
        reader = self._reader or (spare.pop() if spare else self.shared.new_reader())
        arrived = reader.feed(data)
        if reader.between:
            self._reader = None
            if len(spare) < SPARE_READERS:
                spare.append(reader)
        else:
            self._reader = reader
        return arrived

    def _is_enough(self) -> bool:
        """Return whether to stop reading until the current request is answered."""
        limits, reader, pending = self.shared.limits, self._reader, self._pending or ()
        if len(pending) >= limits.pipeline or (reader is not None and reader.unread):
            return True
        return self._unanswered() >= min(limits.body, READ_AHEAD_LIMIT)

    def _unanswered(self) -> int:
        """Return how many bytes of requests wait to be handled."""
        return size_of(self._pending, self._reader)

    def _report_held_bytes(self) -> None:
        """Report how many bytes this connection holds, of requests and of unread answers."""
        held = self._unanswered()
        if self._writable is not None and self.transport is not None:
            held += self.transport.get_write_buffer_size()
        if held or self._is_holding:
            self._is_holding = held > 0
            self.shared.held.set(self, self._charged_address(), held)

    def _charged_address(self) -> str:
        """Return the address that the bytes count to; behind a proxy it is known when the head is read."""
        if not self._trusted:
            return self._share
        request = self._reader.request if self._reader is not None else None
        if request is None or not request.forwarded:
            return ""
        request.peer = self._peer
        self.shared.proxies.resolve(request)
        return share_of(request.peer) if request.peer != self._peer else ""

    def _pause(self) -> None:
        if self._input is Input.OPEN and self.transport is not None:
            self._input = Input.PAUSED
            self.transport.pause_reading()

    def _resume(self) -> None:
        if self._input is Input.PAUSED and self.transport is not None:
            self._input = Input.OPEN
            self.transport.resume_reading()

    # Answering.

    def _go_on(self) -> None:
        """Handle the requests that have arrived, until the connection has to wait for something."""
        # A loop and not a call from ``finished``: a hundred pipelined requests that are answered at once must
        # not become a hundred nested calls.
        share = self.shared.limits.per_turn
        while self._timed.state in TAKING:
            request = self._take_next()
            if self._writable is not None:
                self._put_back(request)
                self._fire(Event.PAUSE_WRITING)
            elif request is None:
                self._wait_for_bytes()
                return
            elif share == 0:
                self._put_back(request)
                self._fire(Event.SHARE_USED)
                self.shared.turns.wait(share_of(self._peer), self._take_turn)
            else:
                share -= 1
                self._dispatch(request)

    def _take_turn(self) -> None:
        self._fire(Event.TURN)
        self._go_on()

    def _take_next(self) -> Request | Refusal | None:
        pending = self._pending
        if not pending and self._reader is not None and self._reader.unread:
            pending = self._read(b"")
        if not pending:
            return None
        request = pending.pop(0)
        self._pending = pending or None
        return request

    def _put_back(self, request: Request | Refusal | None) -> None:
        if request is not None:
            self._pending = [request, *(self._pending or ())]

    def _wait_for_bytes(self) -> None:
        """Wait for the next bytes: every whole request has been handled."""
        reader = self._reader
        if self._input is Input.ENDED:
            self.close()
            return
        self._resume()
        if self._is_holding:
            self._report_held_bytes()
            if self._timed.state not in TAKING:
                return
        if reader is None:
            self._fire(Event.NOTHING)
        elif not reader.in_body:
            self._fire(Event.PART_HEAD)
        else:
            self._fire(Event.PART_BODY)
            if reader.take_expectation():
                self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _dispatch(self, request: Request | Refusal) -> None:
        if isinstance(request, Refusal):
            self.refuse(request)
            return
        request.peer = self._peer
        if request.forwarded:
            self.shared.proxies.read(request, trusted=self._trusted)
        self._serve(request)

    def _serve(self, request: Request) -> None:
        """Have ``request`` answered; the browser's address is known here."""
        self._fire(Event.REQUEST)
        site = self.shared.site
        reply = self._exchange = FastReply(self, request)
        endpoint = site.find(request)
        if request.peer != self._peer and not self._admit_request(request):
            refusal = Refusal(429, "too many requests from this address are in flight", RETRY)
            reply.send(*site.refuse(refusal, request))
        elif endpoint is None:
            handler = self._exchange = HandlerConnection(self, request)
            # A Tornado handler takes ten times as long as an endpoint, so it waits for its address's turn.
            self.shared.turns.wait(share_of(request.peer), partial(handler.run, site.application))
        elif len(request.body) > self.shared.limits.small_body:
            self.shared.turns.wait(share_of(request.peer), partial(reply.run, endpoint, request))
        else:
            site.answer(endpoint, request, reply)
        if self._timed.state is State.DISPATCHING:
            self._wait_for_answer()

    def _admit_request(self, request: Request) -> bool:
        share = share_of(request.peer)
        if not self.shared.address_limit.acquire(share):
            return False
        self._request_share = share
        return True

    def _release_request(self) -> None:
        share, self._request_share = self._request_share, ""
        if share:
            self.shared.address_limit.release(share)

    def _wait_for_answer(self) -> None:
        self._fire(Event.PARKED)
        if self._writable is not None:
            self._fire(Event.PAUSE_WRITING)
        if self._input is Input.ENDED:
            if self._exchange is not None and self._exchange.is_parked:
                self.close()
            else:
                self._schedule(self.shared.timeouts.last)


def write_all(shared: Shared) -> None:
    """Write the answers that connections held back in this turn of the loop."""
    answering, shared.answering = shared.answering, []
    for connection in answering:
        connection.write_answers()
