"""The life of a client: every state with every event, in a table of its own."""

from __future__ import annotations

import itertools

import pytest

from thywill.core.lifecycle import TRANSITIONS, Event, IllegalTransition, State, advance
from thywill.errors import Gone
from thywill.process.compiled import form

LEGAL = [
    ("detached", "ATTACH", "connected"),
    ("detached", "EXPIRE", "gone"),
    ("detached", "LEAVE", "gone"),
    ("detached", "EVICT", "gone"),
    ("connected", "ATTACH", "connected"),
    ("connected", "MISS", "detached"),
    ("connected", "LEAVE", "gone"),
    ("connected", "EVICT", "gone"),
]
ILLEGAL = [("detached", "MISS"), ("connected", "EXPIRE")]


@pytest.mark.parametrize(("before", "event", "after"), LEGAL)
def test_a_transition(before: str, event: str, after: str) -> None:
    assert advance(State(before), Event[event]) is State(after)


@pytest.mark.parametrize(("before", "event"), ILLEGAL)
def test_an_event_that_the_state_does_not_allow_is_an_error_of_the_server(before: str, event: str) -> None:
    with pytest.raises(IllegalTransition) as raised:
        advance(State(before), Event[event])
    assert str(raised.value) == f"{event} while {before.upper()}"
    assert raised.value.__suppress_context__ or form() == "compiled"  # mypyc ignores ``from None``


@pytest.mark.parametrize("event", list(Event))
def test_nothing_brings_back_a_client_that_is_gone(event: Event) -> None:
    with pytest.raises(Gone):
        advance(State.GONE, event)


def test_every_pair_of_state_and_event_is_tested() -> None:
    spoken = {(State(state), Event[event]) for state, event, *_ in [*LEGAL, *ILLEGAL]}
    alive = (State.DETACHED, State.CONNECTED)
    assert spoken == set(itertools.product(alive, Event))
    assert set(TRANSITIONS) == {(State(state), Event[event]) for state, event, _ in LEGAL}
