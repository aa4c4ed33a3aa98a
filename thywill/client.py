"""``Client``, which hooks get as an argument, and the checks of what authors pass."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec

from thywill.core.address import share_of
from thywill.core.envelope import encode_message
from thywill.core.message import Address
from thywill.core.overflow import Overflow
from thywill.core.person import public_id
from thywill.core.user import User
from thywill.errors import LimitReached
from thywill.hub.actions import HIDDEN_PREFIX, Actions
from thywill.hub.client import LiveClient


class Client(msgspec.Struct, eq=False):
    """One client: one page that is open in one browser.

    Two ``Client`` objects of the same client are equal, so that they can be used in sets and as keys of
    dicts.
    """

    # A struct is made in C. That matters, since each call of a hook gets a new object.
    _live: LiveClient
    _actions: Actions
    _limit: int
    _overflow: Overflow | None = None

    @property
    def id(self) -> str:
        """The client's id. It is public: nobody can act as the client with it."""
        return self._live.id

    @property
    def session(self) -> str:
        """The id of the browser's session, which all pages of one browser share."""
        return self._live.session

    @property
    def user(self) -> User | None:
        """The user that ``authenticate`` or a ticket has named; None if nobody has logged in."""
        return self._live.identity.user

    @property
    def application(self) -> str:
        """The name of the client's application."""
        return self._live.application

    @property
    def address(self) -> str:
        """The network address that its last request came from."""
        return self._live.address

    @property
    def user_agent(self) -> str:
        """The User-Agent header of its browser."""
        return self._live.user_agent

    @property
    def data(self) -> dict[str, Any]:
        """A dict for the application's own use, saved with the client as JSON. Change it inside of a hook."""
        live = self._live
        if live.data is None:
            live.data = {}
        # The caller may be about to change the dict, so the client counts as changed: its data is saved
        # later.
        self._actions.data_requested(live)
        return live.data

    @property
    def person(self) -> dict[str, Any]:
        """A dict that all pages of one browser share, kept over reloads and restarts as JSON.

        A change is saved within some seconds. ``[limits]`` says how large the dict may be, and for how long
        it is kept.
        """
        return self._actions.person(self._live.session)

    @property
    def person_id(self) -> str:
        """A public id of the person, the same for all pages of one browser. Other people may see it."""
        return public_id(self._live.session)

    @property
    def channels(self) -> list[str]:
        """The channels that the client is in."""
        return self._actions.channels_of(self._live)

    async def send(self, data: Any, key: str | None = None) -> None:
        """Send a message to this client. If the client is gone, nothing happens.

        Args:
            data: any JSON value.
            key: with the overflow policy ``conflate``, the message replaces a waiting one with the same key.

        Raises:
            UnsendableMessage: the data cannot be written as JSON, or is too large.
            Unavailable: the durable queue cannot save the message at present; it was not sent.
        """
        live = self._live
        address = Address("client", live.id)
        message = encode_message(address, data, self._limit, key, self._overflow)
        await self._actions.append(live.application, address, message)

    async def send_many(self, data: Iterable[Any], key: str | None = None) -> None:
        """Send several messages to this client, in order; the durable queue saves them together.

        Args:
            data: a list of JSON values.
            key: as for ``send``, for each message.

        Raises:
            UnsendableMessage: one message cannot be written as JSON, or is too large; none was sent.
            Unavailable: the durable queue cannot save the messages at present; they were not sent.
        """
        live = self._live
        address = Address("client", live.id)
        messages = [encode_message(address, each, self._limit, key, self._overflow) for each in data]
        appends = (self._actions.append(live.application, address, message) for message in messages)
        await asyncio.gather(*appends)

    @property
    def network(self) -> str:
        """The client's address, or for IPv6 its network of 64 bits. Count limits for one visitor by it."""
        return share_of(self._live.address)

    async def limit(self, name: str, count: int, per: float) -> None:
        """Allow this client to do something at most ``count`` times in ``per`` seconds.

        For example, ``await client.limit("chat", 5, per=10)`` allows five calls at once, and then one every
        two seconds. A hook need not catch the exception: the page gets the error ``too_many``.

        Args:
            name: what is limited; each name has its own count.
            count: how often; more than 0.
            per: in how many seconds; more than 0.

        Raises:
            LimitReached: the client has reached the limit.
            ValueError: ``count`` or ``per`` is not more than 0.
        """
        if count <= 0 or per <= 0:
            raise ValueError(f"limit({name!r}, {count!r}, per={per!r}): count and per must be more than 0")
        if wait := self._actions.take(self._live, name, count, per):
            raise LimitReached(wait)

    async def disconnect(self, reason: str = "disconnected by the application") -> None:
        """End this client. Its page gets the event ``gone`` with ``reason``, a sentence for people."""
        self._actions.disconnect(self._live, str(reason))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Client) and other._live is self._live

    def __ne__(self, other: object) -> bool:  # a struct's own would compare the objects
        return not self == other

    def __hash__(self) -> int:
        return hash(self._live.id)

    def __repr__(self) -> str:
        return f"<Client {self.id} of {self.application}>"


def text_of(value: object, what: str) -> str:
    """Return ``value``, a name that an author has passed.

    Args:
        value: the name.
        what: what it names, for the error.

    Raises:
        TypeError: it is no text; a message to such a receiver would reach nobody, without an error.
    """
    if isinstance(value, str):
        return value
    hint = ": pass its id" if isinstance(value, Client) else ""
    raise TypeError(f"a {what} is a text, not {type(value).__name__}{hint}")


def channel_of(value: object) -> str:
    """Return ``value``, the name of a channel that an author has passed.

    Raises:
        TypeError: it is no text.
        ValueError: it begins with NUL, as the names of hidden channels do.
    """
    name = text_of(value, "channel")
    if name.startswith(HIDDEN_PREFIX):
        raise ValueError("the name of a channel may not begin with NUL")
    return name


def live_of(client: object) -> LiveClient:
    """Return the live client of the ``Client`` that an author has passed.

    Raises:
        TypeError: ``client`` is no ``Client``.
    """
    if isinstance(client, Client):
        return client._live
    raise TypeError(f"a client is the object that hooks get, not {type(client).__name__}")
