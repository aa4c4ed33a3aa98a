"""Makes tickets, by which a site logs its own users in to a thywill server.

    from thywill.tickets import make_ticket

    ticket = make_ticket(SECRET, user="17", name="Ada", seconds=3600, application="chat")

A ticket is ``base64url(JSON) "." base64url(HMAC-SHA256)``, without padding. The JSON is an object with
``user``, ``expires`` (seconds since 1970) and optionally ``name`` and ``application``. The HMAC is computed
over the first half as it is written; its key is ``[client_interface] ticket_secret``. So a program in any
language can make a ticket. This file needs only the standard library, and can be copied into another project.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any, NamedTuple

LONGEST = 4096
"""The largest number of characters in a ticket."""
TEXT = 200
"""The largest number of characters in the id or the name of a user, or in the name of an application."""


class TicketError(ValueError):
    """A ticket that is not valid."""


class Ticket(NamedTuple):
    """The content of a ticket.

    Args:
        user: the id of the user.
        name: the name of the user, or an empty text.
        expires: until when the ticket is valid, in seconds since 1970.
        application: the only application that the ticket is for; an empty text stands for all.
    """

    user: str
    name: str
    expires: float
    application: str


def make_ticket(
    secret: str, user: str, *, name: str = "", seconds: float = 3600.0, application: str = ""
) -> str:
    """Return a ticket.

    Args:
        secret: ``[client_interface] ticket_secret`` of the server.
        user: the id of the user.
        name: the user's name, for people.
        seconds: for how long the ticket is valid.
        application: the only application that the ticket is for; by default it is for all.
    """
    fields: dict[str, Any] = {"user": user, "expires": int(time.time() + seconds)}
    fields |= {"name": name} if name else {}
    fields |= {"application": application} if application else {}
    body = _encode(json.dumps(fields, separators=(",", ":")).encode())
    return f"{body}.{_signature(secret, body)}"


def read_ticket(secret: str, text: str, now: float) -> Ticket:
    """Return the content of a ticket.

    Args:
        secret: the secret that the ticket has to be signed with.
        text: the ticket.
        now: seconds since 1970.

    Raises:
        TicketError: the ticket is forged, was changed, has expired, or is no ticket; the text says which.
    """
    body, _, signature = text.partition(".")
    if len(text) > LONGEST or not text.isascii():
        raise TicketError("this is no ticket")
    # Padding is accepted, since many languages write it.
    if not hmac.compare_digest(signature.rstrip("="), _signature(secret, body)):
        raise TicketError("the ticket was not made with this server's ticket_secret, or was changed")
    ticket = _read(body)
    if ticket.expires <= now:
        raise TicketError("the ticket has expired")
    return ticket


def _read(body: str) -> Ticket:
    try:
        fields = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        user, name = fields["user"], fields.get("name") or ""
        if isinstance(user, int) and not isinstance(user, bool):  # many databases number their users
            user = str(user)
        ticket = Ticket(user, name, fields["expires"], fields.get("application") or "")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise TicketError("the ticket holds no JSON with user and expires") from None
    texts = (ticket.user, ticket.name, ticket.application)
    if not ticket.user or not all(isinstance(text, str) and len(text) <= TEXT for text in texts):
        raise TicketError(f"user, name and application of a ticket are texts of at most {TEXT} characters")
    if isinstance(ticket.expires, bool) or not isinstance(ticket.expires, (int, float)):
        raise TicketError("expires of a ticket is a number: seconds since 1970")
    return ticket


def _signature(secret: str, body: str) -> str:
    return _encode(hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
