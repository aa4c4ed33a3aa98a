"""Who a client belongs to, and what an application is told of a visitor to find that out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class User(NamedTuple):
    """A user, as the application's ``authenticate`` or a ticket names one.

    Args:
        id: what tells the user from all others; messages to the user are addressed by it.
        name: the name for people; it may be empty.
    """

    id: str
    name: str = ""


def check_user(user: object) -> User | None:
    """Return what an application's ``authenticate`` has returned, with texts as id and name.

    Raises:
        TypeError, ValueError: it is neither None nor a user with an id.
    """
    if user is None:
        return None
    if not isinstance(user, User):
        raise TypeError(f"authenticate returns a User or None, not {type(user).__name__}")
    if not str(user.id):
        raise ValueError("the id of a user is empty")
    return User(str(user.id), str(user.name))


class Identity(NamedTuple):
    """Who a client belongs to.

    Args:
        user: the user; None if nobody has logged in.
        expires: when the ticket ends that has named the user, in seconds since 1970; None without a ticket.
    """

    user: User | None = None
    expires: float | None = None

    def encode(self) -> str | None:
        """Return it as JSON in ASCII for the database; None for nobody."""
        return None if self.user is None else json.dumps([*self.user, self.expires])

    @classmethod
    def decode(cls, text: str | None) -> Identity:
        """Return what ``encode`` has encoded."""
        if text is None:
            return NOBODY
        user, name, expires = json.loads(text)
        return cls(User(user, name), expires)


NOBODY = Identity()


@dataclass(frozen=True)
class Visitor:
    """Somebody who asks for a page or connects, before there is a client.

    Args:
        application: the name of the application.
        address: the network address.
        headers: the headers of the request, by their names in lower case.
        query: the fields of the address's query.
        ticket: the user that a valid ticket names; None without a ticket.
    """

    application: str
    address: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    ticket: User | None = None

    def cookie(self, name: str) -> str | None:
        """Return the value of a cookie, or None. A page of an origin that is not ours has none."""
        for part in self.headers.get("cookie", "").split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value.strip('"')
        return None
