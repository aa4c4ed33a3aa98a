"""The audit's client: which answers to what it has sent end it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tests.tools.audit.page import Gone, Page


@pytest.fixture
def page() -> Page:
    """A page that has been told that its messages up to 171 are accepted."""
    made: Any = object.__new__(Page)
    made._client, made._queue = SimpleNamespace(), [[172, ["up", 172]]]
    made._account = SimpleNamespace(ended_for=lambda *_: None, accepted=lambda *_: None)
    return made  # type: ignore[no-any-return]


def test_a_late_answer_changes_nothing(page: Page) -> None:
    asyncio.run(page._answered({"received": 150}))
    assert page._queue == [[172, ["up", 172]]]


def test_a_server_that_has_forgotten_messages_ends_it(page: Page) -> None:
    with pytest.raises(Gone):
        asyncio.run(page._answered({"error": {"code": "gap", "received": 150, "message": ""}}))


def test_an_answer_confirms_what_was_sent(page: Page) -> None:
    asyncio.run(page._answered({"received": 172}))
    assert page._queue == []
