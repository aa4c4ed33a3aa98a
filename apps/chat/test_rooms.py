"""The rooms and the words of the chat, without a server."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from apps.chat import rooms as limits
from apps.chat.rooms import LOBBY, Room, Rooms
from apps.chat.words import (
    NAME_LIMIT,
    ROOM_LIMIT,
    TEXT_LIMIT,
    clean_name,
    clean_room,
    clean_text,
    guest_name,
)
from thywill import RpcError

NOW = 1_700_000_000.0


def refusal(code: str) -> Any:
    return pytest.raises(RpcError, check=lambda error: error.code == code)


def names(rooms: Rooms) -> list[object]:
    return [room["name"] for room in rooms.directory()]


def fill(rooms: Rooms, count: int, network: str = "", people: int = 1) -> list[Room]:
    made = []
    for number in range(count):
        room, _ = rooms.open(f"{network} {number}", network)
        room.people.update({f"{number} {person}": "Guest" for person in range(people)})
        made.append(room)
    return made


# The rooms.


def test_case_makes_no_other_room() -> None:
    rooms = Rooms()
    room, _ = rooms.open("Tea room")
    assert rooms.open("TEA ROOM") == (room, [])
    assert rooms.find("tea Room") is rooms.at(room.here) is room
    assert names(rooms) == [LOBBY, "Tea room"]


def test_a_room_stays_while_somebody_is_in_it_or_something_is_kept() -> None:
    rooms = Rooms()
    room, _ = rooms.open("Tea")
    room.people["a"] = "Ada"
    assert not rooms.remove_unused(room, NOW)
    room.until = NOW + 1
    del room.people["a"]
    assert not rooms.remove_unused(room, NOW)
    assert rooms.expire(NOW + 1) == [room]
    assert rooms.find("Tea") is None
    assert rooms.expire(NOW + 1) == []


def test_the_lobby_stays() -> None:
    rooms = Rooms()
    assert rooms.expire(NOW) == []
    assert names(rooms) == [LOBBY]


def test_a_room_that_has_been_replaced_is_not_removed_again() -> None:
    rooms = Rooms()
    room, _ = rooms.open("Tea")
    rooms.expire(NOW)
    again, _ = rooms.open("Tea")
    assert not rooms.remove_unused(room, NOW)
    assert rooms.find("Tea") is again


def test_the_number_of_rooms_is_limited() -> None:
    rooms = Rooms()
    fill(rooms, limits.ROOMS_LIMIT - 1)
    with refusal("too_many_rooms"):
        rooms.open("one more")
    assert rooms.open(" 0")[0].name == " 0"


def test_the_empty_room_that_is_silent_for_longest_makes_place() -> None:
    rooms = Rooms()
    made = fill(rooms, limits.ROOMS_LIMIT - 1)
    for number, until in ((3, NOW + 9), (5, NOW), (7, NOW + 5)):
        made[number].people.clear()
        made[number].until = until
    room, removed = rooms.open("one more")
    assert removed == [made[5]]
    room.people["a"] = "Ada"
    assert rooms.open("and more")[1] == [made[7]]


def test_the_people_of_one_network_may_not_open_all_rooms() -> None:
    rooms = Rooms()
    made = fill(rooms, limits.ROOMS_OF_ONE, "192.0.2.1")
    with refusal("too_many_rooms"):
        rooms.open("one more", "192.0.2.1")
    assert rooms.open("one more", "192.0.2.2")[1] == []
    made[0].people.clear()
    assert rooms.open("another", "192.0.2.1")[1] == [made[0]]


def test_a_person_is_found_in_every_room() -> None:
    rooms = Rooms()
    tea, cake = rooms.open("Tea")[0], rooms.open("Cake")[0]
    for room in (tea, cake):
        room.people["a"] = "Ada"
    assert rooms.with_person("a") == [tea, cake]
    assert (rooms.name_of("a"), rooms.name_of("b")) == ("Ada", None)


def test_the_names_and_the_list_of_rooms_fit_into_a_message() -> None:
    rooms = Rooms()
    for each in fill(rooms, limits.ROOMS_LIMIT - 1, people=0):
        each.name = "\U0001f600" * ROOM_LIMIT
    (room,) = fill(Rooms(), 1)
    room.people = {str(number) * 22: "\U0001f600" * NAME_LIMIT for number in range(10, 600)}
    for data in (rooms.directory(), room.names()):
        assert len(json.dumps(data, ensure_ascii=False).encode()) < 60_000
    assert len(room.names()) == limits.PEOPLE_SHOWN


# The words.


def test_a_name_is_one_line_without_control_characters() -> None:
    assert clean_name(" Ada\x00  Love\tlace\n") == "Ada Love lace"
    assert clean_room("Tea\u202e room\u200b") == "Tea room"
    assert clean_name("e\u0301") == "\u00e9"


@pytest.mark.parametrize("name", ["", "   ", "\x00", "\u200b", "\u202e\u2066", "\u0301", "\ud800"])
def test_a_name_that_nobody_sees_is_none(name: str) -> None:
    with refusal("empty"):
        clean_name(name)


def test_names_are_limited() -> None:
    assert clean_name("x" * NAME_LIMIT) == "x" * NAME_LIMIT
    with refusal("too_long"):
        clean_name("x" * (NAME_LIMIT + 1))
    with refusal("too_long"):
        clean_room("x" * (ROOM_LIMIT + 1))


def test_emoji_and_persian_keep_their_joiners() -> None:
    assert clean_name("\U0001f469\u200d\U0001f680") == "\U0001f469\u200d\U0001f680"
    assert clean_name("\u0645\u06cc\u200c\u062e") == "\u0645\u06cc\u200c\u062e"


def test_a_text_keeps_its_lines() -> None:
    assert clean_text(" hello\r\nthere\r\n\n\n\nagain \x07") == "hello\nthere\n\nagain"
    assert clean_text("<script>alert(1)</script>") == "<script>alert(1)</script>"
    assert clean_text("x" * TEXT_LIMIT) == "x" * TEXT_LIMIT
    with refusal("too_long"):
        clean_text("x" * 100_000)
    with refusal("empty"):
        clean_text(" \n\x00\ud800 ")


def test_a_guest_has_always_the_same_name() -> None:
    assert guest_name("a") == guest_name("a")
    many = {guest_name(str(number)) for number in range(1000)}
    assert len(many) > 500
    assert all(clean_name(name) == name for name in many)


def test_a_name_of_accents_alone_holds_nobody_up() -> None:
    begun = time.process_time()
    with refusal("too_long"):
        clean_name("a" + "\u0315" * 15_000 + "\u0300" * 15_000)
    assert time.process_time() - begun < 0.5  # to bring them into their order would take seconds
