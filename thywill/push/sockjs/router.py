"""One SockJS service: sockjs-tornado's router and pages around the endpoints of the sessions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from tornado.ioloop import IOLoop
from tornado.web import Application

from thywill.config import LimitsSettings
from thywill.hub.relay import Relay
from thywill.push.sockjs.endpoints import KINDS, Endpoints
from thywill.push.sockjs.library import SockJSRouter
from thywill.push.sockjs.pages import AroundGet, AroundPost, FramePage, GreetingPage, InfoPage, NothingHere
from thywill.push.sockjs.session import Keeper, Session
from thywill.push.sockjs.sessions import SessionKeeper
from thywill.push.sockjs.shares import SessionShares
from thywill.wire.origins import Origins

PAGES = {"/?": GreetingPage, "/info": InfoPage, r"/iframe[0-9-.a-z_]*\.html": FramePage}
OUR_SETTINGS = {"disabled_transports": ["websocket"], "jsessionid": False, "frame_changes": False}


class Router(SockJSRouter):  # type: ignore[misc]
    """One service. Its pages read settings and origins from here, as sockjs-tornado's handlers do.

    Args:
        make: returns a new session, given its keeper and its name.
        prefix: the path before all others, without a slash at its end.
        settings: those settings of sockjs-tornado that differ from its defaults.
        origins: which pages may use the service.
        shares: limits how many sessions there may be.
        relay: finds sessions of other servers; None if there are no other servers.
        wall: the wall clock, for the Expires header.
    """

    def __init__(
        self,
        make: Callable[[Keeper, str], Session],
        prefix: str,
        settings: Mapping[str, Any],
        origins: Origins,
        shares: SessionShares | None = None,
        relay: Relay | None = None,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(None, prefix, {**OUR_SETTINGS, **settings}, IOLoop.current())
        # Timers of sockjs-tornado for sessions that we do not use and averages that nobody reads.
        self._sessions_cleanup.stop()
        self.stats._callback.stop()
        self.prefix = prefix
        self.origins = origins
        self.wall = wall
        chosen = self.settings
        shares = shares or SessionShares(LimitsSettings(), Counter())
        self.sessions = SessionKeeper(make, chosen["heartbeat_delay"], chosen["disconnect_delay"], shares)
        response, cookie = chosen["response_limit"], chosen["jsessionid"]
        endpoints = Endpoints(prefix, self.sessions, origins, response=response, cookie=cookie, relay=relay)
        self.find = endpoints.find
        self._forwarder = endpoints.forwarder

    def start(self) -> None:
        """Begin to check deadlines, and to forward requests."""
        self.sessions.start()
        if self._forwarder is not None:
            self._forwarder.start()

    def stop(self) -> None:
        """Stop checking deadlines and forwarding."""
        self.sessions.stop()
        if self._forwarder is not None:
            self._forwarder.stop()

    def drain(self) -> None:
        """The server is about to stop: end every open session and every forwarded request."""
        self.sessions.drain()
        if self._forwarder is not None:
            self._forwarder.drain()

    @property
    def urls(self) -> list[tuple[Any, ...]]:
        """The rules for a ``tornado.web.Application``."""
        kwargs = {"server": self}
        session = rf"{self.prefix}/[^/.]{{1,128}}/(?P<session_id>[^/.]{{1,128}})"
        rules: list[tuple[Any, ...]] = [
            (f"{session}/{kind.name}", AroundPost if kind.method == b"POST" else AroundGet, kwargs)
            for kind in KINDS.values()
        ]
        return rules + [(self.prefix + path, handler, kwargs) for path, handler in PAGES.items()]

    def rule(self) -> tuple[Any, ...]:
        """Return the one URL rule that covers every path below the prefix, also those that do not exist."""
        # An application of its own, because it answers unknown paths with ``NothingHere``.
        application = Application(
            self.urls,
            default_handler_class=NothingHere,
            default_handler_args={"server": self},
            log_function=lambda handler: None,
        )
        return (rf"{self.prefix}(?:/.*)?", application)
