"""What applications keep for people: when it is saved, and when it is forgotten."""

from __future__ import annotations

import pytest

from thywill.core.person import StoredPerson, public_id
from thywill.hub.people import COMPARED_FOR, DAY, People


def save(people: People, now: float, *alive: str) -> list[StoredPerson]:
    """Save what has changed, and return the rows."""
    rows = people.changes(lambda session: session in alive, now)
    people.saved(rows)
    return rows


def test_all_clients_of_a_session_have_one_dict() -> None:
    people = People()
    assert people.of("s") is people.of("s")
    assert people.of("s") is not people.of("other")


def test_a_change_is_saved_once() -> None:
    people = People()
    people.of("s")["name"] = "Ada"
    assert save(people, 1.0, "s") == [StoredPerson("s", '{"name":"Ada"}', 1.0)]
    assert save(people, 1.5, "s") == []


def test_a_change_is_found_some_seconds_after_the_dict_was_asked_for() -> None:
    people = People()
    ada = people.of("s")
    assert save(people, 0.0, "s") == []
    ada["name"] = "Ada"
    assert [row.data for row in save(people, COMPARED_FOR - 1, "s")] == ['{"name":"Ada"}']


def test_a_late_change_is_found_when_the_session_ends() -> None:
    people = People()
    ada = people.of("s")
    for now in (0.0, 20.0):
        save(people, now, "s")
    ada["name"] = "Ada"
    assert save(people, 30.0, "s") == []
    assert [row.data for row in save(people, 31.0)] == ['{"name":"Ada"}']
    for now in (50.0, 51.0):
        save(people, now)
    again = people.of("s")
    assert again == {"name": "Ada"}
    assert again is not ada


def test_nobody_who_kept_nothing_is_saved() -> None:
    people = People()
    people.of("s")
    assert save(people, 0.0, "s") == []
    assert len(people) == 0


def test_what_was_saved_is_there_after_a_restart() -> None:
    people = People()
    people.load([StoredPerson("s", '{"name":"Ada"}', 0.0)])
    assert people.of("s") == {"name": "Ada"}
    assert save(people, 1.0, "s") == []
    people.of("s").clear()
    assert save(people, 2.0, "s") == [StoredPerson("s", "{}", 2.0)]


def test_who_comes_back_is_kept_for_longer() -> None:
    people = People()
    people.load([StoredPerson("s", '{"name":"Ada"}', 0.0)])
    people.of("s")
    assert [row.seen for row in save(people, 2 * DAY, "s")] == [2 * DAY]


@pytest.mark.parametrize(("data", "reason"), [("x" * 100, "bytes"), (object(), "not JSON")])
def test_what_cannot_be_saved_is_told_once_and_the_last_good_stays(
    data: object, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    people = People(size=50)
    people.of("s")["name"] = "Ada"
    save(people, 0.0, "s")
    people.of("s")["more"] = data
    assert [save(people, now, "s") for now in (1.0, 2.0)] == [[], []]
    (line,) = [record.getMessage() for record in caplog.records]
    assert reason in line
    assert "s" not in line.split()[2]
    del people.of("s")["more"]
    people.of("s")["age"] = 36
    assert [row.data for row in save(people, 3.0, "s")] == ['{"name":"Ada","age":36}']


def test_the_oldest_are_forgotten_by_age_and_by_number() -> None:
    people = People(most=2, age=100.0)
    people.load([StoredPerson(name, '{"a":1}', float(now)) for now, name in enumerate("abcd")])
    assert people.excess(10.0) == ["a", "b"]
    assert people.excess(102.5) == ["c"]
    assert people.of("d") == {"a": 1}


def test_the_public_id_is_the_same_for_a_session_and_does_not_show_it() -> None:
    assert public_id("session") == public_id("session")
    assert public_id("session") != public_id("other")
    assert len(public_id("session")) == 24


def test_what_others_have_saved_is_put_into_the_same_dict() -> None:
    people = People()
    people.load([StoredPerson("s", '{"name":"Ada","seat":1,"old":true}', 1.0)])
    ada = people.of("s")
    ada["seat"] = 2
    del ada["old"]
    people.take([StoredPerson("s", '{"name":"Eve","seat":3,"old":true,"new":1}', 2.0)])
    assert ada == {"name": "Eve", "seat": 2, "new": 1}
    assert [row.data for row in save(people, 3.0, "s")] == ['{"name":"Eve","seat":2,"new":1}']
    assert people.latest == 3.0
    people.take([StoredPerson("other", '{"a":1}', 4.0)])
    assert people.of("other") == {"a": 1}


def test_what_was_saved_here_is_taken_as_it_is() -> None:
    people = People()
    ada = people.of("s")
    ada["name"] = "Ada"
    (row,) = save(people, 1.0, "s")
    ada["name"] = "Eve"
    people.take([row])
    assert ada == {"name": "Eve"}
