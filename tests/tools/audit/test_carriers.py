"""The audit's client over SockJS: when it goes on with a session, and when it begins another one."""

from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace
from typing import Any

import pytest

from tests.tools.audit.carriers import Over, Session


class Said(Session):
    """A session that keeps what it says."""

    def __init__(self) -> None:
        page: Any = SimpleNamespace(token="t", cursor=5, rng=random.Random(1), new_line=lambda: None)
        super().__init__(page)
        self.said: list[dict[str, Any]] = []

    async def say(self, message: dict[str, Any]) -> None:
        self.said.append(message)


def test_a_new_session_is_shown_the_token() -> None:
    session = Said()
    asyncio.run(session.frame(b"o"))
    assert session.said == [{"token": "t", "cursor": 5}]


def test_a_session_that_begins_anew_is_given_up() -> None:
    session = Said()
    session.can_send = True
    with pytest.raises(Over):
        asyncio.run(session.frame(b"o"))
    assert session.said == []
