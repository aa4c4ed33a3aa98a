"""What applications can do: send messages, change memberships, and end clients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from inspect import isawaitable
from typing import Any

from thywill.core.envelope import encode_data
from thywill.core.history import pack
from thywill.core.lifecycle import State
from thywill.core.message import PACK, Address, Message
from thywill.core.totals import Totals
from thywill.core.user import Identity
from thywill.hub.audience import Audience
from thywill.hub.client import LiveClient
from thywill.hub.people import People
from thywill.hub.ports import ActionQueue
from thywill.hub.rates import ClientRates
from thywill.hub.step import current

HIDDEN_PREFIX = "\0"
"""The prefix of channels that applications do not see."""
PRESENCE_PREFIX = "\0presence "
"""The prefix of the hidden channel that carries a channel's presence events."""
SESSION_PREFIX = "\0session "
"""The prefix of the hidden channel whose members are in a channel because of their session."""

Snapshot = Callable[[], Any]
"""Returns the state of a channel for a client that enters it, or an awaitable of that state."""


class Actions:
    """What the applications of one server call.

    ``append`` and ``handled`` are the queue's own methods, without a method in between, because every message
    passes them: ``append(application, address, message)`` sends a message, and ``handled(client, number)``
    reports a step that has ended. ``may_begin``, if it is not None, returns whether a hook may begin.
    ``declare(application, rules)`` gives channels a history.

    Args:
        directory: finds clients.
        queue: saves messages and changes.
        people: the data that applications keep for people.
        evict: ends a client, with a reason for its browser.
        new_rates: makes the limits of one client.
        monotonic: the clock of the limits.
        totals: returns the counts of this server.
    """

    def __init__(
        self,
        directory: Audience,
        queue: ActionQueue,
        people: People,
        evict: Callable[[LiveClient, str], None],
        new_rates: Callable[[], ClientRates],
        monotonic: Callable[[], float],
        totals: Callable[[], Totals],
    ) -> None:
        self.append = queue.append
        self.handled = queue.handled
        self.may_begin = queue.may_begin
        self.declare = queue.declare
        self._directory = directory
        self._queue = queue
        self.people = people
        self.person = people.of
        self.totals = totals
        self._evict = evict
        self._new_rates = new_rates
        self._monotonic = monotonic

    def disconnect(self, client: LiveClient, reason: str) -> None:
        """End ``client`` with a reason for its browser. Nothing happens if it is gone."""
        self._evict(client, reason)

    def subscribe(self, client: LiveClient, channel: str) -> None:
        """Add ``client`` to ``channel`` of its application. Nothing happens if it is gone."""
        if client.state is not State.GONE:
            self._directory.subscribe(client, channel)
            self._queue.subscribed(client, channel)

    async def replay(self, client: LiveClient, channel: str, limit: int) -> None:
        """Send ``client`` the history of ``channel``, and add it to the channel exactly after that.

        Args:
            client: the client.
            channel: a channel that has a history.
            limit: how many bytes a message may have.

        Raises:
            ValueError: the channel has no history.
            Unavailable: nothing can be saved at present; the client is not in the channel.
        """
        self._check_history(client.application, channel)
        if client.state is not State.GONE:
            await self._queue.replay(client, channel, limit, partial(self._put, client, channel))

    def past(self, application: str, channel: str) -> list[bytes]:
        """Return the encoded messages of a channel's history, the oldest first.

        Raises:
            ValueError: the channel has no history.
        """
        self._check_history(application, channel)
        return self._queue.past(application, channel)

    def _check_history(self, application: str, channel: str) -> None:
        if not self._queue.history(application).keeps(channel):
            raise ValueError(
                f"the channel {channel!r} keeps no history: declare history = {{{channel!r}: 100}}"
            )

    async def enter(self, client: LiveClient, channel: str, snapshot: Snapshot, limit: int) -> None:
        """Send ``client`` the value of ``snapshot``, and add it to ``channel`` exactly at that moment.

        Messages that are published while ``snapshot`` is awaited follow the value in the same pack.

        Args:
            client: the client.
            channel: the channel.
            snapshot: returns any JSON value; may be asynchronous.
            limit: how many bytes a message may have.

        Raises:
            UnsendableMessage: the value is not JSON, or too large.
            Unavailable: nothing can be saved at present; the client is not in the channel.
        """
        with self._queue.history(client.application).recording(channel) as recorded:
            value = snapshot()
            if isawaitable(value):
                value = await value
            first = encode_data(value, limit)
            later = [each.data for each in recorded if each.exclude != client.id]
            await self._enter(client, channel, [first, *later], limit)

    async def _enter(self, client: LiveClient, channel: str, messages: Sequence[bytes], limit: int) -> None:
        if client.state is not State.GONE:
            packs = [Message(data, reply_to=PACK) for data in pack(messages, limit)]
            await self._queue.enter(client, channel, packs, partial(self._put, client, channel))

    async def greet(self, client: LiveClient, channel: str, message: Message) -> None:
        """Send ``message`` to ``client`` alone, and add the client to ``channel`` exactly after that.

        Nothing happens if the client is in the channel already.

        Raises:
            Unavailable: nothing can be saved at present; the client is not in the channel.
        """
        if self.is_in(client, channel):
            # The message counts all the same: a step that runs again after a crash must count as before.
            if step := current():
                step.index((Address.client(client.id), message.reply_to), message.data)
        elif client.state is not State.GONE:
            await self._queue.enter(client, channel, [message], partial(self._put, client, channel))

    def _put(self, client: LiveClient, channel: str) -> None:
        if client.state is not State.GONE:
            self._directory.subscribe(client, channel)

    def unsubscribe(self, client: LiveClient, channel: str) -> None:
        """Remove ``client`` from ``channel``."""
        self._directory.unsubscribe(client, channel)
        self._queue.unsubscribed(client, channel)

    def clients_of(self, application: str, channel: str | None = None) -> Sequence[LiveClient]:
        """Return the clients in ``channel``; if it is None, all clients that have connected."""
        if channel is not None:
            return self._directory.members(application, channel)
        return [client for client in self._directory.of_application(application) if client.greeted]

    def pages_of(self, application: str, session: str) -> list[LiveClient]:
        """Return the clients of one browser that have connected to ``application``."""
        return [client for client in self._directory.of_session(application, session) if client.greeted]

    def knows(self, client_id: str) -> bool:
        """Return whether a client with this id is here."""
        return client_id in self._directory.clients

    def is_in(self, client: LiveClient, channel: str) -> bool:
        """Return whether ``client`` is in ``channel``."""
        return self._directory.is_in(client, channel)

    def channels_of(self, client: LiveClient) -> list[str]:
        """Return the channels that ``client`` is in, without the hidden ones."""
        return [name for name in self._directory.channels_of(client) if not name.startswith(HIDDEN_PREFIX)]

    def channels_with_prefix(self, client: LiveClient, prefix: str) -> list[str]:
        """Return the channels whose hidden channel, with ``prefix`` before its name, has ``client`` in it."""
        names = self._directory.channels_of(client)
        return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]

    def identify(self, client: LiveClient, identity: Identity) -> None:
        """Set the user of ``client``. Nothing happens if the client is gone."""
        if client.state is not State.GONE:
            self._directory.identify(client, identity)
            self._queue.identified(client)

    def data_requested(self, client: LiveClient) -> None:
        """The application reads ``client.data``, and may change it."""
        self._queue.data_requested(client)

    def take(self, client: LiveClient, name: str, count: int, per: float) -> float:
        """Take one from a limit that the application defines: ``count`` times in ``per`` seconds.

        Returns:
            0.0 if it is allowed; otherwise the seconds until it would be.
        """
        if client.rates is None:
            client.rates = self._new_rates()
        return client.rates.take(name, count, per, self._monotonic())
