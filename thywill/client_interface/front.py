"""The HTML of the front page: what this server is, and a card for each application.

The page is complete without scripts. ``static/thywill/front.js`` fills in the live figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from thywill.application_interface.base import Page

FRONT = """<div class="page front" role="main">
<h1>thywill</h1>
<p class="lead">This server exchanges messages with every browser over plain HTTP, each exactly once
and in order. It needs no WebSockets, so it works in old browsers and behind proxies.</p>
<div class="figures unknown" id="thywill-figures">
<p class="figure"><b id="thywill-pages">0</b>
<span class="soft" id="thywill-pages-word">pages connected</span></p>
<p class="figure"><b id="thywill-messages">0</b>
<span class="soft" id="thywill-messages-word">messages per second</span></p>
<p class="figure"><b id="thywill-delay">&ndash;</b> <span class="soft">median delay, ms</span></p>
<p class="figure"><b id="thywill-transport">&ndash;</b> <span class="soft">transport of this page</span></p>
</div>
<h2>Applications</h2>
{cards}
<h2>Write your own in ten lines</h2>
<pre><code>{example}</code></pre>
<p class="links" id="thywill-links"><a href="thywill/guide">How to write an application</a></p>
</div>"""

NO_CARDS = '<p class="empty">No application is switched on.</p>'

EXAMPLE = """\
# apps/dice/__init__.py
import random

from thywill import Application


class Dice(Application):
    scripts = ["dice.js"]

    async def on_connect(self, client):
        await self.subscribe(client, "table")

    async def on_message(self, client, message):
        await self.publish("table", {"rolled": random.randint(1, 6)})


// apps/dice/static/dice.js
thywill.ready(function (client) {
  client.on('message', function (data) { document.title = 'Rolled ' + data.rolled; });
  client.send('roll');
});"""
"""The example on the front page; the README has the same application with a longer script."""


class Card(NamedTuple):
    """An application on the front page: its page, and the address of its icon, which may be empty."""

    page: Page
    icon: str


def fragment(cards: Sequence[Card]) -> str:
    """Return the HTML of the front page's body: the applications as a list, and places for live figures."""
    if not cards:
        return FRONT.format(cards=NO_CARDS, example=escape(EXAMPLE))
    listed = f'<ul class="cards">\n{"".join(map(_card, cards))}</ul>'
    return FRONT.format(cards=listed, example=escape(EXAMPLE))


def _card(card: Card) -> str:
    name, icon, place = escape(card.page.name), "", ""
    if card.icon:
        icon = f'<img class="icon" src="{escape(card.icon)}" alt="" width="40" height="40">'
        place = ' class="with-icon"'
    description = f"<p>{escape(card.page.description)}</p>\n" if card.page.description else ""
    return (
        f'<li class="card">{icon}<div{place}><h3><a href="{name}/">{escape(card.page.title)}</a></h3>\n'
        f'{description}<p class="soft" id="thywill-people-{name}">/{name}/</p></div></li>\n'
    )
