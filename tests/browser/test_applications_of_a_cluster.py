"""Applications whose pages are with three servers that share a Redis, and one of these is killed.

Each test kills the server that leads the application. The pages of the two others go on, and so does that of
the killed one when it is started again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import Browser, Page
from tests.support import draw_page, vote_page
from tests.support.calculations_page import (
    CARDS,
    DRAWN,
    PRIMES,
    begin_picture,
    calculate,
    choose,
    fill,
    open_calculations,
)
from tests.support.chat_page import BUBBLES, enter, say
from tests.support.chat_page import sees as hears
from tests.support.cut_page import APPLICATIONS, cut, mend
from tests.support.display_page import KEY, NAMES, VALUE, publish
from tests.support.display_page import look as watch
from tests.support.echo_page import CONNECTED, COUNT, ECHOES, open_echo
from tests.support.game_page import NAMES as PLAYERS
from tests.support.game_page import WAITS, has_gone_on, hunt, own_score, play
from tests.support.served import Served
from tests.support.table_page import CELL, STATES, begin, look, press_button, sees, write
from tests.support.three_servers import ThreeServers

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SETTINGS = f"""
[publishing.keys]
any = "{KEY}"
"""
OFFICE = VALUE % json.dumps("Office")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[ThreeServers]:
    running = ThreeServers(tmp_path, SETTINGS)
    try:
        yield running
    finally:
        running.close()


@pytest.fixture
def three(servers: ThreeServers) -> ThreeServers:
    """Three servers that have started."""
    for name in ("one", "two", "three"):
        servers.add(name)
    return servers


@pytest.fixture
def browsers(chromium: Browser, firefox: Browser) -> tuple[Browser, Browser, Browser]:
    """A browser for each server."""
    return chromium, firefox, chromium


Browsers = tuple[Browser, Browser, Browser]


def test_a_table_outlives_the_server_that_runs_it(browsers: Browsers, three: ThreeServers) -> None:
    pages = {server: look(browser, server) for browser, server in zip(browsers, three.running, strict=True)}
    one, other, third = pages.values()
    write(one, 8, 0, "Water")
    for each in (other, third):
        sees(each, 8, 0, "Water")
    begin(one, 0, 0, "Tea")
    write(other, 0, 0, "Juice")
    sees(third, 0, 0, "Juice")
    one.press("Enter")
    one.wait_for(f"{CELL % (0, 0)}.className.indexOf('conflict') > 0")
    press_button(one, "Show")
    press_button(one, "Keep mine")
    sees(third, 0, 0, "Tea")

    killed = three.kill_leader("tabular")
    here, there = [pages[server] for server in three.running]
    write(here, 9, 0, "after the kill")
    sees(there, 9, 0, "after the kill", timeout=90)
    three.start_again(killed)
    write(pages[killed], 10, 0, "back again")
    late = look(browsers[0], three.running[0])
    for row, text in ((0, "Tea"), (8, "Water"), (9, "after the kill"), (10, "back again")):
        for page in (*pages.values(), late):
            sees(page, row, 0, text, timeout=90)
    for page in (*pages.values(), late):
        page.wait_for(f"{STATES} === 0")


def test_charts_go_on_when_the_server_that_feeds_them_is_killed(
    browsers: Browsers, three: ThreeServers
) -> None:
    pages = {server: watch(browser, server) for browser, server in zip(browsers, three.running, strict=True)}
    publish(three.running[1], {"name": "Office", "value": 21.5})
    for each in pages.values():
        each.wait_for(f"{NAMES}.includes('Office') && {OFFICE} === '21.5'")
    killed = three.kill_leader("display")
    publish(three.running[1], {"name": "Office", "value": 22.5})
    for server in three.running:
        pages[server].wait_for(f"{OFFICE} === '22.5'", timeout=90)
    three.start_again(killed)
    pages[killed].wait_for(f"{OFFICE} === '22.5'", timeout=90)
    late = watch(browsers[0], three.running[0])
    late.wait_for("document.body.textContent.indexOf('Lowest 21.5, highest 22.5') > 0")


def test_the_game_goes_on_with_its_scores(browsers: Browsers, three: ThreeServers) -> None:
    names = ("Ada", "Ben", "Cem")
    pages = {
        server: play(browser, server, name)
        for browser, server, name in zip(browsers, three.running, names, strict=True)
    }
    for page in pages.values():
        hunt(page, 6)
    scores = {server: own_score(page) for server, page in pages.items()}
    killed = three.kill_leader("game")
    for server in three.running:
        pages[server].wait_for(WAITS)
    for server in three.running:
        has_gone_on(pages[server], scores[server])
    three.start_again(killed)
    has_gone_on(pages[killed], scores[killed])
    for page in pages.values():
        # Nobody is there twice, and no bot has come.
        page.wait_for(f"{PLAYERS}.map(each => each.replace(' (you)', '')).join() === '{','.join(names)}'")


def test_the_echo_loses_and_doubles_nothing(browsers: Browsers, three: ThreeServers) -> None:
    pages = {
        server: open_echo(browser, server) for browser, server in zip(browsers, three.running, strict=True)
    }
    for page in pages.values():
        page.click("#echo-many")
    killed = three.kill_leader("echo")
    for page in pages.values():
        page.click("#echo-many")
    for server in three.running:
        has_echoed_all(pages[server])
    three.start_again(killed)
    has_echoed_all(pages[killed])


def has_echoed_all(page: Page) -> None:
    """Wait until what was sent in two times has come back, and see that it has come once and in order."""
    page.wait_for(f"{CONNECTED} && {COUNT} === '40'", timeout=90)
    assert page.evaluate(ECHOES) == [f"number {number}" for number in range(40, 0, -1)]


def test_calculations_go_on_and_can_be_cancelled(browsers: Browsers, three: ThreeServers) -> None:
    pages = {
        server: open_calculations(browser, server)
        for browser, server in zip(browsers, three.running, strict=True)
    }
    for page in pages.values():
        begin_picture(page, width=160, depth=400)
    for page in pages.values():
        page.wait_for("document.querySelector('.bar').getAttribute('aria-valuenow') > 5")
    killed = three.kill_leader("calculations")
    here, there = [pages[server] for server in three.running]
    choose(here, PRIMES)
    fill(here, "primes-up_to", "100000000")
    calculate(here)
    here.click(".job button")
    here.wait_for(f"{CARDS}[0].includes('You have cancelled it.')", timeout=90)
    three.start_again(killed)
    for page, card in ((here, 1), (there, 0), (pages[killed], 0)):
        page.wait_for(f"{CARDS}[{card}].includes('160 \u00d7 120 pixels')", timeout=120)
        assert page.evaluate(DRAWN)


def test_people_go_on_talking(browsers: Browsers, three: ThreeServers) -> None:
    pages = {
        server: enter(browser.new_page(isolated=True), server)
        for browser, server in zip(browsers, three.running, strict=True)
    }
    for number, page in enumerate(pages.values()):
        say(page, f"before {number}")
    for page in pages.values():
        for number in range(3):
            hears(page, f"before {number}")
    killed = three.kill_leader("chat")
    for number, page in enumerate(pages.values()):
        say(page, f"after {number}")
    three.start_again(killed)
    for page in pages.values():
        page.wait_for(f"{BUBBLES}.length === 6", timeout=90)
    (texts,) = {tuple(page.evaluate(BUBBLES)) for page in pages.values()}
    assert sorted(texts) == [f"{word} {number}" for word in ("after", "before") for number in range(3)]


def test_a_picture_outlives_the_server_that_runs_it(browsers: Browsers, three: ThreeServers) -> None:
    pages = {
        server: draw_page.visit(browser, server)
        for browser, server in zip(browsers, three.running, strict=True)
    }
    for number, page in enumerate(pages.values()):
        draw_page.stroke(page, (0.1, 0.2 + number / 10), (0.9, 0.3 + number / 10))
    for page in pages.values():
        draw_page.sees(page, 3)
    killed = three.kill_leader("draw")
    for number, page in enumerate(pages.values()):
        draw_page.stroke(page, (0.2 + number / 10, 0.1), (0.3 + number / 10, 0.9))
    three.start_again(killed)
    late = draw_page.visit(browsers[0], three.running[0])
    for page in (*pages.values(), late):
        draw_page.sees(page, 6, timeout=90)
    assert len({page.evaluate(draw_page.SEEN) for page in (*pages.values(), late)}) == 1


def test_votes_outlive_the_server_that_counts_them(browsers: Browsers, three: ThreeServers) -> None:
    pages = {
        server: vote_page.visit(browser, server)
        for browser, server in zip(browsers, three.running, strict=True)
    }
    for page in pages.values():
        vote_page.choose(page, 1)
    for page in pages.values():
        vote_page.sees(page, 3, 0, 0, 0)
    killed = three.kill_leader("vote")
    for number, page in enumerate(pages.values()):
        vote_page.choose(page, 2 + number)
    three.start_again(killed)
    late = vote_page.visit(browsers[0], three.running[0])
    for page in (*pages.values(), late):
        vote_page.sees(page, 0, 1, 1, 1, timeout=90)


def test_a_cut_page_of_each_application_loses_nothing_when_its_leader_is_killed(
    browsers: Browsers, servers: ThreeServers
) -> None:
    leader = servers.add("one")
    servers.wait_for_leader_of_all(leader, APPLICATIONS)
    others: list[Served] = [servers.add(name) for name in ("two", "three")]
    pages = [
        browsers[number % 2].open(f"{others[number % 2].address}{name}/", isolated=True)
        for number, name in enumerate(APPLICATIONS)
    ]
    cut(*pages)
    servers.kill(leader)
    mend(pages)
