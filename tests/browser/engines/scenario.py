"""What the chat goes through in every engine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.browser.drivers import DriverError
from tests.browser.engines.base import TRANSPORTS, Engine
from tests.browser.engines.wire import Talker
from tests.support.proxy import Proxy
from tests.support.served import Reachable

AUTOMATIC = "automatic"
# What a page may be told to use, by a query in its address.
CHOICES = (AUTOMATIC, *TRANSPORTS)
ROOM = "Lobby"
COUNT = 20
# After so many messages, in each direction, the server closes its connections.
CUT = 7
# After so many the page gives up all its requests and begins anew, as when it is online again.
RESTART = 13
RESTARTING = "setTimeout(function () { thywill.internal.page.dispatchers[0].restart(); }, 0) !== 0"
# What brings the messages.
CARRIED = "thywill.internal.page.dispatchers[0].owner.transport"
# In the JavaScript of the oldest engines: text nodes, no innerText; lists of tags, no selectors.
TEXT = "(document.getElementById(%s).firstChild || {}).nodeValue"
STATUS = TEXT % "'chat-status-text'"
TITLE = TEXT % "'chat-title'"
IN_ROOM = f"{STATUS} === 'Connected' && {TITLE} === '{ROOM}'"
BUBBLES = """(function () {
  var nodes = document.getElementById('chat-log').getElementsByTagName('div'), found = [], i, side;
  for (i = 0; i < nodes.length; i += 1) {
    side = nodes[i].parentNode.parentNode.className;
    if (/ bubble /.test(' ' + nodes[i].className + ' ')) {
      found.push([/mine/.test(side) ? 'mine' : 'theirs', nodes[i].firstChild.nodeValue, nodes[i].className]);
    }
  }
  return found;
}())"""
# Whether the page has taken the text: a person would see that the field is empty.
SAY = """(function (text) {
  document.getElementById('chat-text').value = text;
  document.getElementById('chat-send').click();
  return document.getElementById('chat-text').value === '';
}(%s))"""


@dataclass(frozen=True)
class Times:
    """Seconds from the opening of the page until it is connected, and from a message until it is seen.

    transport: what brought messages then, before connections were cut.
    """

    connected: float
    message: float
    transport: str


def run(engine: Engine, server: Reachable, transport: str = AUTOMATIC) -> Times:
    """Let a page and somebody else talk, cut their connections, restart the page's transport, and leave.

    Args:
        engine: shows the page.
        server: has the chat.
        transport: the one that the page is to use; ``AUTOMATIC`` leaves the choice to it.

    Raises:
        AssertionError: something was lost, came twice, in another order or not at all.
    """
    with Talker(server.port, ROOM) as other, Proxy(server.port) as proxy:
        begun = time.monotonic()
        engine.open(page_address(proxy, transport))
        engine.wait_for(IN_ROOM)
        connected = time.monotonic() - begun
        person = find_person(other)
        message = first_message(engine, other)
        carried = used(engine, transport)
        receives(engine, other, proxy)
        sends(engine, other, proxy, person)
        assert engine.errors == []
        leaves(engine, other, person, tells=transport not in engine.leaves_in_silence)
    return Times(connected, message, carried)


def steadily(launch: Callable[[], Engine], trial: Callable[[Engine], Times]) -> Times:
    """Return what comes of ``trial``, made once more where the engine crashes or its timers stop.

    Old engines crash now and then. In one of some fifty trials on a busy machine HtmlUnit's page sends
    nothing any more after the network has cut a script. With its timers stopped as well, no client can help.

    Args:
        launch: returns a running engine.
        trial: what is done with it, on a server of its own: the room remembers what was said in it.
    """
    engine = launch()
    try:
        return trial(engine)
    except DriverError:
        if engine.running:
            raise
    except AssertionError:
        if not engine.is_stuck():
            raise
    return trial(launch())


def used(engine: Engine, transport: str) -> str:
    """Return what brings messages now; where one was forced, that one does."""
    if transport in TRANSPORTS:
        engine.wait_for(f"{CARRIED} === '{transport}'")
    name: str = engine.wait_for(CARRIED)
    return name


def page_address(proxy: Proxy, transport: str) -> str:
    query = "" if transport == AUTOMATIC else f"?transport={transport}"
    return f"{proxy.address}chat/{query}"


def find_person(other: Talker) -> str:
    """Return the id of the page's person, who came after ``other``."""
    other.wait_for(lambda: bool(other.people("joined") - {other.person}))
    (person,) = other.people("joined") - {other.person}
    return person


def first_message(engine: Engine, other: Talker) -> float:
    begun = time.monotonic()
    other.say("the first")
    engine.wait_for(f"{BUBBLES}.length === 1")
    return time.monotonic() - begun


def receives(engine: Engine, other: Talker, proxy: Proxy) -> None:
    texts = [text_of("pushed", index) for index in range(COUNT)]
    for index, text in enumerate(texts):
        other.say(text)
        disturb(engine, proxy, index)
    engine.wait_for(f"{BUBBLES}.length >= {COUNT + 1}")
    assert [text for side, text, _ in engine.evaluate(BUBBLES) if side == "theirs"] == ["the first", *texts]


def sends(engine: Engine, other: Talker, proxy: Proxy, person: str) -> None:
    texts = [text_of("said", index) for index in range(COUNT)]
    for index, text in enumerate(texts):
        engine.wait_for(SAY % json.dumps(text))
        disturb(engine, proxy, index)
    other.wait_for(lambda: len(other.heard(person)) >= COUNT)
    assert other.heard(person) == texts
    engine.wait_for(f"{STATUS} === 'Connected' && !/pending/.test({BUBBLES}.join())")
    assert [text for side, text, _ in engine.evaluate(BUBBLES) if side == "mine"] == texts


def leaves(engine: Engine, other: Talker, person: str, *, tells: bool) -> None:
    """Leave the page, and where it ``tells`` so, wait until ``other`` knows."""
    engine.leave()
    # One that crashes over it is gone before it can tell.
    if tells and engine.running:
        other.wait_for(lambda: person in other.people("left"))


def disturb(engine: Engine, proxy: Proxy, index: int) -> None:
    if index == CUT:
        proxy.cut()
    elif index == RESTART:
        assert engine.evaluate(RESTARTING)


def text_of(what: str, index: int) -> str:
    return f"{what} {index}: gr\u00fc\u00df \u4e16\u754c \u2028\u2029 \U0001f642 <b>&amp;\"'\\ end"
