"""The push component with SockJS's fallback transports, at ``/thywill/sockjs``."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from thywill.http.request import Request
from thywill.http.site import Endpoint
from thywill.hub.hub import Hub
from thywill.push.base import Push, PushSettings, Seconds, SendLimits
from thywill.push.sockjs.client_session import ClientSession
from thywill.push.sockjs.router import Router
from thywill.push.sockjs.shares import SessionShares
from thywill.wire.origins import Origins

PREFIX = "/thywill/sockjs"
Positive = Annotated[int, msgspec.Meta(ge=1)]


@dataclass(frozen=True, slots=True)
class SockJSSettings(PushSettings):
    """The section ``[push.sockjs]``.

    Args:
        hold: seconds between two heartbeats on a waiting request.
        grace: seconds for which a client without a waiting request is kept.
        pause: seconds for which a session without a waiting request is kept.
        response: bytes of frames after which a stream is ended; the page goes on with a new one.
        cookie: whether to set JSESSIONID, for load balancers that use it to find the server.
        client: the URL of the sockjs-client that the iframe page loads: the one that the pages load.
    """

    pause: Seconds = 5.0
    response: Positive = 128 * 1024
    cookie: bool = False
    client: str = "https://cdn.jsdelivr.net/npm/sockjs-client@1.6.1/dist/sockjs.min.js"


class SockJS(Push):
    """The component: each SockJS session carries one client."""

    Settings = SockJSSettings
    name = "sockjs"

    def __init__(self, settings: SockJSSettings, hub: Hub, origins: Origins, limits: SendLimits) -> None:
        super().__init__(settings, hub, origins, limits)
        self.router = Router(
            functools.partial(ClientSession, hub, self.read_items),
            PREFIX,
            {
                "heartbeat_delay": settings.hold,
                "disconnect_delay": settings.pause,
                "response_limit": settings.response,
                "jsessionid": settings.cookie,
                "sockjs_url": settings.client,
                "frame_changes": True,
            },
            origins,
            SessionShares(limits.shares, hub.limited),
            hub.relay,
        )

    async def start(self) -> None:
        self.router.start()

    async def stop(self) -> None:
        self.router.stop()

    def drain(self) -> None:
        self.router.drain()

    def find(self, request: Request) -> Endpoint | None:
        return self.router.find(request)

    def handlers(self) -> list[Any]:
        return [self.router.rule()]
