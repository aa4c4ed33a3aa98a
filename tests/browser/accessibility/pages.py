"""Every page as a person has it after a while, so that there is something to check on it."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import apps
from tests.browser.drivers import Chromium
from tests.browser.drivers.chromium import ChromiumPage
from tests.support import chat_page, display_page, table_page
from tests.support.threaded_server import ThreadedServer
from thywill.commands import new
from thywill.tickets import make_ticket

KEY = "a-key-of-the-tests"
SECRET = "signs the tickets of this test"
CONNECTED = "document.getElementById('%s').textContent.indexOf('Connected') === 0"
FIGURES = "document.getElementById('thywill-figures').className === 'figures'"
LONG = "An address that nobody can break: " + "x" * 90

PLAIN = """
from thywill import Application


class Plain(Application):
    title = "Plain"
    scripts = ["plain.js"]
"""
PLAIN_SCRIPT = """
thywill.ready(function (client) {
  var button = document.createElement('button');
  button.appendChild(document.createTextNode('Press'));
  document.getElementById('application').appendChild(button);
});
"""


ENDED = "{state: 'gone', detail: {reconnect: true}, bar: true, listenersOf: () => []}"
"""A client whose server was restarted."""


class Site(NamedTuple):
    """A server with every page, and the browser that looks at them."""

    server: ThreadedServer
    browser: Chromium

    @property
    def address(self) -> str:
        return self.server.address

    def page(self) -> ChromiumPage:
        """Return a new page, of somebody who was never here."""
        page = self.browser.new_page(isolated=True)
        assert isinstance(page, ChromiumPage)
        return page

    def other(self, path: str, ready: str) -> ChromiumPage:
        """Return a page of somebody else that is there, too."""
        page = self.page()
        page.open(self.address + path)
        page.wait_for(ready)
        return page


Fill = Callable[[ChromiumPage, Site], None]


class Look(NamedTuple):
    """A page to check.

    Args:
        name: what tests call it.
        fill: opens it, and makes it what a person sees after a while.
        live: the elements that say what arrives, as selectors.
        marks: what says something by its colour alone, as a selector.
        cut: texts that are cut off and stand elsewhere in full, as a selector.
        mouse: elements that only the mouse can use, as a selector; keys do the same elsewhere.
    """

    name: str
    fill: Fill
    live: tuple[str, ...] = ()
    marks: str = ""
    cut: str = ""
    mouse: str = ""

    def __str__(self) -> str:
        return self.name


def front(page: ChromiumPage, site: Site) -> None:
    page.open(site.address)
    page.wait_for(FIGURES)


def echo(page: ChromiumPage, site: Site) -> None:
    page.open(site.address + "echo/")
    page.wait_for(CONNECTED % "echo-state")
    page.type("#echo-text", "Hello")
    page.press("Enter")
    page.evaluate(f"(document.getElementById('echo-text').value = {json.dumps(LONG)}, 0)")
    page.press("Enter")
    page.wait_for(
        "document.querySelectorAll('.line').length === 2 && document.querySelectorAll('.trip').length"
    )


def chat(page: ChromiumPage, site: Site) -> None:
    chat_page.enter(page, site.server)
    other = chat_page.enter(site.page(), site.server)
    chat_page.rename(other, "Ada")
    chat_page.say(other, "Hello. See http://example.org/")
    chat_page.sees(page, "Hello. See http://example.org/")
    chat_page.say(page, LONG)
    chat_page.sees(page, LONG)
    page.wait_for("document.querySelectorAll('#chat-people li').length > 1")


def talk(page: ChromiumPage, site: Site) -> None:
    """A private talk, and a message that waits in the room."""
    chat(page, site)
    page.evaluate("document.querySelectorAll('#chat-people a')[1].click()")
    page.wait_for("document.getElementById('chat-title').textContent === 'Ada'")
    chat_page.say(page, "For you alone")
    page.wait_for("document.querySelectorAll('#chat-private li').length === 1")
    page.wait_for("document.getElementById('chat-log').getAttribute('aria-live') === 'polite'")


def drawer(page: ChromiumPage, site: Site) -> None:
    """The chat of a narrow page, with its rooms and people shown."""
    page.set_viewport(390, 800)
    chat(page, site)
    page.click("#chat-side-open")
    page.evaluate("document.getElementById('chat-rename').click()")
    page.wait_for("document.getElementById('chat-name').offsetWidth > 0")


def gone(page: ChromiumPage, site: Site) -> None:
    """The chat of somebody whose client has ended."""
    chat(page, site)
    page.evaluate("chat.status.end('You are no longer connected.', 'the server was restarted')")


def game(page: ChromiumPage, site: Site) -> None:
    page.open(site.address + "game/")
    page.wait_for(
        "document.querySelectorAll('#game-scores li').length && document.querySelectorAll('.own').length"
    )


def draw(page: ChromiumPage, site: Site) -> None:
    page.open(site.address + "draw/")
    other = site.other("draw/", CONNECTED % "draw-state")
    other.click("#draw-paper")
    page.wait_for("document.querySelectorAll('.pen').length === 1")
    page.wait_for("document.querySelectorAll('#draw-people li').length > 1")


def display(page: ChromiumPage, site: Site) -> None:
    page.open(site.address + "display/")
    page.wait_for(CONNECTED % "display-state")
    display_page.publish(site.server, {"name": "Office", "value": 21.5, "unit": "°C"})
    # Charts come with their first values, and one that comes later would be a control more.
    page.wait_for(
        f"{display_page.NAMES}.includes('Office') && !document.querySelectorAll('.chart.hidden').length"
    )
    page.evaluate("document.querySelector('.chart-button').click()")
    page.wait_for("document.querySelectorAll('.chart-table tr').length > 1")


def calculations(page: ChromiumPage, site: Site) -> None:
    page.open(site.address + "calculations/")
    page.wait_for("document.querySelectorAll('.job .result').length === 1")
    page.evaluate(
        "Array.from(document.querySelectorAll('.way')).find(b => b.textContent.includes('primes')).click()"
    )
    page.evaluate("(document.getElementById('calc-primes-up_to').value = '-3', 0)")
    page.click(".form:not(.hidden) .strong")
    page.wait_for("document.querySelectorAll('.entry .problem:not(.hidden)').length === 1")
    page.evaluate("(document.getElementById('calc-primes-up_to').value = '100000000', 0)")
    page.click(".form:not(.hidden) .strong")
    page.wait_for("document.querySelectorAll('.bar').length === 1")


def tabular(page: ChromiumPage, site: Site) -> None:
    page.open(site.address + "tabular/")
    page.wait_for("document.querySelectorAll('.sheet tbody tr').length >= 30")
    other = table_page.look(site.browser, site.server)
    table_page.go(other, 2, 1)
    table_page.go(page, 1, 0)
    page.wait_for("document.querySelectorAll('.cursor').length === 1")
    page.evaluate("document.querySelectorAll('.sort')[1].click()")


def conflict(page: ChromiumPage, site: Site) -> None:
    """The table where two have written."""
    tabular(page, site)
    page.evaluate(
        "(cell => { cell.state = 'conflict'; cell.mine = 'Mine'; cell.value = 'Theirs'; cell.who = 'Ada';"
        " tabular.board.soon(true); })(tabular.board.model.cell(tabular.board.grid.row, 0))"
    )
    page.wait_for("document.querySelectorAll('.notice:not(.hidden)').length === 1")


def vote(page: ChromiumPage, site: Site) -> None:
    page.open(site.address + "vote/")
    page.wait_for("document.querySelectorAll('.answer').length > 1")
    page.click(".answer:nth-child(2) button")
    page.wait_for("document.querySelectorAll('[aria-pressed=true]').length === 1")


def moderator(page: ChromiumPage, site: Site) -> None:
    ticket = make_ticket(SECRET, "moderator", application="vote")
    page.open(f"{site.address}vote/?ticket={ticket}")
    page.wait_for("document.getElementById('vote-moderator').offsetHeight > 0")


def door(page: ChromiumPage, site: Site) -> None:
    """The form that asks for the key of the status page, after a wrong one."""
    page.open(site.address + "thywill/status")
    page.type("#key", "not-the-right-key")
    page.press("Enter")
    page.wait_for("document.querySelectorAll('.problem').length === 1")


def status(page: ChromiumPage, site: Site) -> None:
    site.other("echo/", CONNECTED % "echo-state")
    page.open(site.address + "thywill/status")
    page.type("#key", KEY)
    page.press("Enter")
    page.wait_for("(document.getElementById('st-state') || {}).innerText === 'Live'")
    page.wait_for("document.querySelectorAll('#st-clients a').length > 0")
    page.evaluate("document.querySelector('#st-clients a').click()")
    page.wait_for("document.querySelectorAll('#st-one dt').length > 9")


def opened(path: str) -> Fill:
    def fill(page: ChromiumPage, site: Site) -> None:
        page.open(site.address + path)
        page.wait_for("document.readyState === 'complete'")

    return fill


def fresh(page: ChromiumPage, site: Site) -> None:
    """The page that ``run.py new`` makes."""
    page.open(site.address + "fresh/")
    page.click("#press")
    page.wait_for("document.getElementById('count').textContent.length > 8")


def plain(page: ChromiumPage, site: Site) -> None:
    """An application without a page of its own."""
    page.open(site.address + "plain/")
    page.wait_for("document.querySelectorAll('#application button').length === 1")


def barred(page: ChromiumPage, site: Site) -> None:
    """A page whose client has ended, as the connection bar says."""
    plain(page, site)
    page.wait_for("typeof thywill.internal.Bar === 'function'")
    page.evaluate(f"void new thywill.internal.Bar({ENDED})")
    page.wait_for("document.querySelectorAll('.thywill-bar button').length === 1")


LOOKS = (
    Look("front", front),
    Look("echo", echo, live=("#echo-state", "#echo-list"), marks=".trip"),
    Look("chat", chat, live=("#chat-log", "#chat-told", "#chat-status-text"), mouse="#chat-shade"),
    Look("talk", talk, live=("#chat-log",), mouse="#chat-shade"),
    Look("drawer", drawer, mouse="#chat-shade"),
    Look("gone", gone, live=("#chat-gone-text",), mouse="#chat-shade"),
    Look(
        "game",
        game,
        live=("#game-told", "#game-state"),
        marks=".disc, .dot",
        cut="#game-arena",
        mouse="#game-arena",
    ),
    Look(
        "draw",
        draw,
        live=("#draw-count", "#draw-told", "#draw-state"),
        marks=".nib-3 .ink",
        mouse="#draw-paper",
    ),
    Look("display", display, live=("#display-told", "#display-state"), marks=".line, .surface .dot"),
    Look("calculations", calculations, live=("#calc-told", "#calc-problem"), marks=".fill"),
    Look(
        "tabular",
        tabular,
        live=("#tabular-told", "#tabular-notice", "#tabular-state"),
        cut=".cell-text",
        mouse=".row-remove",
    ),
    Look("conflict", conflict, live=("#tabular-notice",), cut=".cell-text", mouse=".row-remove"),
    Look("vote", vote, live=("#vote-spoken", "#vote-told", "#vote-open", "#vote-state")),
    Look("moderator", moderator, live=("#vote-told",)),
    Look("door", door, live=(".problem",)),
    Look(
        "status",
        status,
        live=("#st-state", "#st-found", "#st-told", "#st-published"),
        marks=".line",
        mouse="#st-clients",
    ),
    Look("guide", opened("thywill/guide")),
    Look("guide of the chat", opened("thywill/guide/apps/chat/README.md")),
    Look("error", opened("nothing/here")),
    Look("new", fresh, live=("#count",)),
    Look("plain", plain),
    Look("bar", barred, live=(".thywill-bar",)),
)


@contextmanager
def site() -> Iterator[Site]:
    """Start a server that has every page, and a browser."""
    with (
        tempfile.TemporaryDirectory() as folder,
        authors(Path(folder)) as settings,
        ThreadedServer(Path(folder), settings) as server,
        Chromium() as browser,
    ):
        yield Site(server, browser)


@contextmanager
def authors(root: Path) -> Iterator[dict[str, object]]:
    """Add what authors begin with, a new application and one without a page; yield settings with these."""
    (root / "conf").mkdir()
    config = root / "conf" / "thywill.toml"
    config.write_text("[application_interface]\napplications = []\n")
    new.run("fresh", root, config)
    static = root / "apps" / "plain" / "static"
    static.mkdir(parents=True)
    (root / "apps" / "plain" / "__init__.py").write_text(PLAIN)
    (static / "plain.js").write_text(PLAIN_SCRIPT)
    apps.__path__.append(str(root / "apps"))
    names = ["echo", "chat", "game", "draw", "vote", "display", "tabular", "calculations", "fresh", "plain"]
    try:
        yield {
            "application_interface.applications": [f"apps.{name}" for name in names],
            "client_interface.ticket_secret": SECRET,
            "monitoring.key": KEY,
            "publishing.keys": {"tests": display_page.KEY},
        }
    finally:
        apps.__path__.remove(str(root / "apps"))
        for name in ("apps.fresh", "apps.plain"):
            sys.modules.pop(name, None)
