"""Mistakes of an application are told to whoever can mend them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from thywill import Application, Client, Configuration, RpcError, UnsendableMessage
from thywill.application_interface.loading import load
from thywill.errors import SettingsError
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


class Late(Application):
    """Its snapshot fails as often as ``failures`` says."""

    failures = 1

    async def on_connect(self, client: Client) -> None:
        await self.subscribe(client, "score", snapshot=self.look)

    async def on_message(self, client: Client, message: Any) -> None:
        await self.publish("score", message)

    async def look(self) -> Any:
        await self.publish("score", "meanwhile")
        if self.failures:
            self.failures -= 1
            raise OSError("no")
        return "snapshot"


async def test_a_snapshot_that_fails_is_told_to_its_page_and_to_nobody_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with run(Late) as app:
        one, two = await app.connect(), await app.connect()
        assert (await one.next_error())["code"] == "failed"
        assert app.application.clients("score") == [two.client]
        await one.send(1)
        assert (await one.all(), await two.all()) == ([], ["snapshot", "meanwhile", 1])
    assert f"the hook test_told.on_connect failed ({one.id})" in caplog.text


@pytest.mark.parametrize("snapshot", [float("nan"), {1, object()}, 2**60, "x" * 70_000])
async def test_a_snapshot_that_cannot_be_sent_puts_nobody_in(snapshot: Any) -> None:
    async with run(Failing) as app:
        page = await app.connect()
        with pytest.raises(UnsendableMessage):
            await app.application.subscribe(page.client, "score", snapshot=snapshot)
        assert page.client.channels == []


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
        "test_told overrides names of thywill's own: clients, people, publish, send; rename them"
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
            (TypeError, "a client is the object that hooks get, not int"),
            (UnsendableMessage, "the data cannot be written as JSON: a[1] is nan, which JSON does not have"),
            (ValueError, "limit('chat', 0, per=1): count and per must be more than 0"),
        ]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """A function that makes the package of an application and returns its name."""
    name = f"told_{tmp_path.name}"
    monkeypatch.syspath_prepend(tmp_path)

    def make(code: str) -> str:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(
            f"from thywill import Application, every, on, rpc\n{code}"
        )
        return name

    yield make
    sys.modules.pop(name, None)


LINES = {
    "two handlers": (
        "class A(Application):\n"
        "    @on('a')\n    async def one(self, client): ...\n"
        "    @on('a')\n    async def two(self, client): ...\n",
        r'TypeError: A.two: A.one has @on\("a"\) already \(.*__init__.py, line 2\)',
    ),
    "no period": (
        "class A(Application):\n    @every(0)\n    async def tick(self): ...\n",
        r"ValueError: @every\(0\): pass a number of seconds that is more than 0 \(.*, line 3\)",
    ),
    "an annotation": (
        "class A(Application):\n    @rpc\n    async def f(self, client, a: 'Nothing'): ...\n",
        r"TypeError: A.f: an annotation cannot be read .*'Nothing' is not defined \(.*, line 2\)",
    ),
}


@pytest.mark.parametrize(("code", "line"), LINES.values(), ids=LINES)
async def test_a_wrong_handler_stops_the_start_with_one_line_and_its_place(
    package: Callable[[str], str], code: str, line: str
) -> None:
    with pytest.raises(SettingsError, match=line) as raised:
        load(package(code))
    assert "\n" not in str(raised.value)


class Parameters(Application):
    def bootstrap(self, client: Client, configuration: Configuration) -> None:
        configuration.parameters["limits"] = {"text": float("inf")}


async def test_a_parameter_that_the_page_would_not_get_is_refused() -> None:
    async with run(Parameters) as app:
        page = await app.connect()
        with pytest.raises(UnsendableMessage, match=r"in configuration\.parameters limits\.text is inf"):
            app._engine.applications.bootstrap(page._live, Configuration({}))
