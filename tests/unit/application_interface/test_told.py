"""Mistakes of an application are told to whoever can mend them."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from thywill import Application, Client, RpcError, UnsendableMessage
from thywill.testing import run

pytestmark = pytest.mark.gen_test


class Failing(Application):
    error: Exception = OSError("no")

    async def on_connect(self, client: Client) -> None:
        raise self.error

    async def on_message(self, client: Client, message: Any) -> None:
        await client.send(message)


async def test_a_page_whose_on_connect_failed_gets_an_error(caplog: pytest.LogCaptureFixture) -> None:
    async with run(Failing) as app:
        page = await app.connect()
        assert await page.next_error() == {
            "code": "failed",
            "message": "the application could not handle the connection",
        }
        await page.send("goes on")
        assert await page.next() == "goes on"
    assert f"the hook test_told.on_connect failed ({page.id})" in caplog.text


async def test_on_connect_may_say_what_is_wrong(caplog: pytest.LogCaptureFixture) -> None:
    async with run(Failing) as app:
        app.application.error = RpcError("full", "There is no place left.")
        page = await app.connect()
        assert await page.next_error() == {"code": "full", "message": "There is no place left."}
    assert caplog.records == []


class Overriding(Application):
    send = None  # type: ignore[assignment]
    overflow = "drop_newest"

    def __init__(self) -> None:
        self.clients = {}  # type: ignore[assignment,method-assign]
        self.people: dict[str, str] = {}

    async def on_start(self) -> None:
        self.publish = 5  # type: ignore[assignment,method-assign]

    async def on_connect(self, client: Client) -> None: ...


async def test_overridden_names_are_one_line_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    async with run(Overriding):
        pass
    assert caplog.messages == [
        "test_told overrides names of thywill's own: clients, publish, send; rename them"
    ]


async def test_an_application_that_overrides_nothing_is_not_blamed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with run(Failing):
        pass
    assert caplog.records == []


class Asked(Application):
    caught: list[BaseException]

    def __init__(self) -> None:
        self.caught = []

    async def on_message(self, client: Client, message: Any) -> None:
        odd: Any = {"id": 5, "nan": float("nan"), "client": client}
        for call in (
            self.send(odd["client"], 1),
            self.publish(odd["id"], 1),
            self.send_to_session(odd["id"], 1),
            self.subscribe(odd["id"], "all"),
            client.send({"a": [1, odd["nan"]]}),
            client.limit("chat", 0, per=1),
        ):
            try:
                await call
            except Exception as error:
                self.caught.append(error)
        with pytest.raises(TypeError):
            self.clients(odd["id"])


async def test_wrong_arguments_raise_at_the_call() -> None:
    async with run(Asked) as app:
        page = await app.connect()
        await page.send("go")
        assert not page.errors
        assert [(type(error), str(error)) for error in app.application.caught] == [
            (TypeError, "a client's id is a text, not Client: pass its id"),
            (TypeError, "a channel is a text, not int"),
            (TypeError, "a session's id is a text, not int"),
            (TypeError, "a client is what the hooks are given, not int"),
            (UnsendableMessage, "the data cannot be written as JSON: a[1] is nan, which JSON does not have"),
            (ValueError, "limit('chat', 0, per=1): count and per must be more than 0"),
        ]
