"""Which messages from outside are taken for repeated ones."""

from __future__ import annotations

from typing import Any

import pytest

from thywill.core.message import Address, Message
from thywill.core.publication import Mark, Publication, Publications
from thywill.errors import Reused

TILL = Address.channel("till")


def publication(publication_id: str | None, data: Any = 1, **changes: Any) -> Publication:
    """Return a publication; ``changes`` are its application, address or key."""
    fields = {"application": "shop", "address": TILL, "key": None, **changes}
    application, address, key = fields["application"], fields["address"], fields["key"]
    mark = publication_id and Mark.of(application, publication_id, address, data, key)
    return Publication(application, address, Message(b"1"), mark or None)


def add(publications: Publications, each: Publication, position: int, now: float = 0.0) -> None:
    row = each.stored(position, now)
    assert row is not None
    publications.add(row)


def test_an_id_that_was_used_gives_the_position_of_the_first_message() -> None:
    publications = Publications(3600.0, 10)
    add(publications, publication("order-7"), 41)
    publications.check([publication("order-7")], 3.0)
    assert publications.position(publication("order-7")) == 41
    assert publications.position(publication("order-8")) is None
    assert publications.position(publication(None)) is None


@pytest.mark.parametrize(
    "other",
    [
        publication("order-7", 2),
        publication("order-7", address=Address.channel("other")),
        publication("order-7", address=Address.client("till")),
        publication("order-7", key="k"),
    ],
)
def test_an_id_that_was_used_for_another_message_is_refused(other: Publication) -> None:
    publications = Publications(3600.0, 10)
    add(publications, publication("order-7"), 41)
    with pytest.raises(Reused) as raised:
        publications.check([publication(None), other], 3.0)
    assert raised.value.index == 1


def test_two_messages_of_one_batch_may_not_share_an_id() -> None:
    publications = Publications(3600.0, 10)
    publications.check([publication("a"), publication("a")], 0.0)
    with pytest.raises(Reused) as raised:
        publications.check([publication("a"), publication("b"), publication("a", 2)], 0.0)
    assert raised.value.index == 2


def test_applications_do_not_share_ids() -> None:
    publications = Publications(3600.0, 10)
    add(publications, publication("order-7"), 41)
    publications.check([publication("order-7", 2, application="chat")], 0.0)


def test_the_order_of_fields_makes_no_difference() -> None:
    one = Mark.of("shop", "a", TILL, {"x": 1, "y": [{"a": 1, "b": 2}]}, None)
    assert one == Mark.of("shop", "a", TILL, {"y": [{"b": 2, "a": 1}], "x": 1}, None)
    assert one != Mark.of("shop", "a", TILL, {"x": 1, "y": [{"a": 2, "b": 1}]}, None)


def test_an_id_is_forgotten_after_the_age() -> None:
    publications = Publications(3600.0, 10)
    add(publications, publication("order-7"), 41, now=100.0)
    publications.check([publication("order-7")], 3699.0)
    assert publications.position(publication("order-7")) == 41
    publications.check([publication("order-7", 2)], 3700.0)
    assert publications.position(publication("order-7")) is None


def test_no_more_than_the_limit_are_remembered() -> None:
    publications = Publications(3600.0, 3)
    for number in range(5):
        add(publications, publication(f"id {number}"), number)
    found = [publications.position(publication(f"id {number}")) for number in range(5)]
    assert (len(publications), found) == (3, [None, None, 2, 3, 4])


def test_the_time_before_which_all_are_forgotten_is_told_once() -> None:
    publications = Publications(3600.0, 3)
    for number in range(5):
        add(publications, publication(f"id {number}"), number, now=float(number))
    assert publications.take_forgotten(10.0) == 2.0
    assert publications.take_forgotten(11.0) is None
    assert publications.take_forgotten(3602.5) == 3.0
    assert publications.take_forgotten(9000.0) == 5400.0


def test_a_message_that_could_not_be_saved_is_not_remembered() -> None:
    publications = Publications(3600.0, 3)
    first, again = publication("a").stored(1, 0.0), publication("a").stored(2, 1.0)
    assert first is not None
    assert again is not None
    publications.add(first)
    publications.withdraw([first])
    assert publications.position(publication("a")) is None
    publications.add(again)
    publications.withdraw([first])
    assert publications.position(publication("a")) == 2
