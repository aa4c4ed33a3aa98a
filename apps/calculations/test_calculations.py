"""The calculations: what they result in, how they take turns, and the application with its pages."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from unittest import IsolatedAsyncioTestCase, mock

import pytest
from msgspec import Meta

import apps.calculations
from apps.calculations import CALLS, EACH, STEPS, Calculations, sums
from apps.calculations.forms import describe
from apps.calculations.slices import Slices
from thywill import RpcError
from thywill.testing import BrowserPage, RunningApplication, run

App = RunningApplication[Calculations]
PI = "14159265358979323846264338327950288419716939937510582097494459230781640628620899"


def last(steps: sums.Steps) -> dict[str, Any]:
    """Return the result of a calculation."""
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        result: dict[str, Any] = stop.value
        return result


# What is calculated.


@pytest.mark.parametrize("up_to", [2, 3, 4, 100, sums.SEGMENT - 1, sums.SEGMENT, sums.SEGMENT + 1, 200_000])
def test_the_primes_are_right(up_to: int) -> None:
    numbers = range(2, up_to + 1)
    marks = bytearray([1]) * (up_to + 1)
    for number in numbers:
        if marks[number]:
            for multiple in range(2 * number, up_to + 1, number):
                marks[multiple] = 0
    expected = [number for number in numbers if marks[number]]
    assert last(sums.primes(up_to)) == {"count": len(expected), "largest": expected[-10:]}


def test_the_digits_of_pi_are_right() -> None:
    for place in (1, 2, 13, len(PI)):
        result = last(sums.digit_of_pi(place))
        assert result["digit"] == int(PI[place - 1])
        assert result["before"] == PI[max(0, place - 11) : place - 1]
    assert last(sums.digit_of_pi(1_000))["digit"] == 9


def test_the_picture_has_its_rows_in_order() -> None:
    parts = [step for step in sums.mandelbrot(sums.VIEWS["whole"], 16, 50) if isinstance(step, dict)]
    assert [part["row"] for part in parts] == list(range(12))
    assert {len(part["pixels"]) for part in parts} == {16}
    # The set is symmetrical; its inside has the last shade.
    assert parts[5]["pixels"] == parts[7]["pixels"]
    assert sums.SHADES[-1] in parts[6]["pixels"]


def test_letters_are_counted() -> None:
    text = "Ab \u05d0\U0001f600a" * 2_000
    result = last(sums.letters(text, ignore_case=False))
    assert (result["characters"], result["different"]) == (12_000, 6)
    assert ["a", 2_000] in result["most"]
    assert ["a", 4_000] in last(sums.letters(text, ignore_case=True))["most"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: sums.primes(500_000),
        lambda: sums.digit_of_pi(200),
        lambda: sums.mandelbrot(sums.VIEWS["spiral"], 32, 50),
        lambda: sums.letters("x" * 10_000, ignore_case=True),
    ],
)
def test_the_progress_grows_to_the_end_and_is_the_same_again(make: Any) -> None:
    first, again = list(make()), list(make())
    assert first == again
    done = [step for step in first if isinstance(step, float)]
    assert done == sorted(done)
    assert done[-1] == 1.0


# The forms.


def test_a_form_is_made_from_the_annotations() -> None:
    async def draw(
        self: Any,
        client: Any,
        job: int,
        how: Literal["a", "b"],
        up_to: Annotated[int, Meta(ge=2, le=9)] = 3,
        scale: float = 0.5,
        text: Annotated[str, Meta(max_length=7, title="Say")] = "",
        loud: bool = False,
    ) -> None:
        """Draw.

        On
        paper.
        """

    assert describe(draw) == {
        "name": "draw",
        "title": "Draw",
        "text": "On paper.",
        "fields": [
            {"name": "how", "label": "How", "kind": "choice", "choices": ["a", "b"]},
            {
                "name": "up_to",
                "label": "Up to",
                "kind": "number",
                "whole": True,
                "min": 2,
                "max": 9,
                "default": 3,
            },
            {"name": "scale", "label": "Scale", "kind": "number", "whole": False, "default": 0.5},
            {"name": "text", "label": "Say", "kind": "text", "length": 7, "default": ""},
            {"name": "loud", "label": "Loud", "kind": "flag", "default": False},
        ],
    }


def test_a_type_without_a_field_is_a_mistake() -> None:
    async def bad(self: Any, client: Any, job: int, many: list[int]) -> None:
        """Bad."""

    with pytest.raises(TypeError, match="many: there is no field for"):
        describe(bad)


# The application.


async def result_of(app: App, page: BrowserPage, method: str, *arguments: Any) -> Any:
    reply = await page.begin_call(method, *arguments)
    while (outcome := reply()) is None:
        await app.advance(0.05)
    if "error" in outcome:
        raise RpcError(outcome["error"]["code"], outcome["error"]["message"])
    return outcome["result"]


class TestCalculations(IsolatedAsyncioTestCase):
    async def test_a_long_one_tells_how_far_it_is(self) -> None:
        async with run(Calculations) as app:
            page = await app.connect()
            result = await result_of(app, page, "primes", 7, 5_000_000)
            assert result["count"] == 348_513
            messages = await page.all()
            assert {(each["type"], each["job"]) for each in messages} == {("progress", 7)}
            done = [each["done"] for each in messages]
            assert done == sorted(done)
            assert len(done) <= STEPS

    async def test_the_picture_comes_before_the_result(self) -> None:
        async with run(Calculations) as app:
            page = await app.connect()
            assert await result_of(app, page, "mandelbrot", 1, "whole", 16, 20) == {"width": 16, "height": 12}
            rows = [each["row"] for each in await page.all() if each["type"] == "part"]
            assert rows == list(range(12))

    async def test_other_calls_and_messages_need_not_wait(self) -> None:
        async with run(Calculations) as app:
            page, other = await app.connect(), await app.connect()
            long = await page.begin_call("primes", 1, 100_000_000)
            await app.advance(0.1)
            for each in (page, other):
                assert (await result_of(app, each, "letters", 2, "abc"))["characters"] == 3
            assert long() is None
            assert await page.call("cancel", 1)

    async def test_it_can_be_cancelled_by_its_own_page(self) -> None:
        async with run(Calculations) as app:
            page, other = await app.connect(), await app.connect()
            long = await page.begin_call("primes", 1, 100_000_000)
            assert not await other.call("cancel", 1)
            assert not await page.call("cancel", 2)
            assert await page.call("cancel", 1)
            await app.advance(0.05)
            assert long() == {"error": {"code": "cancelled", "message": "You have cancelled it."}}
            assert app.application._running == {}
            assert not await page.call("cancel", 1)

    async def test_one_whose_page_has_gone_is_cancelled(self) -> None:
        async with run(Calculations) as app:
            page = await app.connect()
            await page.begin_call("primes", 1, 100_000_000)
            await page.leave()
            await app.advance(1.5)
            assert app.application._running == {}
            assert app.application._sessions == {}

    async def test_one_that_takes_too_long_is_given_up(self) -> None:
        with mock.patch.object(apps.calculations, "SECONDS", 0.1):
            async with run(Calculations) as app:
                page = await app.connect()
                with pytest.raises(RpcError, match="too_long"):
                    await result_of(app, page, "primes", 1, 100_000_000)
                assert app.application._running == {}

    async def test_a_browser_has_only_so_many_at_a_time(self) -> None:
        async with run(Calculations) as app:
            ada, ben = await app.connect(), await app.connect()
            second = await app.connect(session=ada.session)
            for job in range(EACH):
                await ada.begin_call("primes", job, 100_000_000)
            for page in (ada, second):
                with pytest.raises(RpcError, match="busy"):
                    await result_of(app, page, "letters", 9, "abc")
            assert (await result_of(app, ben, "letters", 9, "abc"))["different"] == 3
            await ada.call("cancel", 0)
            await app.advance(0.05)
            assert (await result_of(app, second, "letters", 9, "abc"))["different"] == 3
            for job in range(1, EACH):
                await ada.call("cancel", job)

    async def test_a_page_makes_only_so_many_calls(self) -> None:
        async with run(Calculations) as app:
            page = await app.connect()
            for number in range(CALLS):
                await page.begin_call("letters", number, "abc")
            with pytest.raises(RpcError, match="too_many"):
                await page.call("letters", CALLS, "abc")

    async def test_errors_name_the_argument(self) -> None:
        async with run(Calculations) as app:
            page = await app.connect()
            wrong: list[tuple[str, list[Any], str]] = [
                ("primes", [1, 1], "primes: up_to: "),
                ("primes", [1, 10**9], "primes: up_to: "),
                ("primes", [1, "many"], "primes: up_to: "),
                ("primes", [-1, 5], "primes: job: "),
                ("mandelbrot", [1, "moon", 20, 20], "mandelbrot: view: "),
                ("mandelbrot", [1, "whole", 20.5, 20], "mandelbrot: width: "),
                ("letters", [1, ""], "letters: text: "),
                ("letters", [1, "x" * 100_000], "letters: text: "),
                ("letters", [1, "x", 1], "letters: ignore_case: "),
            ]
            for method, arguments, place in wrong:
                with pytest.raises(RpcError) as caught:
                    await page.call(method, *arguments)
                assert (caught.value.code, caught.value.message[: len(place)]) == ("malformed", place)

    async def test_the_page_has_a_form_for_each(self) -> None:
        async with run(Calculations) as app:
            page = await app.connect()
            configuration = mock.Mock(parameters={}, scripts=[])
            app.application.bootstrap(page.client, configuration)
            described = configuration.parameters["calculations"]
            assert [each["name"] for each in described] == ["mandelbrot", "primes", "digit_of_pi", "letters"]


class TestSlices(IsolatedAsyncioTestCase):
    async def test_a_slice_ends_when_its_time_is_over(self) -> None:
        now = iter(range(1000))
        slices = Slices(lambda: next(now) * 0.001)
        steps = sums.primes(10_000_000)
        first, is_over = slices._slice(steps, {})
        assert not is_over
        assert 1 <= len(first) <= 5

    async def test_what_is_left_early_is_closed(self) -> None:
        steps = sums.primes(10_000_000)
        running = Slices().run(steps, {})
        assert isinstance(await anext(running), float)
        await running.aclose()  # type: ignore[attr-defined]
        assert list(steps) == []
