"""Tickets: what is read from one, and which are refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.steady import STEADY
from thywill.tickets import Ticket, TicketError, make_ticket, read_ticket

SECRET = "a secret of the tests"
NOW = 1_700_000_000.0


def encode(data: bytes, *, padded: bool = False) -> str:
    text = base64.urlsafe_b64encode(data).decode()
    return text if padded else text.rstrip("=")


def by_hand(fields: Any, *, secret: str = SECRET, padded: bool = False) -> str:
    """Return a ticket as another language makes it."""
    body = encode(fields if isinstance(fields, bytes) else json.dumps(fields).encode(), padded=padded)
    digest = hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest()
    return f"{body}.{encode(digest, padded=padded)}"


GOOD = {"user": "17", "name": "Zoë", "expires": NOW + 60, "application": "chat"}


@pytest.mark.parametrize("padded", [False, True])
def test_a_ticket_of_another_language(padded: bool) -> None:
    assert read_ticket(SECRET, by_hand(GOOD, padded=padded), NOW) == Ticket("17", "Zoë", NOW + 60, "chat")
    least = by_hand({"user": 17, "expires": NOW + 60.5, "more": [1]}, padded=padded)
    assert read_ticket(SECRET, least, NOW) == Ticket("17", "", NOW + 60.5, "")


def test_a_ticket_of_ours() -> None:
    now = time.time()
    ticket = read_ticket(SECRET, make_ticket(SECRET, "17", name="Zoë", seconds=60, application="chat"), now)
    assert ticket[:2] == ("17", "Zoë")
    assert now + 58 < ticket.expires < now + 70
    assert read_ticket(SECRET, make_ticket(SECRET, "17"), now).application == ""


@pytest.mark.parametrize("now", [NOW + 60, NOW + 61])
def test_an_expired_one(now: float) -> None:
    with pytest.raises(TicketError, match="expired"):
        read_ticket(SECRET, by_hand(GOOD), now)


@pytest.mark.parametrize(
    "ticket",
    [
        by_hand(GOOD, secret="another"),
        by_hand(GOOD)[:-1],
        by_hand(GOOD).replace(".", "x."),
        encode(json.dumps(GOOD).encode()) + ".",
        by_hand({**GOOD, "user": "18"}).partition(".")[0] + "." + by_hand(GOOD).partition(".")[2],
        "",
        ".",
        "Zoë",
        "x" * 5000,
    ],
)
def test_a_forged_one(ticket: str) -> None:
    with pytest.raises(TicketError):
        read_ticket(SECRET, ticket, NOW)


@pytest.mark.parametrize(
    "fields",
    [
        b"\xff",
        b"{",
        b"[]",
        b"[" * 10_000,
        {},
        {"user": "17"},
        {**GOOD, "user": ""},
        {**GOOD, "user": None},
        {**GOOD, "user": True},
        {**GOOD, "user": "x" * 201},
        {**GOOD, "name": 5},
        {**GOOD, "application": ["chat"]},
        {**GOOD, "expires": "never"},
        {**GOOD, "expires": None},
        {**GOOD, "expires": True},
    ],
)
def test_one_that_is_signed_and_says_nonsense(fields: Any) -> None:
    with pytest.raises(TicketError):
        read_ticket(SECRET, by_hand(fields), NOW)


@given(st.text(max_size=100))
@STEADY
def test_whatever_is_sent_is_refused(text: str) -> None:
    with pytest.raises(TicketError):
        read_ticket(SECRET, text, NOW)
