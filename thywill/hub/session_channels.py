"""Subscribes sessions to channels: all pages of a browser, also those that it opens later.

A page that is in a channel because of its session is also in a hidden channel, the mark, to which nobody
publishes. Queues save marks like every membership. So after a restart, the marks of the pages that are still
there tell which channels their sessions are subscribed to. An example with the session "s":

    subscribe("s", "news")      its pages 1 and 2 enter "news", and the mark of "news"
    page 3 is opened            it enters both, before on_connect
    the last page is closed     the session stays subscribed for a while, as the page may be reloaded
    unsubscribe("s", "news")    all pages leave both
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from thywill.hub.actions import SESSION_PREFIX, Actions
from thywill.hub.client import LiveClient

SUBSCRIBED_FOR = 60.0
"""Seconds for which a session without a page stays subscribed."""


class SessionChannels:
    """The sessions of one application that are subscribed to channels.

    Args:
        application: the application's name.
        actions: changes memberships.
        entered: called when a page has entered a channel.
        left: called when a page has left a channel.
    """

    def __init__(
        self,
        application: str,
        actions: Actions,
        entered: Callable[[LiveClient, str], Awaitable[None]],
        left: Callable[[LiveClient, str], None],
    ) -> None:
        self._application = application
        self._actions = actions
        self._entered = entered
        self._left = left
        self._channels: dict[str, dict[str, None]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    async def subscribe(self, session: str, channel: str) -> None:
        """Add all pages of ``session``, present and future ones, to ``channel``."""
        self._channels.setdefault(session, {})[channel] = None
        pages = self._pages(session)
        if not pages:
            self._forget_later(session)
        for page in pages:
            self._enter(page, channel)
        for page in pages:
            await self._entered(page, channel)

    def unsubscribe(self, session: str, channel: str) -> None:
        """Remove all pages of ``session`` from ``channel``; pages that it opens later do not enter it."""
        channels = self._channels.get(session, {})
        channels.pop(channel, None)
        if not channels:
            self._channels.pop(session, None)
        for page in self._pages(session):
            self._actions.unsubscribe(page, SESSION_PREFIX + channel)
            self._actions.unsubscribe(page, channel)
            self._left(page, channel)

    async def greet(self, client: LiveClient) -> None:
        """Add a page that has just connected to the channels of its session."""
        channels = list(self._channels.get(client.session, ()))
        for channel in channels:
            self._enter(client, channel)
        for channel in channels:
            await self._entered(client, channel)

    def restore(self, client: LiveClient) -> None:
        """Read the channels of a restored client's session from its marks."""
        for channel in self._actions.channels_with_prefix(client, SESSION_PREFIX):
            self._channels.setdefault(client.session, {})[channel] = None

    def gone(self, client: LiveClient) -> None:
        """``client`` is gone; it may have been the last page of its session."""
        if client.session in self._channels and not self._pages(client.session):
            self._forget_later(client.session)

    def _enter(self, client: LiveClient, channel: str) -> None:
        for name in (SESSION_PREFIX + channel, channel):
            if not self._actions.is_in(client, name):
                self._actions.subscribe(client, name)

    def _pages(self, session: str) -> list[LiveClient]:
        return self._actions.pages_of(self._application, session)

    def _forget_later(self, session: str) -> None:
        # The timer from before the session's last page came back would end the subscription too early.
        if session in self._timers:
            self._timers[session].cancel()
        self._timers[session] = asyncio.get_running_loop().call_later(SUBSCRIBED_FOR, self._forget, session)

    def _forget(self, session: str) -> None:
        del self._timers[session]
        if not self._pages(session):
            self._channels.pop(session, None)
