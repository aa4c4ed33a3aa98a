"""The calculations, as people use them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import Browser
from tests.support.calculations_page import (
    BUSY,
    CARDS,
    DRAWN,
    PRIMES,
    WHOLE,
    be_patient,
    begin_picture,
    calculate,
    choose,
    fill,
    open_calculations,
)
from tests.support.served import Serve, serving
from tests.support.threaded_server import ThreadedServer

pytestmark = pytest.mark.browser


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThreadedServer]:
    with ThreadedServer(tmp_path) as served:
        yield served


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with serving(tmp_path) as start:
        yield start


def test_two_browsers_calculate_at_the_same_time(
    chromium: Browser, firefox: Browser, server: ThreadedServer
) -> None:
    pages = [open_calculations(chromium, server), open_calculations(firefox, server)]
    for page in pages:
        choose(page, PRIMES)
        fill(page, "primes-up_to", "20 000 000")
        calculate(page)
        page.wait_for("document.querySelector('.bar').getAttribute('aria-valuenow') > 0")
        choose(page, "Count the letters")
        fill(page, "letters-text", "<img src=x onerror=hit=1>")
        calculate(page)
    for page in pages:
        page.wait_for(f"{CARDS}[0].includes('25 characters')")
        page.wait_for(f"{CARDS}[1].includes('1,270,607 primes')", timeout=200)
        assert "19,999,999" in page.evaluate(CARDS)[1]
        assert page.evaluate("typeof window.hit === 'undefined'")
        assert page.errors == []


def test_one_can_be_cancelled_by_the_keyboard_alone(chromium: Browser, server: ThreadedServer) -> None:
    page = open_calculations(chromium, server)
    choose(page, PRIMES)
    fill(page, "primes-up_to", "100000000")
    page.evaluate("document.getElementById('calc-primes-up_to').focus(), 0")
    page.press("Enter")
    page.wait_for(f"{BUSY} === 1")
    page.evaluate("document.querySelector('.job button').focus(), 0")
    page.press("Enter")
    page.wait_for(f"{CARDS}[0].includes('You have cancelled it.')")


def test_an_error_stands_at_its_field(chromium: Browser, firefox: Browser, server: ThreadedServer) -> None:
    for browser in (chromium, firefox):
        page = open_calculations(browser, server)
        choose(page, PRIMES)
        for wrong, said in (
            ("1", "Expected a whole number >= 2"),
            ("many", "Expected a whole number, got a text"),
        ):
            fill(page, "primes-up_to", wrong)
            calculate(page)
            page.wait_for(
                f"document.getElementById('calc-primes-up_to-problem').textContent.includes('{said}')"
            )
        assert page.evaluate("document.activeElement.id") == "calc-primes-up_to"
        assert page.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"
        assert page.evaluate(f"{CARDS}.length") == 1
        fill(page, "primes-up_to", "100")
        calculate(page)
        page.wait_for(f"{CARDS}[0].includes('25 primes')")
        assert page.evaluate("document.activeElement.getAttribute('aria-invalid')") != "true"


def test_more_than_three_have_to_wait(chromium: Browser, server: ThreadedServer) -> None:
    page = open_calculations(chromium, server)
    choose(page, PRIMES)
    fill(page, "primes-up_to", "100000000")
    for _ in range(4):
        calculate(page)
    page.wait_for("document.getElementById('calc-problem').textContent.includes('3 of yours are running')")
    assert page.evaluate(BUSY) == 3


def test_the_page_gives_up_when_its_time_is_over(chromium: Browser, server: ThreadedServer) -> None:
    page = open_calculations(chromium, server)
    be_patient(page, 0.2)
    choose(page, PRIMES)
    fill(page, "primes-up_to", "100000000")
    calculate(page)
    page.wait_for(f"{CARDS}[0].includes('Given up')")


def test_a_calculation_survives_a_kill(chromium: Browser, firefox: Browser, serve: Serve) -> None:
    server = serve("--queue", "database")
    pages = [open_calculations(chromium, server), open_calculations(firefox, server)]
    for page in pages:
        begin_picture(page, width=320, depth=200)
    for page in pages:
        page.wait_for("document.querySelector('.bar').getAttribute('aria-valuenow') > 10")
    server.kill()
    serve("--queue", "database", port=server.port)
    for page in pages:
        page.wait_for(f"{CARDS}[0].includes('320 \u00d7 240 pixels')", timeout=200)
        assert page.evaluate(DRAWN)


def test_rows_that_come_while_the_network_is_away_are_not_lost(
    chromium: Browser, server: ThreadedServer
) -> None:
    page = open_calculations(chromium, server)
    page.click(".thywill-cut")
    page.wait_for("document.querySelector('.thywill-cut-told').textContent.includes('Cut for')")
    calculate(page)
    page.wait_for("document.querySelector('.thywill-cut-told').textContent.includes('lost 0')")
    page.wait_for(f"{CARDS}[0].includes('{WHOLE}') && {DRAWN}")
