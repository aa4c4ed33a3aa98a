"""A SockJS session that carries one thywill client: each SockJS message holds one envelope of the wire."""

from __future__ import annotations

import logging
import sys
from functools import partial

from thywill.core import envelope
from thywill.core.log import Entry, Waiting
from thywill.core.outbox import lost_in
from thywill.errors import BadToken, Draining, Gap, Gone, Malformed, RequestError, TooLarge, TooMany
from thywill.hub.client import LiveClient
from thywill.hub.hub import Hub
from thywill.hub.ports import Elsewhere
from thywill.push.base import ReadItems
from thywill.push.sockjs import frames
from thywill.push.sockjs.frames import INTAKE, Intake
from thywill.push.sockjs.session import Keeper, Session

log = logging.getLogger(__name__)

CLOSE_CODE = 3600
"""The code of a close frame is this plus the error's HTTP status: 4010 is ``Gone``, whose status is 410."""
SUPERSEDED = 4200

TOKEN_SECONDS = 10.0
"""Seconds within which a session has to show a token."""
ANONYMOUS = Intake(size=16 * 1024, messages=10)
"""How much one request may bring before that: the message with the token, and a few that followed at once."""

PASSING = (Gap, TooLarge, TooMany)
"""Errors about the messages that were sent. They are reported, and the session goes on."""


