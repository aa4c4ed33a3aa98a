"""Native long polling: a poll waits for messages, and its cursor acknowledges those of the last answer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from thywill.core import envelope
from thywill.core.lifecycle import State
from thywill.errors import Gone, RequestError
from thywill.http.message import Reply
from thywill.http.request import Request
from thywill.http.site import Endpoint
from thywill.hub.client import LiveClient
from thywill.hub.hub import Hub
from thywill.hub.ports import Elsewhere
from thywill.push.base import Push
from thywill.wire.endpoint import JsonEndpoint
from thywill.wire.refusals import answer_to


class LongPoll(Push):
    """The component with the endpoints ``poll``, ``send`` and ``leave``."""

    name = "longpoll"

    def endpoints(self) -> Mapping[bytes, Endpoint]:
        # A page's last batch has about one message's size. Twice that is allowed, so that a page with a
        # larger batch can leave, too.
        farewell = 2 * self.limits.message
        polls = Polls(self.hub, self.settings.hold, self.name)
        poll = JsonEndpoint(envelope.Poll, polls.poll, self.origins, largest_body=0)
        return {
            b"/thywill/poll": poll,
            b"/thywill/send": JsonEndpoint(envelope.Send, self._send, self.origins),
            b"/thywill/leave": JsonEndpoint(envelope.Leave, self._leave, self.origins, largest_body=farewell),
        }

    def _send(self, send: envelope.Send, request: Request, reply: Reply) -> None:
        client = self.hub.find_anywhere(send.token)
        size = len(send.messages)
        if size > self.limits.message:
            # Charged before they are decoded: our pages never send more than one message's size at once.
            self.hub.charge(client, size)
            size = 0
        items = self.read_items(send.messages)
        # A client that receives by another transport keeps that one as its transport.
        self.hub.locate(client, request.peer, client.transport or self.name)
        self.hub.receive(client, items, partial(self._answer, reply), size)

    def _leave(self, leave: envelope.Leave, request: Request, reply: Reply) -> None:
        client = self.hub.find_anywhere(leave.token)
        if leave.messages == envelope.NO_MESSAGES:
            self._end(client, reply)
            return
        try:
            items = self.read_items(leave.messages)
            self.hub.receive(client, items, lambda received, error: self._end(client, reply, error))
        except RequestError as error:
            self._end(client, reply, error)

    def _end(self, client: LiveClient, reply: Reply, error: RequestError | None = None) -> None:
        # The page has gone, so the client ends even if its last messages were refused.
        if client.state is not State.GONE:
            self.hub.leave(client)
        if error is None:
            reply.send(200, b"{}")
        else:
            _refuse(self.hub, reply, error)

    def _answer(self, reply: Reply, received: int, error: RequestError | None) -> None:
        if error is None:
            reply.send(200, envelope.encode_received(received))
        else:
            _refuse(self.hub, reply, error)


class Polls:
    """Handles polls. It is no part of ``LongPoll``, whose attributes take longer to read when compiled.

    Args:
        hub: finds the clients, and parks their polls.
        hold: seconds that a poll waits for a message.
        name: the transport of clients that poll.
    """

    __slots__ = ("_hold", "_hub", "_name")

    def __init__(self, hub: Hub, hold: float, name: str) -> None:
        self._hub = hub
        self._hold = hold
        self._name = name

    def poll(self, poll: envelope.Poll, request: Request, reply: Reply) -> None:
        """Answer ``poll``, or park it.

        Raises:
            RequestError: the poll is refused.
        """
        hub, cursor, wish = self._hub, poll.cursor, poll.hold
        try:
            client = hub.find(poll.token)
            hub.locate(client, request.peer, self._name)
            hold = self._hold if wish is None else min(wish, self._hold)
            hub.poll(client, ParkedPoll(hub, client, reply), cursor, hold)
        except Elsewhere as elsewhere:
            elsewhere.claim(cursor, partial(self._poll_again, poll, request, reply))

    def _poll_again(
        self, poll: envelope.Poll, request: Request, reply: Reply, error: RequestError | None
    ) -> None:
        """Poll again: the client has moved here from another server, or ``error`` says why it has not."""
        try:
            if error is not None:
                raise error
            self.poll(poll, request, reply)
        except RequestError as refusal:
            _refuse(self._hub, reply, refusal)


def _refuse(hub: Hub, reply: Reply, error: RequestError) -> None:
    hub.refused(error)
    reply.send(*answer_to(error))


class ParkedPoll:
    """A poll that waits for its answer. It answers once, and releases its client before that."""

    __slots__ = ("_client", "_hub", "_reply")

    def __init__(self, hub: Hub, client: LiveClient, reply: Reply) -> None:
        self._hub = hub
        self._client = client
        self._reply = reply
        reply.owner = self

    def flush(self) -> None:
        self._hub.release(self._client)
        client = self._client
        self._reply.send(200, client.outbox.next_answer())
        if client.timed is not None:
            self._hub.written(client)

    def expire(self) -> None:
        self.flush()

    def supersede(self) -> None:
        self._reply.send(200, envelope.encode_superseded(self._client.outbox.cursor))

    def retry(self, seconds: float) -> None:
        self._hub.release(self._client)
        self._reply.send(200, envelope.encode_retry(self._client.outbox.cursor, seconds))

    def end(self, reason: Gone) -> None:
        _refuse(self._hub, self._reply, reason)

    def closed(self) -> None:
        """The connection closed before the answer. The client stays, since its browser may poll again."""
        if self._client.receiver is self:
            self._hub.release(self._client)
