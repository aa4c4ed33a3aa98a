"""Sends events to the pages of a channel, and calls the application's hooks, when people join and leave.

The events travel in a second channel beside the one that the application named. A page enters that one with
a list of all who are there, exactly at the position after which it gets the changes (``Actions.greet``).

Were each joining person an event of its own, a thousand people who come at once would cost a million
deliveries. So what happens in one turn of the loop, or while an event is being sent, is one event, and where
many pages listen there is a pause between two events (``_pause``). An example:

    turn 1   Ada and Bob enter, and wait     ``untold`` has both
    turn 2   one event is sent: joined Ada, Bob
             Cem enters, and waits           ``untold`` has Cem
    turn 3   the event is safe: Ada and Bob get the list of those who were told, Ada and Bob
    turn 4   the next event is sent: joined Cem

A list is sent only while no event is, so everybody in it is in an event before, and nobody in one after it.
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
from thywill.core.presence import Person, Presence, Untold
from thywill.errors import Unavailable
from thywill.hub.actions import BESIDE, Actions
from thywill.hub.client import LiveClient

log = logging.getLogger(__name__)

Hook = Callable[[str, Person], Awaitable[None]]

CROWD = 100
"""How many pages of a channel get their events without a pause."""
DELIVERIES = 10_000
"""How many events a second the pages of one channel get at most, all together, where they are more."""


class News:
    """What the pages of one channel are being told.

    - ``untold``: what the next event will say.
    - ``told``: set when that one is sent.
    - ``sending``: set when the one that is being sent is; None while none is.
    - ``greeting``: the list of those who were told, for pages that enter; None until one is needed.
    """

    __slots__ = ("greeting", "sending", "told", "untold")

    def __init__(self) -> None:
        self.untold = Untold()
        self.told = asyncio.Event()
        self.sending: asyncio.Event | None = None
        self.greeting: Message | None = None

    def begin(self) -> Untold:
        """Begin to send an event; return what it says."""
        untold, self.untold = self.untold, Untold()
        self.sending, self.told = self.told, asyncio.Event()
        return untold

    def end(self) -> None:
        """The event is sent."""
        assert self.sending is not None
        self.sending.set()
        self.sending = self.greeting = None


class Attendance:
    """The presence of one application.

    Args:
        application: its name.
        channels: names and patterns of the channels whose people are told.
        leave_after: for how many seconds a person without a page stays.
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
        self._tells: ByChannel[bool] = ByChannel(False, dict.fromkeys(channels, True))
        self._presence = Presence(leave_after)
        self._actions = actions
        self._on_join = on_join
        self._on_leave = on_leave
        self._news: dict[str, News] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_restoring = False

    def of(self, channel: str) -> list[Person]:
        """Return who is in the channel."""
        return self._presence.people(channel)

    async def enter(self, client: LiveClient, channel: str) -> None:
        """``client`` has entered the channel: send it who is there, and tell the others if a person joins."""
        # A hook that still runs may subscribe a client that has gone meanwhile, which would stay for ever.
        if client.state is State.GONE or not self._tells.of(channel):
            return
        person = _person(client)
        joins = self._presence.enter(channel, client.id, person)
        if joins or self._presence.renew(channel, person):
            news = self._tell(channel)
            news.untold.join(person)
            await news.told.wait()
        elif (found := self._news.get(channel)) and found.sending is not None:
            await found.sending.wait()
        if self._presence.has(channel, client.id):
            await self._actions.greet(client, BESIDE + channel, self._greeting(channel))
        if joins:
            await self._guarded(self._on_join, "on_join", channel, person)

    def leave(self, client: LiveClient, channel: str) -> None:
        """``client`` has left the channel."""
        if self._tells.of(channel):
            self._actions.unsubscribe(client, BESIDE + channel)
            now = asyncio.get_running_loop().time()
            self._presence.leave(channel, client.id, public_id(client.session), now)
            self._schedule()

    def gone(self, client: LiveClient) -> None:
        """``client`` has left altogether."""
        now = asyncio.get_running_loop().time()
        self._presence.leave_all(client.id, public_id(client.session), now)
        self._schedule()

    def restore(self, client: LiveClient) -> None:
        """``client`` was restored after a restart of the server, with its channels.

        It may have been in a channel and not yet in the one beside it, or the other way round, when the
        server was killed.
        """
        channels, beside = self._actions.channels_of(client), self._actions.channels_beside(client, BESIDE)
        for channel in channels:
            if self._tells.of(channel):
                self._presence.enter(channel, client.id, _person(client))
                if channel not in beside:
                    self._actions.subscribe(client, BESIDE + channel)
                if not self._is_restoring:
                    self._is_restoring = True
                    asyncio.get_running_loop().call_soon(self._restored)
        for channel in set(beside).difference(channels):
            self._actions.unsubscribe(client, BESIDE + channel)

    def stop(self) -> None:
        """Send no more events: the application stops."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()

    def _restored(self) -> None:
        # Who was about to leave when the server stopped is not stored, so every page gets the whole list.
        self._is_restoring = False
        for channel in self._presence.channels():
            self._tell(channel).untold.reset = True

    def _schedule(self) -> None:
        due = self._presence.next_end()
        if due is not None and (self._timer is None or self._timer.cancelled()):
            self._timer = asyncio.get_running_loop().call_at(due, self._end_visits)

    def _end_visits(self) -> None:
        self._timer = None
        for channel, person in self._presence.take_left(asyncio.get_running_loop().time()):
            news = self._tell(channel)
            news.untold.leave(person)
            self._start(self._end_visit(channel, person, news.told))
        self._schedule()

    async def _end_visit(self, channel: str, person: Person, told: asyncio.Event) -> None:
        await told.wait()
        await self._guarded(self._on_leave, "on_leave", channel, person)

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Events.

    def _tell(self, channel: str) -> News:
        """Return the news of the channel, to add to; they are sent from the next turn of the loop on."""
        news = self._news.get(channel)
        if news is None:
            news = self._news[channel] = News()
            self._start(self._keep_telling(channel, news))
        return news

    async def _keep_telling(self, channel: str, news: News) -> None:
        while news.untold:
            await self._send(channel, news.begin())
            news.end()
            # Those who have waited for this event enter in the turn that passes here, before the next one.
            await asyncio.sleep(self._pause(channel))
        news.told.set()  # who has left before being told of waits, too
        del self._news[channel]

    def _pause(self, channel: str) -> float:
        pages = len(self._actions.clients_of(self._application, BESIDE + channel))
        return pages / DELIVERIES if pages >= CROWD else 0

    async def _send(self, channel: str, untold: Untold) -> None:
        joined = self.of(channel) if untold.reset else list(untold.joined.values())
        left = [] if untold.reset else list(untold.left.values())
        event = _event(channel, joined, left, reset=untold.reset)
        send = partial(self._actions.append, self._application, Address.channel(BESIDE + channel), event)
        while True:
            try:
                await send()
            except Unavailable as error:
                await asyncio.sleep(error.retry)
            else:
                return

    def _greeting(self, channel: str) -> Message:
        """Return the list of all who were told to the others."""
        news = self._news.get(channel)
        if news is None:
            return _event(channel, self.of(channel), [])
        if news.greeting is None:
            news.greeting = _event(channel, news.untold.before(self.of(channel)), [])
        return news.greeting

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
