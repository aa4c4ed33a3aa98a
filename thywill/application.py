"""What an application is made of: a class with hooks, and the handle of a client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from thywill.component import Configuration
from thywill.core.overflow import Overflow, Policies
from thywill.hub.contracts import Address

if TYPE_CHECKING:
    from thywill.hub.client import LiveClient
    from thywill.hub.hub import Hub

Method = TypeVar("Method", bound=Callable[..., Any])


def rpc(method: Method) -> Method:
    """Let browsers call ``async def method(self, client, *arguments)``; what it returns is JSON.

    To answer with an error of its own, it raises ``RpcError``.
    """
    method.__thywill_rpc__ = True  # type: ignore[attr-defined]
    return method


class Client:
    """The handle of one page in one browser.

    Two handles of the same client are equal, so clients can be members of sets and keys of dicts.
    """

    __slots__ = ("_hub", "_limit", "_live", "_overflow")

    def __init__(self, live: LiveClient, hub: Hub, limit: int, overflow: Overflow | None = None) -> None:
        self._live = live
        self._hub = hub
        self._limit = limit
        self._overflow = overflow

    @property
    def id(self) -> str:
        """The client's id: known to its browser, and no secret."""
        return self._live.id

    @property
    def session(self) -> str:
        """The id of the browser's session; its other pages have the same."""
        return self._live.session

    @property
    def application(self) -> str:
        """The name of the application."""
        return self._live.application

    @property
    def address(self) -> str:
        """The network address that its last request came from."""
        return self._live.address

    @property
    def user_agent(self) -> str:
        """What the browser says of itself."""
        return self._live.user_agent

    @property
    def data(self) -> dict[str, Any]:
        """A JSON object of the application's, kept in the client's record. Change it inside of a hook."""
        live = self._live
        if live.data is None:
            live.data = {}
        # Asking for it may be the beginning of a change, and the record is read only when it is written.
        self._hub.touch(live)
        return live.data

    @property
    def channels(self) -> list[str]:
        """The channels that the client is in."""
        return self._hub.audience.channels_of(self._live)

    async def send(self, data: Any, key: str | None = None) -> None:
        """Send ``data`` to this client; ``key`` is for the policy ``conflate``: see ``Application.overflow``.

        Raises:
            UnsendableMessage: it is not JSON, or too large.
        """
        address = Address.client(self.id)
        await self._hub.send(self.application, address, data, self._limit, key, self._overflow)

    async def disconnect(self, reason: str = "disconnected by the application") -> None:
        """End this client; its page is told ``reason``."""
        self._hub.disconnect(self._live, str(reason))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Client) and other._live is self._live

    def __hash__(self) -> int:
        return hash(self._live.id)

    def __repr__(self) -> str:
        return f"<Client {self.id} of {self.application}>"


class Application:
    """The base of an application: override the hooks that you need; each does nothing here.

    The hooks of one client run one after another, in the order in which things happened; while one waits,
    those of other clients run. An exception in a hook is logged and answered to that client alone.
    """

    title: ClassVar[str] = ""
    """The page's title; the package's name if empty."""

    scripts: ClassVar[list[str]] = []
    styles: ClassVar[list[str]] = []
    """Files in the package's folder ``static``, loaded in this order."""

    page: ClassVar[str | None] = None
    """A file in ``static`` with the HTML between <body> and </body>; an empty element without it."""

    overflow: ClassVar[str | None] = None
    """What happens to this application's messages where a client's queue is full: ``drop_oldest``,
    ``drop_newest``, ``conflate`` or ``disconnect``; without it what the settings say."""

    channel_overflow: ClassVar[Mapping[str, str]] = {}
    """The same for what is published to some channels, by name or by pattern (``"prices:*"``)."""

    name: str = ""
    """The name in the address: that of the package."""

    _hub: Hub
    _limit: int
    _policies: Policies

    def bind(self, name: str, hub: Hub, limit: int) -> None:
        """Connect the application with the hub; called once, by the application interface."""
        self.name = name
        self._hub = hub
        self._limit = limit
        default = None if self.overflow is None else Overflow(self.overflow)
        channels = {channel: Overflow(policy) for channel, policy in self.channel_overflow.items()}
        self._policies = Policies(default, channels)

    def handle(self, live: LiveClient) -> Client:
        """Return the handle of a client of this application."""
        return Client(live, self._hub, self._limit, self._policies.default)

    # Hooks.

    async def on_start(self) -> None:
        """The server has started; no client is here yet."""

    async def on_stop(self) -> None:
        """The server is about to stop."""

    async def on_connect(self, client: Client) -> None:
        """The page of ``client`` has connected, for the first time."""

    async def on_resume(self, client: Client) -> None:
        """The server was restarted and has kept ``client``, its messages and its channels (durable queue).

        What the application itself kept in memory about it is gone: this is where to make it again.
        """

    async def on_message(self, client: Client, message: Any) -> None:
        """``client`` has sent ``message``, which is any JSON value: check it."""

    async def on_disconnect(self, client: Client) -> None:
        """``client`` has left, was disconnected, or stayed away for longer than the grace time."""

    def bootstrap(self, client: Client, configuration: Configuration) -> None:
        """Add parameters, scripts and styles to what the page of ``client`` is about to be told."""

    # What an application can do.

    async def send(self, client_id: str, data: Any, key: str | None = None) -> None:
        """Send ``data`` to one client; to one that is gone it is not sent.

        With the policy ``conflate`` it replaces what waits for the client with the same ``key``.

        Raises:
            UnsendableMessage: it is not JSON, or too large.
        """
        address, overflow = Address.client(client_id), self._policies.default
        await self._hub.send(self.name, address, data, self._limit, key, overflow)

    async def send_to_session(self, session: str, data: Any, key: str | None = None) -> None:
        """Send ``data`` to every page that one browser has open here; ``key`` as with ``send``.

        Raises:
            UnsendableMessage: it is not JSON, or too large.
        """
        address, overflow = Address.session(session), self._policies.default
        await self._hub.send(self.name, address, data, self._limit, key, overflow)

    async def publish(self, channel: str, data: Any, key: str | None = None) -> None:
        """Send ``data`` to every client in ``channel``; ``key`` as with ``send``.

        Raises:
            UnsendableMessage: it is not JSON, or too large.
        """
        address, overflow = Address.channel(channel), self._policies.of(channel)
        await self._hub.send(self.name, address, data, self._limit, key, overflow)

    async def subscribe(self, client: Client, channel: str) -> None:
        """Put ``client`` into ``channel``; one that is gone is in none."""
        self._hub.subscribe(client._live, channel)

    async def unsubscribe(self, client: Client, channel: str) -> None:
        """Take ``client`` out of ``channel``."""
        self._hub.unsubscribe(client._live, channel)

    def clients(self, channel: str | None = None) -> list[Client]:
        """Return the clients in ``channel``, or all that have connected to this application."""
        audience = self._hub.audience
        if channel is not None:
            members = audience.addressed(self.name, Address.channel(channel))
        else:
            members = [client for client in audience.of_application(self.name) if client.greeted]
        return [self.handle(member) for member in members]
