"""``Application``, the class that the author of an application subclasses; ``apps/README.md`` teaches it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

import msgspec

from thywill.client import Client, channel_of, live_of, text_of
from thywill.component import Configuration
from thywill.core.envelope import encode_message
from thywill.core.history import read_bounds
from thywill.core.message import Address
from thywill.core.overflow import Overflow, Policies
from thywill.core.presence import Person
from thywill.core.totals import Totals
from thywill.core.user import User, Visitor
from thywill.handlers.collect import Handlers, collect
from thywill.hub.actions import Actions
from thywill.hub.attendance import Attendance
from thywill.hub.client import LiveClient
from thywill.hub.session_channels import SessionChannels

NOTHING: Any = object()
"""The default of the argument ``snapshot``, since None can be a snapshot."""


class Application:
    """The base class of an application. Override the hooks that you need; by default they do nothing.

    The hooks of one client run one after another, in the order of the events. While a hook awaits something,
    hooks of other clients run. An exception in a hook is logged, and only the client of the hook gets an
    error.
    """

    title: ClassVar[str] = ""
    """The title of the page; if it is empty, the name of the package."""

    description: ClassVar[str] = ""
    """One sentence about the application, for the front page."""

    icon: ClassVar[str] = ""
    """An image in the package's folder ``static``, for the front page and the browser's tab."""

    header: ClassVar[bool] = True
    """Whether a line with the title and a link to the front page stands above the page."""

    scripts: ClassVar[list[str]] = []
    styles: ClassVar[list[str]] = []
    """Files in the package's folder ``static`` that the page loads, in this order."""

    page: ClassVar[str | None] = None
    """A file in ``static`` with the HTML of the page's body. Without it, the body is one empty ``div``."""

    overflow: ClassVar[str | None] = None
    """What happens to this application's messages when a client's outbox is full: ``drop_oldest``,
    ``drop_newest``, ``conflate`` or ``disconnect``. Without it, ``[queue] overflow`` applies."""

    channel_overflow: ClassVar[Mapping[str, str]] = {}
    """The same for messages to certain channels, by name or pattern (``"prices:*"``)."""

    history: ClassVar[Mapping[str, Any]] = {}
    """How many of its last messages a channel keeps for clients that come late, by name or pattern.

    The value is a count, or ``{"count": 2000, "seconds": 3600, "bytes": 1000000}``, where only ``count`` is
    required."""

    presence: ClassVar[list[str]] = []
    """The channels that report who joins and leaves, by name or pattern; see ``on_join``."""

    leave_after: ClassVar[float] = 5.0
    """Seconds without a page after which a person has left. So a reload of the page is no leaving."""

    name: str = ""
    """The application's name in addresses, which is the last name of its package."""

    _actions: Actions
    _limit: int
    _policies: Policies

    _attendance: Attendance
    _session_channels: SessionChannels
    _handlers: ClassVar[Handlers] = Handlers()
    """The methods with ``@on``, ``@rpc`` and ``@every``."""

    handle: Callable[[LiveClient], Client]
    """Returns the ``Client`` object of a client of this application."""

    @property
    def policies(self) -> Policies:
        """``overflow`` and ``channel_overflow``, checked."""
        return self._policies

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._handlers = collect(cls, has_on_message=cls.on_message is not Application.on_message)

    def _connect(self, name: str, actions: Actions, limit: int) -> None:
        self.name = name
        self._actions = actions
        self._limit = limit
        default = None if self.overflow is None else Overflow(self.overflow)
        channels: dict[str, Overflow | None] = {
            channel: Overflow(policy) for channel, policy in self.channel_overflow.items()
        }
        self._policies = Policies(default, channels)
        actions.declare(name, {channel: read_bounds(value) for channel, value in self.history.items()})
        self.handle = partial(Client, _actions=actions, _limit=limit, _overflow=default)
        self._attendance = Attendance(
            name, self.presence, self.leave_after, actions, self.on_join, self.on_leave
        )
        self._session_channels = SessionChannels(
            name, actions, self._attendance.enter, self._attendance.leave
        )

    # Hooks.

    async def authenticate(self, visitor: Visitor) -> User | None:
        """Say who a visitor is; called before a client is created. By default it is the user of the ticket.

        Args:
            visitor: who asks, with cookies, headers, the query of the address, and the user of a ticket.

        Returns:
            the user, which is ``client.user`` from then on, or None for a visitor whom nobody knows.

        Raises:
            Refused: the visitor gets no client; the page gets the reason.
        """
        return visitor.ticket

    async def on_start(self) -> None:
        """Called once when the server has started, before the first client."""

    async def on_stop(self) -> None:
        """Called once before the server stops."""

    async def on_connect(self, client: Client) -> None:
        """Called when the page of ``client`` has connected for the first time."""

    async def on_resume(self, client: Client) -> None:
        """Called after a restart of the server, for each client that the durable queue has restored.

        The client still has its channels, messages and ``data``. What the application kept in its own memory
        is lost; rebuild it here.
        """

    async def on_message(self, client: Client, message: Any) -> None:
        """Called for each message from ``client``, any JSON value that somebody chose to send: check it."""

    async def on_disconnect(self, client: Client) -> None:
        """Called once when ``client`` has left, was disconnected, or stayed away for the grace time."""

    async def on_join(self, channel: str, person: Person) -> None:
        """Called when the first page of a person has entered a channel that ``presence`` names.

        Args:
            channel: the channel's name.
            person: a session, as ``{"id": …, "user": …, "name": …}``; without a user it has only the ``id``.
        """

    async def on_leave(self, channel: str, person: Person) -> None:
        """Called when a person has had no page in the channel for ``leave_after`` seconds."""

    def bootstrap(self, client: Client, configuration: Configuration) -> None:
        """Called when a page is built: add parameters, scripts and styles for it to ``configuration``."""

    # What an application can do.

    async def send(self, client_id: str, data: Any, key: str | None = None) -> None:
        """Send a message to one client. If that client is gone, nothing happens.

        Args:
            client_id: the client's id.
            data: any JSON value.
            key: with the overflow policy ``conflate``, the message replaces a waiting one with the same key.

        Raises:
            TypeError: ``client_id`` is no text; perhaps it is a ``Client``.
            UnsendableMessage: the data cannot be written as JSON, or is too large.
            Unavailable: the durable queue cannot save the message at present; it was not sent.
        """
        await self._send(Address.client(text_of(client_id, "client's id")), data, key, self._policies.default)

    async def send_to_session(self, session: str, data: Any, key: str | None = None) -> None:
        """Send a message to all pages of this application that one browser has open.

        Args:
            session: the id of the browser's session.
            data: any JSON value.
            key: as for ``send``.

        Raises:
            TypeError, UnsendableMessage, Unavailable: as for ``send``.
        """
        await self._send(Address.session(text_of(session, "session's id")), data, key, self._policies.default)

    async def send_to_user(self, user: str, data: Any, key: str | None = None) -> None:
        """Send a message to all pages of this application that one user has open, in any browser.

        Args:
            user: the id of the user.
            data: any JSON value.
            key: as for ``send``.

        Raises:
            TypeError, UnsendableMessage, Unavailable: as for ``send``.
        """
        await self._send(Address.user(text_of(user, "user's id")), data, key, self._policies.default)

    async def publish(
        self, channel: str, data: Any, key: str | None = None, *, exclude: Client | None = None
    ) -> None:
        """Send a message to every client in a channel.

        Args:
            channel: the channel's name.
            data: any JSON value.
            key: as for ``send``.
            exclude: a client that does not get the message, such as its author. The channel's ``history``
                contains the message all the same.

        Raises:
            TypeError, UnsendableMessage, Unavailable: as for ``send``.
        """
        to, excluded = Address.channel(channel_of(channel)), None if exclude is None else live_of(exclude).id
        await self._send(to, data, key, self._policies.of(channel), excluded)

    async def _send(
        self,
        address: Address,
        data: Any,
        key: str | None,
        overflow: Overflow | None,
        exclude: str | None = None,
    ) -> None:
        message = encode_message(address, data, self._limit, key, overflow, exclude)
        await self._actions.append(self.name, address, message)

    async def subscribe(
        self, client: Client | str, channel: str, *, replay: bool = False, snapshot: Any = NOTHING
    ) -> None:
        """Put ``client`` into ``channel``: from now on it gets what is published there.

        With ``replay`` or ``snapshot`` the client first gets what it has missed, and then everything that
        follows: no message is missing between the two, and none comes twice. First change the data that a
        snapshot shows, then publish the change.

        The id of a session subscribes all pages of the session, including those that are opened later, until
        ``unsubscribe`` or until the session has had no page for a minute.

        Args:
            client: the client, or the id of a session.
            channel: the channel's name.
            replay: whether the client first gets the last messages of the channel, as ``history`` says.
            snapshot: what the client gets first: a JSON value, or a function without arguments that returns
                one. The function may be ``async``.

        Raises:
            TypeError: ``client`` is no client, ``channel`` is no text, both ``replay`` and ``snapshot`` are
                passed, or one of them is passed for a session.
            ValueError: ``history`` does not name the channel, or the channel's name begins with NUL.
            UnsendableMessage: the snapshot cannot be written as JSON, or is too large.
            Unavailable: the durable queue cannot save this at present; the client is not in the channel.
        """
        name = channel_of(channel)
        if isinstance(client, str):
            if replay or snapshot is not NOTHING:
                raise TypeError("replay and snapshot are for one client: pass it, not its session")
            await self._session_channels.subscribe(self._checked_session(client), name)
        else:
            live = live_of(client)
            await self._enter_channel(live, name, replay, snapshot)
            await self._attendance.enter(live, name)

    async def _enter_channel(self, client: LiveClient, channel: str, replay: bool, snapshot: Any) -> None:
        if replay and snapshot is not NOTHING:
            raise TypeError("subscribe takes replay or snapshot, not both")
        if replay:
            await self._actions.replay(client, channel, self._limit)
        elif snapshot is not NOTHING:
            value = snapshot if callable(snapshot) else lambda: snapshot
            await self._actions.enter(client, channel, value, self._limit)
        else:
            self._actions.subscribe(client, channel)

    def past(self, channel: str) -> list[Any]:
        """Return the messages that a channel keeps for clients that come late, the oldest first.

        With a durable or shared queue, messages from before a restart are among them, also in ``on_start``.

        Raises:
            TypeError: ``channel`` is no text.
            ValueError: ``history`` does not name the channel.
        """
        encoded = self._actions.past(self.name, text_of(channel, "channel"))
        return [msgspec.json.decode(message) for message in encoded]

    def totals(self) -> Totals:
        """Return what this server has counted since its start, for all applications together."""
        return self._actions.totals()

    async def unsubscribe(self, client: Client | str, channel: str) -> None:
        """Take ``client`` out of ``channel``, or all pages of a session; errors as for ``subscribe``."""
        name = channel_of(channel)
        if isinstance(client, str):
            self._session_channels.unsubscribe(self._checked_session(client), name)
            return
        live = live_of(client)
        self._actions.unsubscribe(live, name)
        self._attendance.leave(live, name)

    def _checked_session(self, session: str) -> str:
        if self._actions.knows(session):
            raise TypeError("this is the id of a client: pass the client, or client.session")
        return session

    def people(self, channel: str) -> list[Person]:
        """Return the people in a channel that ``presence`` names, each as ``{"id", "user"?, "name"?}``.

        Raises:
            TypeError: ``channel`` is no text.
        """
        return self._attendance.of(text_of(channel, "channel"))

    def clients(self, channel: str | None = None) -> list[Client]:
        """Return the clients in ``channel``; without an argument all clients that have connected.

        Raises:
            TypeError: ``channel`` is no text.
        """
        if channel is not None:
            text_of(channel, "channel")
        return [self.handle(live) for live in self._actions.clients_of(self.name, channel)]


def make_application(
    kind: type[Application], arguments: Iterable[Any], name: str, actions: Actions, limit: int
) -> Application:
    """Return a new application, which can use ``actions`` in its ``__init__`` already.

    Args:
        kind: the class of the application.
        arguments: the arguments of its ``__init__``.
        name: the application's name in addresses.
        actions: what the application can do.
        limit: the largest message, in bytes of JSON.
    """
    application = kind.__new__(kind)
    application._connect(name, actions, limit)
    kind.__init__(application, *arguments)
    return application
