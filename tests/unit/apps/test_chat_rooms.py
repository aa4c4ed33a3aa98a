"""The rooms of the chat, without a server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.chat import rooms as limits
from apps.chat.rooms import DIRECTORY, LOBBY, Event, Person, Room, Rooms, tag_of
from apps.chat.words import NAME_LIMIT, ROOM_LIMIT, TEXT_LIMIT, ChatError, clean_name, clean_room, clean_text

NOW = 1_700_000_000.5
ADA = Person("a", "Ada")
BEN = Person("b", "Ben")


def say(room: Any = LOBBY, text: Any = "hello", **more: Any) -> dict[str, Any]:
    return {"kind": "say", "room": room, "text": text, **more}


def kinds(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.channel, event.data["kind"]) for event in events]


def filled(*people: Person, room: str = LOBBY) -> Rooms:
    rooms = Rooms()
    for person in people:
        rooms.enter(person, room)
    return rooms


def refusal(code: str) -> Any:
    return pytest.raises(ChatError, check=lambda error: error.code == code)


# Entering and leaving.


def test_the_first_person_in_a_room_creates_it() -> None:
    room, events = Rooms().enter(ADA, "Tea")
    assert room.snapshot()["people"] == [{"id": "a", "name": "Ada"}]
    assert kinds(events) == [("room:tea", "joined"), (DIRECTORY, "room")]
    assert events[0].data == {
        "kind": "joined",
        "room": "Tea",
        "serial": 1,
        "person": {"id": "a", "name": "Ada"},
        "people": 1,
    }


def test_case_and_spacing_make_no_other_room() -> None:
    rooms = filled(ADA, room="Tea room")
    room, _ = rooms.enter(BEN, "  TEA \t ROOM ")
    assert (room.name, len(room.people)) == ("Tea room", 2)


def test_entering_another_room_leaves_the_first() -> None:
    rooms = filled(ADA, BEN)
    _, events = rooms.enter(ADA, "Tea")
    assert kinds(events) == [
        ("room:lobby", "left"),
        (DIRECTORY, "room"),
        ("room:tea", "joined"),
        (DIRECTORY, "room"),
    ]
    assert events[0].data["people"] == 1
    assert events[1].data == {"kind": "room", "name": LOBBY, "people": 1}


def test_entering_the_same_room_again_changes_nothing() -> None:
    rooms = filled(ADA)
    room, events = rooms.enter(ADA, LOBBY)
    assert (events, room.serial, len(room.people)) == ([], 1, 1)


def test_an_empty_room_is_deleted() -> None:
    rooms = filled(ADA, room="Tea")
    rooms.handle("a", say("Tea"), NOW)
    events = rooms.leave("a")
    assert events[-1].data == {"kind": "room", "name": "Tea", "people": 0}
    assert [room["name"] for room in rooms.directory()] == [LOBBY]
    room, _ = rooms.enter(BEN, "Tea")
    assert room.snapshot()["recent"] == []


def test_the_lobby_stays_and_keeps_its_messages() -> None:
    rooms = filled(ADA)
    rooms.handle("a", say(), NOW)
    rooms.leave("a")
    assert rooms.directory() == [{"name": LOBBY, "people": 0}]
    room, _ = rooms.enter(BEN, LOBBY)
    assert [message["text"] for message in room.snapshot()["recent"]] == ["hello"]


def test_leaving_without_being_in_a_room_changes_nothing() -> None:
    assert Rooms().leave("a") == []


def test_the_number_of_rooms_is_limited() -> None:
    rooms = Rooms()
    for number in range(limits.ROOMS_LIMIT - 1):
        rooms.enter(Person(str(number), "Guest"), f"room {number}")
    with refusal("too_many_rooms"):
        rooms.enter(ADA, "one more")
    assert rooms.find("a") is None
    rooms.enter(ADA, "room 0")


def test_a_person_who_cannot_enter_stays_in_the_old_room() -> None:
    rooms = filled(ADA)
    with refusal("empty"):
        rooms.enter(ADA, "  ")
    room = rooms.find("a")
    assert room is not None
    assert room.name == LOBBY


# Names.


def test_a_new_name_is_published_in_the_room() -> None:
    rooms = filled(ADA)
    name, events = rooms.rename("a", " Ada\x00  Lovelace ")
    assert name == "Ada Lovelace"
    assert events[0].data["was"] == "Ada"
    assert events[0].data["person"] == {"id": "a", "name": "Ada Lovelace"}
    assert filled(ADA).rename("a", "Ada") == ("Ada", [])


def test_a_name_can_be_chosen_before_a_room() -> None:
    assert Rooms().rename("a", "Ada") == ("Ada", [])


def test_later_messages_bear_the_new_name() -> None:
    rooms = filled(ADA)
    rooms.rename("a", "Countess")
    (event,) = rooms.handle("a", say(), NOW)
    assert event.data["person"]["name"] == "Countess"


# Messages.


def test_a_message_goes_to_the_room() -> None:
    (event,) = filled(ADA).handle("a", say(text=" hello\r\nthere ", tag=7), NOW)
    assert event == Event(
        "room:lobby",
        {
            "kind": "said",
            "room": LOBBY,
            "serial": 2,
            "person": {"id": "a", "name": "Ada"},
            "text": "hello\nthere",
            "tag": 7,
            "time": 1_700_000_000,
        },
    )


def test_markup_is_a_text_like_any_other() -> None:
    (event,) = filled(ADA).handle("a", say(text="<script>alert(1)</script>"), NOW)
    assert event.data["text"] == "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "message",
    [
        None,
        True,
        7,
        "hello",
        [],
        {},
        {"kind": "shout", "room": LOBBY, "text": "hello"},
        {"kind": ["say"], "room": LOBBY, "text": "hello"},
        {"kind": "say", "text": "hello"},
        {"kind": "say", "room": LOBBY},
        say(text=None),
        say(text=["hello"]),
        say(text={"a": 1}),
        say(room=None),
        say(room={"name": LOBBY}),
    ],
)
def test_a_malformed_message_is_refused(message: Any) -> None:
    rooms = filled(ADA)
    with refusal("malformed"):
        rooms.handle("a", message, NOW)
    room = rooms.find("a")
    assert room is not None
    assert room.serial == 1


def test_a_message_is_neither_empty_nor_too_long() -> None:
    rooms = filled(ADA)
    rooms.handle("a", say(text="x" * TEXT_LIMIT), NOW)
    with refusal("too_long"):
        rooms.handle("a", say(text="x" * (TEXT_LIMIT + 1)), NOW)
    with refusal("empty"):
        rooms.handle("a", say(text=" \n\x00\ud800 "), NOW)


def test_only_people_in_a_room_can_speak_there() -> None:
    rooms = filled(ADA)
    rooms.enter(BEN, "Tea")
    with refusal("not_in_room"):
        rooms.handle("a", say("Tea"), NOW)
    with refusal("not_in_room"):
        rooms.handle("nobody", say(), NOW)


@pytest.mark.parametrize("tag", [None, True, -1, 2**53, 1.5, "1", [1]])
def test_a_tag_that_is_not_a_number_is_ignored(tag: Any) -> None:
    assert tag_of(say(tag=tag)) is None


def test_only_an_object_has_a_tag() -> None:
    assert tag_of(say(tag=2**53 - 1)) == 2**53 - 1
    assert tag_of(say(tag=0)) == 0
    assert tag_of("tag") is None


# The snapshot.


def test_events_in_the_snapshot_have_serials_up_to_its_own() -> None:
    rooms = filled(ADA)
    (before,) = rooms.handle("a", say(), NOW)
    room, _ = rooms.enter(BEN, LOBBY)
    snapshot = room.snapshot()
    (after,) = rooms.handle("a", say(), NOW)
    assert before.data["serial"] < snapshot["serial"] < after.data["serial"]


def test_the_recent_messages_are_bounded_in_number() -> None:
    rooms = filled(ADA)
    for number in range(limits.RECENT_MESSAGES + 5):
        rooms.handle("a", say(text=str(number)), NOW)
    room = rooms.find("a")
    assert room is not None
    recent = [message["text"] for message in room.snapshot()["recent"]]
    assert recent == [str(number) for number in range(5, limits.RECENT_MESSAGES + 5)]


@pytest.mark.parametrize("character", ["\U0001f600", '"', "x\n"])
def test_the_snapshot_of_the_fullest_room_fits_into_a_message(character: str) -> None:
    room = Room("\U0001f600" * ROOM_LIMIT)
    for number in range(limits.PEOPLE_SHOWN + 50):
        room.join(Person(f"{number:022}", "\U0001f600" * NAME_LIMIT))
    for number in range(limits.RECENT_MESSAGES):
        room.say(f"{number:022}", character * (TEXT_LIMIT // len(character)), limits.GREATEST_TAG, NOW)
    snapshot = room.snapshot()
    assert len(json.dumps(snapshot, ensure_ascii=False).encode()) < 60_000
    assert snapshot["count"] == limits.PEOPLE_SHOWN + 50
    assert snapshot["recent"]


def test_the_longest_list_of_rooms_fits_into_a_message() -> None:
    rooms = Rooms()
    for number in range(limits.ROOMS_LIMIT - 1):
        name = f"{number:02}".ljust(ROOM_LIMIT, "\U0001f600")
        rooms.enter(Person(str(number), "Guest"), name)
    assert len(json.dumps(rooms.directory(), ensure_ascii=False).encode()) < 60_000


# Words.


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        ("Ada", "Ada"),
        ("  Ada \n\t Lovelace\u2028", "Ada Lovelace"),
        ("Ada\u202egnp.exe", "Adagnp.exe"),
        ("A\u200bda\ufeff", "Ada"),
        ("Ada\x1b[31m\x00", "Ada[31m"),
        ("\ud83dAda", "Ada"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("\U0001f469\u200d\U0001f680", "\U0001f469\u200d\U0001f680"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
    ],
)
def test_a_name_is_cleaned(given: str, cleaned: str) -> None:
    assert clean_name(given) == cleaned
    assert clean_room(given) == cleaned


@pytest.mark.parametrize("value", ["", "   ", "\x00\x07", "\u200d\u200c", "\u202e", "\ud800"])
def test_a_name_has_a_visible_character(value: str) -> None:
    with refusal("empty"):
        clean_name(value)


@pytest.mark.parametrize(("clean", "limit"), [(clean_name, NAME_LIMIT), (clean_room, ROOM_LIMIT)])
def test_a_name_is_limited(clean: Any, limit: int) -> None:
    assert clean("x" * limit) == "x" * limit
    with refusal("too_long"):
        clean("x" * (limit + 1))


@pytest.mark.parametrize("value", [None, 7, True, ["Ada"], {"name": "Ada"}])
def test_a_name_has_to_be_a_text(value: Any) -> None:
    with refusal("malformed"):
        clean_name(value)


def test_a_text_keeps_at_most_one_empty_line_in_a_row() -> None:
    assert clean_text("a\n\tb\rc\r\n\n\n\n\nd\x0b\x7f\x85") == "a\n\tb\nc\n\nd"


def test_one_network_opens_only_some_of_the_rooms() -> None:
    rooms = Rooms()
    for number in range(limits.ROOMS_OF_ONE):
        rooms.enter(Person(str(number), "Ada", "192.0.2.1"), f"Room {number}")
    with pytest.raises(ChatError, match="People of your network"):
        rooms.enter(Person("more", "Ada", "192.0.2.1"), "One more")
    rooms.enter(Person("more", "Ada", "192.0.2.1"), "Room 0")
    rooms.enter(Person("other", "Bob", "192.0.2.2"), "One more")
    rooms.leave("1")
    rooms.enter(Person("1", "Ada", "192.0.2.1"), "Another")


def test_a_new_name_leaves_a_person_in_its_network() -> None:
    rooms = Rooms()
    room, _ = rooms.enter(Person("1", "Ada", "192.0.2.1"), "Room")
    rooms.rename("1", "Eve")
    assert room.people["1"] == Person("1", "Eve", "192.0.2.1")
    assert room.people["1"].data() == {"id": "1", "name": "Eve"}
