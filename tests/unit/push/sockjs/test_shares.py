"""How many sessions there may be: each bound, and that what ends makes room."""

from __future__ import annotations

from collections import Counter

import pytest

from thywill.config import LimitsSettings
from thywill.errors import TooMany
from thywill.push.sockjs.shares import SessionShares

SMALL = {"sockjs_sessions": 6, "sockjs_sessions_per_address": 4}
ANONYMOUS = {"sockjs_anonymous": 6, "sockjs_anonymous_per_address": 4}


def shares(**limits: int) -> tuple[SessionShares, Counter[str]]:
    limited: Counter[str] = Counter()
    return SessionShares(LimitsSettings(**limits), limited), limited


def begin_known(known: SessionShares, share: str) -> None:
    known.begin(share)
    known.show_token(share)


def test_the_sessions_of_an_address_are_limited() -> None:
    known, limited = shares(**SMALL)
    for _ in range(4):
        begin_known(known, "a")
    with pytest.raises(TooMany, match="this address has as many sessions"):
        known.begin("a")
    begin_known(known, "b")
    assert limited == {"sockjs_sessions_per_address": 1}


def test_the_sessions_of_the_server_are_limited() -> None:
    known, limited = shares(**SMALL)
    for share in "aabbcc":
        begin_known(known, share)
    with pytest.raises(TooMany, match="the server has as many sessions"):
        known.begin("d")
    assert limited == {"sockjs_sessions": 1}


def test_the_sessions_of_an_address_without_a_token_are_limited() -> None:
    known, limited = shares(**ANONYMOUS)
    for _ in range(4):
        known.begin("a")
    with pytest.raises(TooMany, match="of this address have shown no token"):
        known.begin("a")
    known.show_token("a")
    known.begin("a")
    assert limited == {"sockjs_anonymous_per_address": 1}


def test_the_sessions_of_the_server_without_a_token_are_limited() -> None:
    known, limited = shares(**ANONYMOUS)
    for share in "aabbcc":
        known.begin(share)
    with pytest.raises(TooMany, match="on the server have shown no token"):
        known.begin("d")
    assert limited == {"sockjs_anonymous": 1}


def test_a_forgotten_session_makes_room_and_leaves_nothing() -> None:
    known, _ = shares(**SMALL, **ANONYMOUS)
    for _ in range(3):
        for _ in range(2):
            known.begin("a")
            begin_known(known, "a")
        for anonymous in (True, True, False, False):
            known.end("a", anonymous=anonymous)
    assert (known._all, known._anonymous, known._all_total, known._anonymous_total) == ({}, {}, 0, 0)
