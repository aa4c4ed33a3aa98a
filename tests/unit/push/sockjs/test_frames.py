"""Frames that are made once for many receivers are those that each of them would have been made."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.support.steady import STEADY
from thywill.core.log import Entry, encode_item
from thywill.push.sockjs import frames


@given(st.integers(1, 2**53), st.integers(0, 2**53), st.text() | st.lists(st.integers()))
@STEADY
def test_a_message_alone(cursor: int, after: int, data: object) -> None:
    part = frames.Part(encode_item(cursor, json.dumps(data).encode()))
    frame = part.frame(cursor, after)
    assert frame == frames.messages([frames.answer([part.text], cursor, after, 0)])
    (text,) = json.loads(frame[1:])
    assert json.loads(text) == {"messages": [[cursor, data]], "cursor": cursor, "after": after}


def test_streams_at_the_same_place_get_the_same_bytes() -> None:
    part = frames.Part(b'[7,"x"]')
    assert part.frame(7, 3) is part.frame(7, 3)


def test_streams_at_other_places_get_their_own() -> None:
    part = frames.Part(b'[7,"x"]')
    told = [part.frame(7, after) for after in (3, 0, 3)]
    assert [json.loads(json.loads(frame[1:])[0])["after"] for frame in told] == [3, 0, 3]


def test_it_is_made_for_all_receivers_of_a_message() -> None:
    entry = Entry(7, b'"x"')
    assert entry.form(frames.Part) is entry.form(frames.Part)