class ClientSession(Session):
    """One session, which is also its client's receiver (``thywill.hub.client.Receiver``).

    It writes each message of the client's outbox once. A message stays in the outbox until the browser
    acknowledges it, so a session that breaks off loses nothing: the next begins after the browser's cursor.

    Args:
        hub: holds the live clients.
        read_items: decodes the messages of a frame: see ``SendLimits.reader``.
        keeper, name: as for every ``Session``.
    """

    __slots__ = (
        "_address",
        "_client",
        "_deferred",
        "_greets",
        "_hub",
        "_outcome",
        "_read_items",
        "_sent",
        "_transport",
    )

    def __init__(self, hub: Hub, read_items: ReadItems, keeper: Keeper, name: str) -> None:
        super().__init__(keeper, name)
        self._hub = hub
        self._read_items = read_items
        self._client: LiveClient | None = None
        self._sent = 0
        self._greets = False
        self._outcome: bytes | None = None
        self._deferred: list[str] | None = None  # messages that arrive while the client moves to this server
        self._address = self._transport = ""

    # What ``Session`` calls.

    def on_open(self) -> None:
        if self._hub.draining:
            self._refuse(_stopping())

    def on_join(self, address: str, transport: str) -> None:
        self._address, self._transport = address, sys.intern(f"sockjs {transport.replace('_', '-')}")
        if self._client is not None:
            self._hub.locate(self._client, self._address, self._transport)

    def on_message(self, message: str) -> None:
        if self._deferred is not None:
            self._deferred.append(message)
            return
        data = message.encode()
        try:
            self._take(envelope.decode(envelope.ClientFrame, data))
        except Elsewhere as elsewhere:
            if self.is_open:  # a closed session needs no client: its page opens another session
                self._wait_for_client(elsewhere, message)
        except RequestError as error:
            self._refuse(error)

    def _wait_for_client(self, elsewhere: Elsewhere, message: str) -> None:
        """Handle ``message`` and those that follow when the client has moved here from another server."""
        self._client, self._deferred = None, []
        frame = envelope.decode(envelope.ClientFrame, message.encode())
        elsewhere.claim(frame.cursor or 0, partial(self._take_again, message))

    def _take_again(self, message: str, error: RequestError | None) -> None:
        held, self._deferred = self._deferred or [], None
        if self.is_open and error is not None:
            self._refuse(error)
        for each in (message, *held):
            if self.is_open:
                self.on_message(each)
        self.flush()

    def on_heartbeat(self) -> None:
        if self._client is None and self._deferred is None:
            self._refuse(BadToken("this session has not shown a token"))

    def on_drain(self) -> None:
        self._close_with(_stopping())

    def on_end(self) -> None:
        client, self._client = self._client, None
        if client is not None and client.receiver is self:
            self._hub.release(client)

    @property
    def hold(self) -> float:
        hold = self._keeper.hold
        return min(hold, TOKEN_SECONDS) if self.anonymous else hold

    @property
    def intake(self) -> Intake:
        return ANONYMOUS if self.anonymous else INTAKE

    # Writing to the browser.

    def next_frame(self) -> bytes:
        client, after = self._client, self._sent
        items = client.outbox.batch_after(after) if client is not None else []
        if len(items) == 1 and isinstance(items[0], Entry) and self._outcome is None:
            # The usual case. A broadcast sends these same bytes to thousands of sessions in a row.
            self._sent = items[0].id
            frame = items[0].form(frames.Part).frame(self._sent, after)
        else:
            frame = self._make_frame(items)
        self._greets = False
        if frame and client is not None and client.timed is not None:
            self._hub.written(client)
        return frame

    def _make_frame(self, items: list[Waiting]) -> bytes:
        said: list[bytes] = []
        if items or self._greets:
            after, self._sent = self._sent, items[-1].id if items else self._sent
            parts = [item.form(frames.Part).text for item in items if isinstance(item, Entry)]
            said.append(frames.answer(parts, self._sent, after, lost_in(items)))
        if self._outcome is not None:
            said.append(frames.quote(self._outcome))
            self._outcome = None
        return frames.messages(said) if said else b""

    # Reading from the browser.

    def _take(self, frame: envelope.ClientFrame) -> None:
        client = self._client
        if client is None:
            client = self._show_token(frame.token, frame.cursor or 0)
        elif frame.token not in (None, client.token):
            raise Malformed("this session has shown another token before")
        elif frame.cursor is not None:
            self._hub.acknowledge(client, frame.cursor)
        # An echo is answered even without messages: the browser measures the round trip.
        self._greets = self._greets or frame.echo
        if not self.is_open:
            return
        if frame.messages != envelope.NO_MESSAGES:
            self._hub.receive(client, self._read_items(frame.messages), self._answer, len(frame.messages))
        if frame.leave:
            self._hub.leave(client)

    def _show_token(self, token: str | None, cursor: int) -> LiveClient:
        if token is None:
            raise BadToken("the first message of a session must show a token")
        client = self._client = self._hub.find(token)
        self._keeper.show_token(self)
        self._hub.locate(client, self._address, self._transport)
        self._sent, self._greets = cursor, True
        try:
            self._hub.attach(client, self, cursor)
        except TooMany as error:
            self._hub.refused(error)
            self._close_with(error)
        return client

    def _answer(self, received: int, error: RequestError | None) -> None:
        if self.is_open:
            self._outcome = envelope.encode_error(error) if error else envelope.encode_received(received)
            self.flush()

    def _refuse(self, error: RequestError) -> None:
        # The log has the client's id in a field of its own.
        about = {"client": self._client and self._client.id}
        log.warning("a frame from %s refused: %d %s", self._address, error.status, error.code, extra=about)
        self._hub.refused(error)
        if isinstance(error, PASSING):
            self._outcome = envelope.encode_error(error)
        else:
            self._close_with(error)

    def _close_with(self, error: RequestError) -> None:
        self.close(CLOSE_CODE + error.status, error.message, envelope.encode_error(error))

    # What the hub calls: thywill.hub.client.Receiver; ``flush`` is the session's.

    def expire(self) -> None:
        """Does nothing: the session's own heartbeats keep its request alive."""

    def supersede(self) -> None:
        assert self._client is not None
        said = envelope.encode_superseded(self._client.outbox.cursor)
        self.close(SUPERSEDED, "superseded", said)

    def retry(self, seconds: float) -> None:
        assert self._client is not None
        said = envelope.encode_retry(self._client.outbox.cursor, seconds)
        self.close(CLOSE_CODE + Draining.status, "the server is about to stop", said)

    def end(self, reason: Gone) -> None:
        self._close_with(reason)


def _stopping() -> Draining:
    return Draining("the server is about to stop", retry=2)
