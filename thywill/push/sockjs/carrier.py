"""A thywill client behind a SockJS session: DESIGN's envelope in the session's messages."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from thywill.core import envelope
from thywill.core.outbox import Entry, Waiting, lost_in
from thywill.errors import BadToken, Draining, Gap, Gone, Malformed, RequestError, TooLarge, TooMany
from thywill.hub.client import LiveClient
from thywill.push.sockjs import frames
from thywill.push.sockjs.session import Connection, Session

if TYPE_CHECKING:
    from thywill.push.sockjs.component import SockJS

log = logging.getLogger(__name__)

CLOSE_CODE = 3600
"""Added to an error's HTTP status it makes the code of the close frame: 4010 is gone."""
SUPERSEDED = 4200

PASSING = (Gap, TooLarge, TooMany)
"""Errors that are about what was sent and leave the session as it is."""


class Carrier(Connection):
    """One session's receiver for the hub: it writes what is in its client's queue, each message once.

    What was written leaves the queue when the browser acknowledges it, so a session that breaks off loses
    nothing: the next one begins after the browser's cursor.
    """

    __slots__ = ("_address", "_client", "_greets", "_hub", "_outcome", "_push", "_sent", "_transport")

    def __init__(self, push: SockJS, session: Session) -> None:
        super().__init__(session)
        self._push = push
        self._hub = push.hub
        self._client: LiveClient | None = None
        self._sent = 0
        self._greets = False
        self._outcome: bytes | None = None
        self._address = self._transport = ""

    # What the session calls.

    def on_open(self, request: Any) -> None:
        if self._hub.draining:
            self._refuse(Draining("the server is about to stop", retry=2))

    def on_attach(self, address: str, transport: str) -> None:
        self._address, self._transport = address, sys.intern(f"sockjs {transport.replace('_', '-')}")
        if self._client is not None:
            self._hub.locate(self._client, self._address, self._transport)

    def on_message(self, message: str) -> None:
        data = message.encode()
        try:
            self._take(envelope.decode(envelope.ClientFrame, data), len(data))
        except RequestError as error:
            self._refuse(error)

    def on_heartbeat(self) -> None:
        if self._client is None:
            self._refuse(BadToken("this session has not said whose it is"))

    def on_drain(self) -> None:
        stopping = Draining("the server is about to stop", retry=2)
        self._end(envelope.encode_error(stopping), CLOSE_CODE + stopping.status, stopping.message)

    def on_writable(self) -> None:
        client, after = self._client, self._sent
        items = client.outbox.batch_after(after) if client is not None else []
        if len(items) == 1 and isinstance(items[0], Entry) and self._outcome is None:
            # Nearly always, and for thousands in a row, who get the same bytes.
            self._sent = items[0].id
            frame = items[0].form(frames.Part).frame(self._sent, after)
        else:
            frame = self._frame(items)
        self._greets = False
        if frame:
            self.session.write(frame)
            if client is not None and client.timed is not None:
                self._hub.meter.written(client)

    def _frame(self, items: list[Waiting]) -> bytes:
        """Return the frame with all that there is to say, or nothing."""
        said: list[bytes] = []
        if items or self._greets:
            after, self._sent = self._sent, items[-1].id if items else self._sent
            parts = [item.form(frames.Part).text for item in items if isinstance(item, Entry)]
            said.append(frames.answer(parts, self._sent, after, lost_in(items)))
        if self._outcome is not None:
            said.append(frames.quote(self._outcome))
            self._outcome = None
        return frames.messages(said) if said else b""

    def on_close(self) -> None:
        client, self._client = self._client, None
        if client is not None and client.receiver is self:
            self._hub.release(client)

    # What the browser says.

    def _take(self, frame: envelope.ClientFrame, size: int) -> None:
        client = self._client
        if client is None:
            client = self._attach(frame.token, frame.cursor or 0)
        elif frame.token not in (None, client.token):
            raise Malformed("this session has shown another token before")
        elif frame.cursor is not None:
            self._hub.acknowledge(client, frame.cursor)
        if self.session.is_closed:
            return
        if frame.messages is not None:
            self._push.limits.check(frame.messages, size)
            self._hub.receive(client, frame.messages, self._answer)
        if frame.leave:
            self._hub.leave(client)

    def _attach(self, token: str | None, cursor: int) -> LiveClient:
        if token is None:
            raise BadToken("the first message of a session must show a token")
        client = self._client = self._hub.find(token)
        self._hub.locate(client, self._address, self._transport)
        self._sent, self._greets = cursor, True
        self._hub.attach(client, self, cursor)
        return client

    def _answer(self, received: int, error: RequestError | None) -> None:
        if not self.session.is_closed:
            self._outcome = envelope.encode_error(error) if error else envelope.encode_received(received)
            self.session.flush()

    def _refuse(self, error: RequestError) -> None:
        # The client goes into a field of its own.
        about = {"client": self._client and self._client.id}
        log.warning("a frame from %s refused: %d %s", self._address, error.status, error.code, extra=about)
        self._hub.meter.errors[error.code] += 1
        if isinstance(error, PASSING):
            self._outcome = envelope.encode_error(error)
        else:
            self._end(envelope.encode_error(error), CLOSE_CODE + error.status, error.message)

    # What the hub calls: thywill.hub.client.Receiver.

    def flush(self) -> None:
        self.session.flush()

    def expire(self) -> None:
        """The session's own heartbeats keep its requests."""

    def supersede(self) -> None:
        assert self._client is not None
        self._end(envelope.encode_superseded(self._client.outbox.cursor), SUPERSEDED, "superseded")

    def retry(self, seconds: float) -> None:
        assert self._client is not None
        said = envelope.encode_retry(self._client.outbox.cursor, seconds)
        self._end(said, CLOSE_CODE + Draining.status, "the server is about to stop")

    def end(self, reason: Gone) -> None:
        self._end(envelope.encode_error(reason), CLOSE_CODE + reason.status, reason.message)

    def _end(self, said: bytes, code: int, reason: str) -> None:
        self.session.send_message(said)
        self.session.close(code, reason)
