"""Presence: sends events to the pages of a channel, and calls the hooks, when people join and leave.

The events travel in a hidden channel beside the one that the application named. When a page enters the hidden
channel it gets a list of everybody who is there, and after exactly that position it gets the changes
(``Actions.greet``).

If each person who joins were an event, a thousand people who come at once would cost a million deliveries. So
all changes of one turn of the loop, or of the time while an event is being sent, become one event. If many
pages listen, there is also a pause between two events (``_pause``). An example:

    turn 1   Ada and Bob enter, and wait     ``pending`` has both
    turn 2   one event is sent: joined Ada, Bob
             Cem enters, and waits           ``pending`` has Cem
    turn 3   the event is safe: Ada and Bob get the list [Ada, Bob], without Cem, who is in no event yet
    turn 4   the next event is sent: joined Cem

A list is sent only while no event is being sent. So everybody in the list was in an event before it, and
nobody in the list is in an event after it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from thywill.core.envelope import encode_object
from thywill.core.lifecycle import State
from thywill.core.message import PRESENCE, Address, Message
from thywill.core.patterns import ByChannel
from thywill.core.person import public_id
from thywill.core.presence import PendingPresence, Person, Presence
from thywill.errors import Unavailable
from thywill.hub.actions import PRESENCE_PREFIX, Actions
from thywill.hub.client import LiveClient

log = logging.getLogger(__name__)

Hook = Callable[[str, Person], Awaitable[None]]

LARGE_CHANNEL = 100
"""From this number of pages on there is a pause between two events."""
DELIVERIES_PER_SECOND = 10_000
"""How many events a second such a crowd of pages gets, all pages together."""


class ChannelEvents:
    """The presence events of one channel.

    - ``pending``: the changes for the next event.
    - ``pending_sent``: is set when the next event is sent.
    - ``in_flight_sent``: is set when the event in flight is sent; None while no event is in flight.
    - ``greeting``: the list for pages that enter, made when it is needed: the people in earlier events.
    """

    __slots__ = ("greeting", "in_flight_sent", "pending", "pending_sent")

    def __init__(self) -> None:
        self.pending = PendingPresence()
        self.pending_sent = asyncio.Event()
        self.in_flight_sent: asyncio.Event | None = None
        self.greeting: Message | None = None

    def begin(self) -> PendingPresence:
        """Begin to send an event; return the changes in it."""
        pending, self.pending = self.pending, PendingPresence()
        self.in_flight_sent, self.pending_sent = self.pending_sent, asyncio.Event()
        return pending

    def end(self) -> None:
        """The event in flight is sent."""
        assert self.in_flight_sent is not None
        self.in_flight_sent.set()
        self.in_flight_sent = self.greeting = None


class Attendance:
    """The presence of one application.

    Args:
        application: the application's name.
        channels: names and patterns of the channels that have presence.
        leave_after: seconds after which a person without a page leaves.
        actions: sends the events.
        on_join, on_leave: the hooks of the application.
    """

    def __init__(
        self,
        application: str,
        channels: list[str],
        leave_after: float,
        actions: Actions,
        on_join: Hook,
        on_leave: Hook,
    ) -> None:
        self._application = application
        self._has_presence: ByChannel[bool] = ByChannel(False, dict.fromkeys(channels, True))
        self._presence = Presence(leave_after)
        self._actions = actions
        self._on_join = on_join
        self._on_leave = on_leave
        self._events: dict[str, ChannelEvents] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_restoring = False

    def of(self, channel: str) -> list[Person]:
        """Return the people in the channel."""
        return self._presence.people(channel)

    async def enter(self, client: LiveClient, channel: str) -> None:
        """``client`` has entered the channel: send it the list, and the others an event if a person joins."""
        # A hook may subscribe a client that has gone meanwhile: its person would stay for ever.
        if client.state is State.GONE or not self._has_presence.of(channel):
            return
        person = _person(client)
        joins = self._presence.enter(channel, client.id, person)
        if joins or self._presence.renew(channel, person):
            events = self._events_of(channel)
            events.pending.join(person)
            await events.pending_sent.wait()
        elif (found := self._events.get(channel)) and found.in_flight_sent is not None:
            await found.in_flight_sent.wait()
        if self._presence.has(channel, client.id):
            await self._actions.greet(client, PRESENCE_PREFIX + channel, self._greeting(channel))
        if joins:
            await self._guarded(self._on_join, "on_join", channel, person)

    def leave(self, client: LiveClient, channel: str) -> None:
        """``client`` has left the channel."""
        if self._has_presence.of(channel):
            self._actions.unsubscribe(client, PRESENCE_PREFIX + channel)
            now = asyncio.get_running_loop().time()
            self._presence.leave(channel, client.id, public_id(client.session), now)
            self._schedule()

    def gone(self, client: LiveClient) -> None:
        """``client`` is gone and has left all channels."""
        now = asyncio.get_running_loop().time()
        self._presence.leave_all(client.id, public_id(client.session), now)
        self._schedule()

    def restore(self, client: LiveClient) -> None:
        """``client`` was restored after a restart of the server, with its channels.

        When the server was killed, the client may have been in a channel and not in the hidden one beside it,
        or the other way round.
        """
        channels, beside = (
            self._actions.channels_of(client),
            self._actions.channels_with_prefix(client, PRESENCE_PREFIX),
        )
        for channel in channels:
            if self._has_presence.of(channel):
                self._presence.enter(channel, client.id, _person(client))
                if channel not in beside:
                    self._actions.subscribe(client, PRESENCE_PREFIX + channel)
                if not self._is_restoring:
                    self._is_restoring = True
                    asyncio.get_running_loop().call_soon(self._restored)
        for channel in set(beside).difference(channels):
            self._actions.unsubscribe(client, PRESENCE_PREFIX + channel)

    def stop(self) -> None:
        """Send no more events: the application stops."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()

    def _restored(self) -> None:
        # It is not stored who was about to leave when the server stopped, so every page gets the whole list.
        self._is_restoring = False
        for channel in self._presence.channels():
            self._events_of(channel).pending.reset = True

    def _schedule(self) -> None:
        due = self._presence.next_end()
        if due is not None and (self._timer is None or self._timer.cancelled()):
            self._timer = asyncio.get_running_loop().call_at(due, self._end_visits)

    def _end_visits(self) -> None:
        self._timer = None
        for channel, person in self._presence.take_left(asyncio.get_running_loop().time()):
            events = self._events_of(channel)
            events.pending.leave(person)
            self._start(self._end_visit(channel, person, events.pending_sent))
        self._schedule()

    async def _end_visit(self, channel: str, person: Person, sent: asyncio.Event) -> None:
        await sent.wait()
        await self._guarded(self._on_leave, "on_leave", channel, person)

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Events.

    def _events_of(self, channel: str) -> ChannelEvents:
        """Return the events of the channel, to add changes, which are sent in the next turn of the loop."""
        events = self._events.get(channel)
        if events is None:
            events = self._events[channel] = ChannelEvents()
            self._start(self._send_all(channel, events))
        return events

    async def _send_all(self, channel: str, events: ChannelEvents) -> None:
        while events.pending:
            await self._send(channel, events.begin())
            events.end()
            # In the turn that passes here, pages that waited for this event enter, before the next event.
            await asyncio.sleep(self._pause(channel))
        events.pending_sent.set()  # for a person who has joined and left at once, and is in no event
        del self._events[channel]

    def _pause(self, channel: str) -> float:
        pages = len(self._actions.clients_of(self._application, PRESENCE_PREFIX + channel))
        return pages / DELIVERIES_PER_SECOND if pages >= LARGE_CHANNEL else 0

    async def _send(self, channel: str, changes: PendingPresence) -> None:
        joined = self.of(channel) if changes.reset else list(changes.joined.values())
        left = [] if changes.reset else list(changes.left.values())
        event = _event(channel, joined, left, reset=changes.reset)
        send = partial(
            self._actions.append, self._application, Address.channel(PRESENCE_PREFIX + channel), event
        )
        while True:
            try:
                await send()
            except Unavailable as error:
                await asyncio.sleep(error.retry)
            else:
                return

    def _greeting(self, channel: str) -> Message:
        """Return the list for a page that enters: the people whom events have announced already."""
        events = self._events.get(channel)
        if events is None:
            return _event(channel, self.of(channel), [])
        if events.greeting is None:
            events.greeting = _event(channel, events.pending.before(self.of(channel)), [])
        return events.greeting

    async def _guarded(self, hook: Hook, name: str, channel: str, person: Person) -> None:
        try:
            await hook(channel, person)
        except Exception:
            log.exception("the hook %s.%s failed (%s)", self._application, name, channel)


def _person(client: LiveClient) -> Person:
    person: Person = {"id": public_id(client.session)}
    user = client.identity.user
    if user is not None:
        person |= {"user": user.id, "name": user.name} if user.name else {"user": user.id}
    return person


def _event(channel: str, joined: list[Person], left: list[Person], *, reset: bool = False) -> Message:
    fields = {"channel": channel, "joined": joined, "left": left, **({"reset": True} if reset else {})}
    return Message(encode_object(fields), reply_to=PRESENCE)
