"""The table of a connection's states, as data: every state with every event."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thywill.http.shared import Timeouts
from thywill.http.states import DEADLINES, TAKING, TRANSITIONS, advance, timed_states
from thywill.http.states import ConnectionEvent as Event
from thywill.http.states import ConnectionState as State

# The state after each event, in the order of ``Event``, by its first two letters; "--" where it is illegal.
#              PH PB NO RE SU TU PK AN PW RW RF TI CL AB LO AI
TABLE = {
    "IDLE":        "HE BO ID DI WA -- -- -- FL -- LI AB CS AB CD --",
    "HEAD":        "HE BO -- DI WA -- -- -- FL -- LI LI CS AB CD --",
    "BODY":        "-- BO -- DI WA -- -- -- FL -- LI LI CS AB CD --",
    "READY":       "HE BO ID DI WA -- -- -- FL -- LI -- CS AB CD --",
    "WAITING":     "-- -- -- -- -- RE -- -- WA WA -- -- CS AB CD --",
    "DISPATCHING": "-- -- -- -- -- -- AN RE DI DI LI -- CS AB CD --",
    "ANSWERING":   "-- -- -- -- -- -- -- RE BL -- LI AB CS AB CD ID",
    "BLOCKED":     "-- -- -- -- -- -- -- FL -- AN LI AB CS AB CD --",
    "FLUSHING":    "-- -- -- -- -- -- -- -- -- RE -- AB CS AB CD --",
    "LINGERING":   "LI LI LI LI LI LI LI LI LI LI LI AB CS AB CD LI",
    "CLOSING":     "CS CS CS CS CS CS CS CS CS CS CS AB CS AB CD CS",
    "ABORTED":     "AB AB AB AB AB AB AB AB AB AB AB AB AB AB CD AB",
    "CLOSED":      "CD CD CD CD CD CD CD CD CD CD CD CD CD CD CD CD",
}  # fmt: skip
SHORT = {"CS": State.CLOSING, "CD": State.CLOSED} | {
    state.name[:2]: state for state in State if not state.name.startswith("CLOS")
}
ROWS = [
    (State[name], event, SHORT.get(short))
    for name, row in TABLE.items()
    for event, short in zip(Event, row.split(), strict=True)
]


@pytest.mark.parametrize(("state", "event", "after"), ROWS, ids=[f"{s.name}-{e.name}" for s, e, _ in ROWS])
def test_what_an_event_does(state: State, event: Event, after: State | None) -> None:
    if after is None:
        with pytest.raises(match=f"{event.name} while {state.name}"):
            advance(state, event)
    else:
        assert advance(state, event) is after


def test_the_table_has_every_state() -> None:
    assert [State[name] for name in TABLE] == list(State)


@given(st.sampled_from(State), st.lists(st.sampled_from(Event)))
def test_nothing_brings_a_connection_back(state: State, events: list[Event]) -> None:
    ended = False
    for event in events:
        state = TRANSITIONS[state].get(event, state)
        ended = ended or state >= State.LINGERING
        assert (state >= State.LINGERING) is ended


def test_a_state_with_a_deadline_knows_what_its_end_means() -> None:
    assert all(Event.TIMEOUT in TRANSITIONS[state] for state in DEADLINES)
    assert all(state in DEADLINES for state in TAKING if state is not State.READY)


def test_each_state_has_its_deadline() -> None:
    timeouts = Timeouts(header=1, body=2, idle=3, write=4, linger=5)
    made = timed_states(partial(getattr, timeouts))
    seconds = [made[state].seconds for state in State]
    assert seconds == [3, 1, 2, None, None, None, None, 4, 4, 5, None, None, None]


def test_the_timed_states_are_those_of_the_table() -> None:
    made = timed_states(lambda _: 1.0)
    for state, row in TRANSITIONS.items():
        assert made[state].state is state
        assert {event: after.state for event, after in made[state].after.items()} == row
