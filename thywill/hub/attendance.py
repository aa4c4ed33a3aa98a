"""Sends events to the pages of a channel, and calls the application's hooks, when people join and leave.

The events travel in a second channel beside the one that the application named. A page enters that one with
a list of all who are there, exactly at the position after which it gets the changes (``Actions.greet``).
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
from thywill.core.presence import Person, Presence
from thywill.errors import Unavailable
from thywill.hub.actions import BESIDE, Actions
from thywill.hub.client import LiveClient

log = logging.getLogger(__name__)

Hook = Callable[[str, Person], Awaitable[None]]


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
        if joins:
            await self._tell(channel, joined=[person])
        event = _event(channel, self.of(channel), [])
        await self._actions.greet(client, BESIDE + channel, event)
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
        """``client`` was restored after a restart of the server, with its channels."""
        for channel in self._actions.channels_of(client):
            if self._tells.of(channel):
                self._presence.enter(channel, client.id, _person(client))
                if not self._is_restoring:
                    self._is_restoring = True
                    asyncio.get_running_loop().call_soon(self._restored)

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
            self._start(self._tell(channel, joined=self.of(channel), reset=True))

    def _schedule(self) -> None:
        due = self._presence.next_end()
        if due is not None and (self._timer is None or self._timer.cancelled()):
            self._timer = asyncio.get_running_loop().call_at(due, self._end_visits)

    def _end_visits(self) -> None:
        self._timer = None
        for channel, person in self._presence.take_left(asyncio.get_running_loop().time()):
            self._start(self._end_visit(channel, person))
        self._schedule()

    async def _end_visit(self, channel: str, person: Person) -> None:
        await self._tell(channel, left=[person])
        await self._guarded(self._on_leave, "on_leave", channel, person)

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(
        self,
        channel: str,
        joined: list[Person] | None = None,
        left: list[Person] | None = None,
        *,
        reset: bool = False,
    ) -> None:
        event = _event(channel, joined or [], left or [], reset=reset)
        send = partial(self._actions.append, self._application, Address.channel(BESIDE + channel), event)
        while True:
            try:
                await send()
            except Unavailable as error:
                await asyncio.sleep(error.retry)
            else:
                return

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
