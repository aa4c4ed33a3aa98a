"""The user of a client, and the visitor whom an application's ``authenticate`` identifies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class User(NamedTuple):
    """A user, as the application's ``authenticate`` or a ticket names one.

    Args:
        id: a text that is unique for the user; messages to the user are addressed by it.
        name: the name to show to people; it may be empty.
    """

    id: str
    name: str = ""


def check_user(user: object) -> User | None:
    """Check the result of an application's ``authenticate``; return it with texts as id and name.

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
    """The user of a client, and until when that holds.

    Args:
        user: the user; None if nobody has logged in.
        expires: when the user's ticket expires, in seconds since 1970; None without a ticket.
    """

    user: User | None = None
    expires: float | None = None

    def encode(self) -> str | None:
        """Return the identity as JSON in ASCII for the database; None for nobody."""
        return None if self.user is None else json.dumps([*self.user, self.expires])

    @classmethod
    def decode(cls, text: str | None) -> Identity:
        """Return the identity that ``encode`` encoded."""
        if text is None:
            return NOBODY
        user, name, expires = json.loads(text)
        return cls(User(user, name), expires)


NOBODY = Identity()


@dataclass(frozen=True)
class Visitor:
    """A browser that asks for a page or connects, before it has a client.

    Args:
        application: the name of the application.
        address: the browser's IP address.
        headers: the headers of the request, by name in lower case.
        query: the fields of the URL's query.
        ticket: the user that a valid ticket names; None without a ticket.
    """

    application: str
    address: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    ticket: User | None = None

    def cookie(self, name: str) -> str | None:
        """Return the value of a cookie, or None. Pages of other origins have no cookies."""
        for part in self.headers.get("cookie", "").split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value.strip('"')
        return None
