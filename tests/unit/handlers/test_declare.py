"""``@on``, ``@rpc`` and ``@every``: what cannot work stops the start, and what a page sends is checked."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest

from thywill import Application, Client, RpcError, every, on, rpc
from thywill.testing import run

pytestmark = pytest.mark.gen_test

Share = Annotated[int, msgspec.Meta(ge=1, le=100)]


class Board(Application):
    def __init__(self) -> None:
        self.seen: list[Any] = []

    @on("stroke")
    async def stroke(
        self, client: Client, points: list[tuple[float, float]], colour: str = "black", width: Share = 1
    ) -> None:
        self.seen.append((points, colour, width))

    @on("clear")
    async def clear(self, client: Client) -> None:
        self.seen.append("clear")

    @on("fail")
    async def fail(self, client: Client) -> None:
        raise OSError("no")

    @rpc
    async def colour_of(self, client: Client, name: Literal["ink", "paper"], depth: Share = 1) -> str:
        return f"{name} {depth}"

    @rpc
    async def anything(self, client, *words):  # type: ignore[no-untyped-def]
        return list(words)


class Both(Board):
    async def on_message(self, client: Client, message: Any) -> None:
        self.seen.append(("any", message))


async def test_the_fields_of_a_typed_message_are_arguments() -> None:
    async with run(Board) as app:
        page = await app.connect()
        await page.send({"type": "stroke", "points": [[1, 2.5]], "width": 3}, {"type": "clear"})
        assert app.application.seen == [([(1.0, 2.5)], "black", 3), "clear"]
        assert not page.errors


REFUSED = {
    "missing": ({}, "stroke: Object missing required field `points`"),
    "a field too many": ({"points": [], "x": 1}, "stroke: Object contains unknown field `x`"),
    "a wrong type": ({"points": [[1, "2"]]}, "stroke: points[0][1]: Expected `float`, got `str`"),
    "too short": ({"points": [[1]]}, "stroke: points[0]: Expected `array` of length 2, got 1"),
    "out of range": ({"points": [], "width": 101}, "stroke: width: Expected `int` <= 100"),
    "a huge number": ({"points": [[1, 10**400]]}, "stroke: points[0][1]: Number out of range"),
    "nested": ({"points": [[[[[[1]]]]]]}, "stroke: points[0]: Expected `array` of length 2, got 1"),
    "another shape": ({"colour": {"a": [[]]}, "points": []}, "stroke: colour: Expected `str`, got `object`"),
    "null": ({"points": None}, "stroke: points: Expected `array`, got `null`"),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "reason"), REFUSED.values(), ids=REFUSED)
async def test_a_message_that_does_not_fit_is_an_error_for_itself_alone(
    fields: dict[str, Any], reason: str
) -> None:
    async with run(Board) as app:
        page = await app.connect()
        await page.send({"type": "stroke", **fields}, {"type": "clear"})
        assert list(page.errors) == [{"code": "malformed", "message": reason}]
        assert app.application.seen == ["clear"]


@pytest.mark.parametrize("message", [{"type": "strike"}, {}, 7, None, [], {"type": 5}, {"type": []}])
async def test_without_on_message_an_unknown_type_is_refused(message: Any) -> None:
    async with run(Board) as app:
        page = await app.connect()
        await page.send(message)
        error = await page.next_error()
        assert error["code"] == "malformed"
        assert "must be one of: stroke, clear" in error["message"]


async def test_with_on_message_all_other_messages_go_there() -> None:
    async with run(Both) as app:
        page = await app.connect()
        await page.send({"type": "strike"}, "text", {"type": "clear"})
        assert app.application.seen == [("any", {"type": "strike"}), ("any", "text"), "clear"]


async def test_a_typed_hook_that_fails_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with run(Board) as app:
        page = await app.connect()
        await page.send({"type": "fail"})
        assert (await page.next_error())["code"] == "failed"
    assert f"the hook test_declare.fail failed on message 1 of {page.id}" in caplog.text


CALLS = {
    "a wrong type": ((5,), "colour_of: name: Expected `str`, got `int`"),
    "another word": (("pen",), "colour_of: name: Invalid enum value 'pen'"),
    "out of range": (("ink", 0), "colour_of: depth: Expected `int` >= 1"),
    "too few": ((), "colour_of: the argument 'name' is missing"),
    "too many": (("ink", 1, 2), "colour_of: 3 arguments, but it takes 2 at most (name, depth)"),
}


@pytest.mark.parametrize(("arguments", "reason"), CALLS.values(), ids=CALLS)
async def test_a_call_that_does_not_fit_names_the_argument(arguments: Any, reason: str) -> None:
    async with run(Board) as app:
        page = await app.connect()
        with pytest.raises(RpcError) as raised:
            await page.call("colour_of", *arguments)
        assert (raised.value.code, raised.value.message) == ("malformed", reason)


async def test_calls_that_fit_are_answered() -> None:
    async with run(Board) as app:
        page = await app.connect()
        assert await page.call("colour_of", "ink") == "ink 1"
        assert await page.call("colour_of", "paper", 7) == "paper 7"
        assert await page.call("anything", 1, "b") == [1, "b"]


def test_an_annotation_means_what_it_means_where_it_is_written() -> None:
    class Named(Application):
        Size = Annotated[int, msgspec.Meta(le=5)]

        @on("a")
        async def list(self, client: Client, sizes: list[Size]) -> None: ...

    with pytest.raises(RpcError, match=r"sizes\[0\]: Expected `int` <= 5"):
        Named._handlers.messages["a"].arguments.read({"type": "a", "sizes": [6]})


def test_two_handlers_of_one_type_are_refused() -> None:
    with pytest.raises(TypeError, match=r'^Twice\.other: Twice\.one has @on\("a"\) already$'):

        class Twice(Application):
            @on("a")
            async def one(self, client: Client) -> None: ...

            @on("a")
            async def other(self, client: Client) -> None: ...


def test_a_subclass_may_replace_a_handler() -> None:
    class Quiet(Board):
        @on("clear")
        async def clear(self, client: Client, why: str) -> None: ...

    assert list(Quiet._handlers.messages) == ["stroke", "clear", "fail"]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "1", None, True])
def test_every_takes_a_positive_number(seconds: Any) -> None:
    with pytest.raises(ValueError, match=r"^@every\(.*\): pass a number of seconds that is more than 0$"):
        every(seconds)


def test_on_takes_a_text() -> None:
    with pytest.raises(TypeError, match=r'write @on\("stroke"\)$'):
        on(len)  # type: ignore[arg-type]


def define(method: Any) -> None:
    type("Odd", (Application,), {"odd": method})


def plain(self: Any, client: Client) -> None: ...
async def starred(self: Any, client: Client, *words: str) -> None: ...
async def unknown(self: Any, client: Client, a: Nowhere) -> None: ...  # type: ignore[name-defined] # noqa: F821
async def typed(self: Any, client: Client, type: str) -> None: ...  # noqa: A002
async def alone(self: Any) -> None: ...
async def odd_union(self: Any, client: Client, a: dict[str, int] | Board) -> None: ...


WRONG = {
    "no coroutine": (on("a")(plain), r"^Odd\.odd has @on, so it must be an async def$"),
    "stars": (on("a")(starred), r"^Odd\.odd must take \(self, client, …\), without \* and \*\*$"),
    "a name": (on("a")(unknown), r"^Odd\.odd: an annotation cannot be read .*'Nowhere' is not defined$"),
    "the type": (on("a")(typed), r"^Odd\.odd: 'type' is the type of the message and cannot be an argument"),
    "no client": (on("a")(alone), r"^Odd\.odd must take \(self, client, …\)"),
    "a ticker with a client": (every(1)(odd_union), r"^Odd\.odd has @every, so it must take \(self\)$"),
}


@pytest.mark.parametrize(("method", "reason"), WRONG.values(), ids=WRONG)
def test_a_method_that_cannot_work_is_refused_with_its_name(method: Any, reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        define(method)
