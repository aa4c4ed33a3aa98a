"""Reads the body of ``POST /thywill/publish``: one message, or a list of which all or none are published.

    {"application": "shop", "channel": "till", "data": {"total": 12}, "id": "order-7"}
    {"messages": [{"application": "shop", "session": "…", "data": 1}, {"application": …}, …]}

Each message has one receiver: a channel, a client, a session or a user. An error in a list says which message
is wrong, by its number, which counts from 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection
from typing import Annotated, Any

import msgspec

from thywill.core.envelope import NO_MESSAGES, encode_data
from thywill.core.message import KEY, Address, Message
from thywill.core.nearest import hint
from thywill.core.overflow import Overflow
from thywill.core.publication import Mark, Publication
from thywill.errors import Malformed, NotFound, RequestError, TooLarge, UnsendableMessage
from thywill.hub.actions import HIDDEN_PREFIX

MOST = 1000
"""The largest number of messages in one request."""
CHANNEL = 200
"""The largest number of characters in a channel's name."""
ID = 100
"""The largest number of characters in the id that a publisher gives a message."""
RECEIVERS = ("channel", "client", "session", "user")
NAME_SHOWN = 100
"""How many characters of an application's name an error repeats."""

INDEX = re.compile(r" - at `\$\[(\d+)\]")
"""Matches the index of the wrong message in an error of msgspec."""

OverflowOf = Callable[[str, Address], Overflow | None]
"""Returns the overflow policy of an application for messages to this receiver; None for the settings'."""


class WireMessage(msgspec.Struct):
    """A message as a publisher sends it."""

    application: str
    data: Any
    channel: Annotated[str, msgspec.Meta(max_length=CHANNEL)] | None = None
    client: str | None = None
    session: str | None = None
    user: str | None = None
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=ID)] | None = None
    key: Annotated[str, msgspec.Meta(max_length=KEY)] | None = None

    def address(self) -> Address:
        """Return the one receiver.

        Raises:
            Malformed: there is no receiver, there are several, or it is a hidden channel.
        """
        named = [name for name in RECEIVERS if getattr(self, name) is not None]
        if len(named) != 1:
            found = " and ".join(named) or "none"
            raise Malformed(f"a message has one receiver of {', '.join(RECEIVERS)}: this one has {found}")
        if self.channel is not None and self.channel.startswith(HIDDEN_PREFIX):
            raise Malformed("the name of a channel may not begin with NUL")
        return Address(named[0], getattr(self, named[0]))


class Batch(msgspec.Struct):
    """The body of a request with several messages; without ``messages`` it is one message."""

    messages: msgspec.Raw = NO_MESSAGES


_batch = msgspec.json.Decoder(Batch)
_one = msgspec.json.Decoder(WireMessage)
_many = msgspec.json.Decoder(list[WireMessage])


class Reader:
    """Turns the body of a request into publications.

    Args:
        applications: the names of the applications.
        limit: the largest data of one message, in bytes of JSON.
        overflow_of: returns the overflow policy of an application.
    """

    def __init__(self, applications: Collection[str], limit: int, overflow_of: OverflowOf) -> None:
        self._applications = applications
        self._limit = limit
        self._overflow_of = overflow_of

    def read(self, body: bytes, check: Callable[[str], None]) -> list[Publication]:
        """Return the messages in ``body``.

        Args:
            body: the body of the request.
            check: raises a ``RequestError`` for an application that the publisher may not publish to.

        Raises:
            Malformed: a message does not have the form above, or is not JSON.
            Forbidden: the publisher may not publish to the application of a message.
            NotFound: the application of a message does not exist.
            TooLarge: there are too many messages, or one is too large.
        """
        try:
            batch = _batch.decode(body)
            if batch.messages == NO_MESSAGES:
                return [self._publication(_one.decode(body), check)]
            messages = _many.decode(batch.messages)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(_reason(error)) from None
        if len(messages) > MOST:
            raise TooLarge(f"{len(messages)} messages; a request may have {MOST}")
        return [self._numbered(index, each, check) for index, each in enumerate(messages)]

    def _numbered(self, index: int, sent: WireMessage, check: Callable[[str], None]) -> Publication:
        try:
            return self._publication(sent, check)
        except RequestError as error:
            raise numbered(error, index) from None

    def _publication(self, sent: WireMessage, check: Callable[[str], None]) -> Publication:
        application, address = sent.application, sent.address()
        check(application)
        if application not in self._applications:
            shown = application[:NAME_SHOWN]
            raise NotFound(f"there is no application {shown!r}{hint(shown, self._applications)}")
        message = Message(
            self._encoded(sent.data),
            key=None if sent.key is None else address.keyed(sent.key),
            overflow=self._overflow_of(application, address),
        )
        mark = None
        if sent.id is not None:
            mark = Mark.of(application, sent.id, address, sent.data, sent.key)
        return Publication(application, address, message, mark)

    def _encoded(self, data: Any) -> bytes:
        try:
            encoded = encode_data(data, sys.maxsize)
        except UnsendableMessage as error:
            raise Malformed(str(error)) from None
        if len(encoded) > self._limit:
            raise TooLarge(f"its data has {len(encoded)} bytes of JSON, and the limit is {self._limit}")
        return encoded


def numbered(error: RequestError, index: int) -> RequestError:
    """Return ``error`` with the number of the message in its text, which is ``index`` plus 1."""
    error.message = f"message {index + 1} (messages[{index}]): {error.message}"
    return error


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    if not isinstance(error, msgspec.ValidationError):
        return "the body is not JSON in UTF-8"
    text, found = str(error), INDEX.search(str(error))
    if found is None:
        return text
    return f"message {int(found[1]) + 1}: {text.replace('`$[', '`$.messages[')}"
