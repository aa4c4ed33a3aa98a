"""What the chat goes through in every engine."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from tests.engines.base import Engine
from tests.engines.proxy import Proxy
from tests.engines.wire import Talker
from tests.served import Served

AUTOMATIC = "automatic"
# What a page may be told to use, by a query in its address.
CHOICES = (AUTOMATIC, "longpoll", "xhr-streaming", "eventsource")
ROOM = "Lobby"
COUNT = 20
# After so many messages the server closes its connections.
CUTS = (7, 13)
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
SAY = """(function (text) {
  document.getElementById('chat-text').value = text;
  document.getElementById('chat-send').click();
}(%s))"""


@dataclass(frozen=True)
class Times:
    """Seconds from the opening of the page until it is connected, and from a message until it is seen."""

    connected: float
    message: float


def run(engine: Engine, server: Served, transport: str = AUTOMATIC) -> Times:
    """Let a page and somebody else talk, cut their connections, and leave.

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
        receives(engine, other, proxy)
        sends(engine, other, proxy, person)
        assert engine.errors == []
        engine.leave()
        other.wait_for(lambda: person in other.people("left"))
    return Times(connected, message)


def page_address(proxy: Proxy, transport: str) -> str:
    query = "" if transport == AUTOMATIC else f"?transport={transport}"
    return f"{proxy.address}chat/{query}"


def find_person(other: Talker) -> str:
    """Return the id of the page's client, which came after ``other``."""
    other.wait_for(lambda: bool(other.people("joined") - {other.id}))
    (person,) = other.people("joined") - {other.id}
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
        if index in CUTS:
            proxy.cut()
    engine.wait_for(f"{BUBBLES}.length >= {COUNT + 1}")
    assert [text for side, text, _ in engine.evaluate(BUBBLES) if side == "theirs"] == ["the first", *texts]


def sends(engine: Engine, other: Talker, proxy: Proxy, person: str) -> None:
    texts = [text_of("said", index) for index in range(COUNT)]
    for index, text in enumerate(texts):
        engine.evaluate(SAY % json.dumps(text))
        if index in CUTS:
            proxy.cut()
    other.wait_for(lambda: len(other.heard(person)) >= COUNT)
    assert other.heard(person) == texts
    engine.wait_for(f"{STATUS} === 'Connected' && !/pending/.test({BUBBLES}.join())")
    assert [text for side, text, _ in engine.evaluate(BUBBLES) if side == "mine"] == texts


def text_of(what: str, index: int) -> str:
    return f"{what} {index}: gr\u00fc\u00df \u4e16\u754c \u2028\u2029 \U0001f642 <b>&amp;\"'\\ end"
