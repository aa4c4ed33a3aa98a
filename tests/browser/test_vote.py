"""The poll, as people vote in it and a moderator leads it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.vote import Vote
from tests.browser.drivers import Browser
from tests.support.cut_page import cut, mend
from tests.support.served import Serve, serving
from tests.support.threaded_server import ThreadedServer
from tests.support.vote_page import MINE, choose, sees, visit
from thywill import Client
from thywill.tickets import make_ticket

pytestmark = pytest.mark.browser

SECRET = "signs the tickets of this test"
STATE = "document.getElementById('vote-state').textContent"
WAITING = "document.getElementById('vote-waiting').innerText"
QUESTION = "document.getElementById('vote-question').textContent"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with serving(tmp_path) as start:
        yield start


def test_two_browsers_see_each_other_vote(chromium: Browser, firefox: Browser, serve: Serve) -> None:
    server = serve()
    ann, bob = visit(chromium, server), visit(firefox, server)
    choose(ann, 2)
    sees(bob, 0, 1, 0, 0)
    choose(bob, 2)
    choose(bob, 4)
    for page in (ann, bob):
        sees(page, 0, 1, 0, 1)
        page.wait_for("document.getElementById('vote-spoken').textContent.indexOf('2 votes: ') === 0")
    assert (ann.evaluate(MINE), bob.evaluate(MINE)) == ("Summer", "Winter")
    assert [page.errors for page in (ann, bob)] == [[], []]


def test_a_page_says_that_its_question_has_not_come(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, look = threading.Event(), Vote.look

    async def wait(self: Vote, client: Client) -> None:
        await asyncio.to_thread(asked.wait)
        await look(self, client)

    monkeypatch.setattr(Vote, "on_connect", wait)
    with ThreadedServer(tmp_path) as server:
        try:
            page = chromium.open(f"{server.address}vote/")
            page.wait_for(f"{STATE}.indexOf('Connected') === 0")
            assert page.evaluate(WAITING) == "Waiting for the question\u2026"
            for state, text in (
                ("waiting", "The question comes when this page is online"),
                ("gone", "No question"),
            ):
                page.evaluate(f"vote.booth.wait('{state}')")
                assert page.evaluate(WAITING).startswith(text)
        finally:
            asked.set()
        page.wait_for("document.querySelectorAll('.answer').length === 4")
        assert page.evaluate("document.getElementById('vote-waiting').offsetHeight") == 0


def test_two_tabs_have_one_vote_and_a_reload_keeps_it(chromium: Browser, serve: Serve) -> None:
    server = serve()
    one = visit(chromium, server, page=chromium.new_page())
    two = visit(chromium, server, page=chromium.new_page())
    choose(one, 1)
    choose(two, 3)
    for page in (one, two):
        sees(page, 0, 0, 1, 0)
        page.wait_for(f"{MINE} === 'Autumn'")
    visit(chromium, server, page=one)
    sees(one, 0, 0, 1, 0)
    one.wait_for(f"{MINE} === 'Autumn'")


def test_a_moderator_leads_the_poll(browser: Browser, serve: Serve) -> None:
    server = serve(environment={"THYWILL_CLIENT_INTERFACE_TICKET_SECRET": SECRET})
    guest = visit(browser, server)
    moderator = visit(browser, server, ticket=make_ticket(SECRET, "moderator", application="vote"))
    assert guest.evaluate("document.getElementById('vote-moderator').offsetHeight") == 0
    choose(guest, 1)
    sees(moderator, 1, 0, 0, 0)
    moderator.type("#vote-text", "<i>Tea</i>?")
    moderator.click("#vote-lines")
    for key in ("Y", "e", "s", "Enter", "N", "o"):
        moderator.press(key)
    moderator.click("#vote-ask .strong")
    guest.wait_for(f"{QUESTION} === '<i>Tea</i>?'")
    sees(guest, 0, 0)
    guest.wait_for(f"{MINE} === ''")
    choose(guest, 2)
    sees(moderator, 0, 1)
    moderator.click("#vote-close")
    guest.wait_for("document.querySelector('.choice').disabled")
    assert guest.evaluate("document.getElementById('vote-open').textContent") == "The voting is closed."
    moderator.wait_for("document.getElementById('vote-close').textContent === 'Open the voting'")
    # The second click counts within some seconds.
    moderator.evaluate("(b => { b.click(); b.click(); return 0; })(document.getElementById('vote-reset'))")
    sees(guest, 0, 0)
    assert not guest.evaluate("document.querySelector('.choice').disabled")
    assert [page.errors for page in (guest, moderator)] == [[], []]


def test_the_keyboard_alone_votes(browser: Browser, serve: Serve) -> None:
    page = visit(browser, serve())
    page.click("#vote-question")
    for key in ("Tab", "Tab", "Enter"):
        page.press(key)
    sees(page, 0, 1, 0, 0)
    for key in ("Tab", " "):
        page.press(key)
    sees(page, 0, 0, 1, 0)


def test_a_cut_connection_loses_no_vote(chromium: Browser, serve: Serve) -> None:
    server = serve()
    ann, bob = visit(chromium, server), visit(chromium, server)
    cut(ann)
    choose(ann, 1)
    choose(bob, 1)
    sees(bob, 1, 0, 0, 0)
    assert ann.evaluate("vote.booth.pending.answer") == 0
    mend([ann])
    for page in (ann, bob):
        sees(page, 2, 0, 0, 0)


def test_votes_survive_a_kill(browser: Browser, serve: Serve) -> None:
    server = serve("--queue", "database")
    page, other = visit(browser, server), visit(browser, server)
    choose(page, 1)
    choose(other, 2)
    for each in (page, other):
        sees(each, 1, 1, 0, 0)
    other.close()
    server.kill()
    page.wait_for("document.getElementById('vote-state').textContent.indexOf('Offline') === 0")
    choose(page, 3)
    serve("--queue", "database", port=server.port)
    sees(page, 0, 1, 1, 0)
    late = visit(browser, server)
    sees(late, 0, 1, 1, 0)
    choose(late, 2)
    sees(page, 0, 2, 1, 0)
