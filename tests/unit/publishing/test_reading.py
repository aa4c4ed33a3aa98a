"""The body of a request to publish: what is read from it, and what an error says."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.steady import STEADY
from thywill.core.message import Address
from thywill.core.overflow import Overflow
from thywill.errors import Forbidden, Malformed, NotFound, RequestError, TooLarge
from thywill.publishing.reading import Reader

LIMIT = 100
GOOD = {"application": "shop", "channel": "till", "data": 1}


def overflow_of(application: str, address: Address) -> Overflow | None:
    return Overflow.CONFLATE if address.name == "prices" else None


def may_publish(application: str) -> None:
    if application == "secret":
        raise Forbidden("not this one")


READER = Reader({"shop", "chat", "secret"}, LIMIT, overflow_of)


def read(value: Any) -> list[tuple[Any, ...]]:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    found = READER.read(body, may_publish)
    return [(each.application, *each.address, each.message.data, each.mark is None) for each in found]


def test_one_message() -> None:
    assert read(GOOD) == [("shop", "channel", "till", b"1", True)]
    assert read({**GOOD, "data": None, "id": "a", "more": 1}) == [("shop", "channel", "till", b"null", False)]


@pytest.mark.parametrize("kind", ["client", "session", "user"])
def test_other_receivers(kind: str) -> None:
    assert read({"application": "shop", kind: "x", "data": [1]}) == [("shop", kind, "x", b"[1]", True)]


def test_several_messages_in_their_order() -> None:
    found = read({"messages": [GOOD, {**GOOD, "application": "chat", "data": {"a": 2}}]})
    assert found == [
        ("shop", "channel", "till", b"1", True),
        ("chat", "channel", "till", b'{"a":2}', True),
    ]
    assert read({"messages": []}) == []


def test_the_policy_of_the_application_counts() -> None:
    (one,) = READER.read(json.dumps({**GOOD, "channel": "prices", "key": "EUR"}).encode(), may_publish)
    assert one.message.overflow is Overflow.CONFLATE
    assert one.message.key == Address.channel("prices").keyed("EUR")


def test_whole_batches_of_a_thousand() -> None:
    assert len(read({"messages": [GOOD] * 1000})) == 1000
    with pytest.raises(TooLarge, match="1001 messages"):
        read({"messages": [GOOD] * 1001})


WRONG: dict[str, tuple[dict[str, Any], type[RequestError], str]] = {
    "no data": ({"application": "shop", "channel": "till"}, Malformed, "data"),
    "no application": ({"channel": "till", "data": 1}, Malformed, "application"),
    "no receiver": ({"application": "shop", "data": 1}, Malformed, "none"),
    "two receivers": ({**GOOD, "client": "x"}, Malformed, "channel and client"),
    "a channel that is no text": ({**GOOD, "channel": 5}, Malformed, "channel"),
    "a hidden channel": ({**GOOD, "channel": "\0presence till"}, Malformed, "NUL"),
    "a long channel": ({**GOOD, "channel": "x" * 201}, Malformed, "channel"),
    "a long id": ({**GOOD, "id": "x" * 101}, Malformed, "id"),
    "an empty id": ({**GOOD, "id": ""}, Malformed, "id"),
    "a number as id": ({**GOOD, "id": 7}, Malformed, "id"),
    "a long key": ({**GOOD, "key": "x" * 201}, Malformed, "key"),
    "large data": ({**GOOD, "data": "x" * LIMIT}, TooLarge, "102 bytes"),
    "an unknown application": ({**GOOD, "application": "x" * 1000}, NotFound, "'x{100}'; known are: "),
    "a misspelt application": ({**GOOD, "application": "shpo"}, NotFound, "'shpo'; did you mean 'shop'?"),
    "another's application": ({**GOOD, "application": "secret"}, Forbidden, "not this one"),
}


@pytest.mark.parametrize(("wrong", "kind", "reason"), WRONG.values(), ids=WRONG.keys())
def test_an_error_says_what_is_wrong_and_in_which_message(
    wrong: dict[str, Any], kind: type[RequestError], reason: str
) -> None:
    with pytest.raises(kind, match=reason):
        read(wrong)
    with pytest.raises(kind, match=f"^message 2.*{reason}"):
        read({"messages": [GOOD, wrong, GOOD]})


@pytest.mark.parametrize("kept", ["channel", "id", "key"])
def test_the_longest_that_is_allowed(kept: str) -> None:
    longest = {"channel": 200, "id": 100, "key": 200}
    read({**GOOD, kept: "ä" * longest[kept]})


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"application":"shop","channel":"till","data":NaN}', b"[1]", b"1" * 5000]
)
def test_what_is_no_json_object(body: bytes) -> None:
    with pytest.raises(Malformed):
        read(body)


@pytest.mark.parametrize("messages", [b"1", b'"x"', b"{}", b"[1]", b"[[]]"])
def test_what_is_no_list_of_messages(messages: bytes) -> None:
    with pytest.raises(Malformed):
        read(b'{"messages":' + messages + b"}")


def test_data_that_is_nested_too_deeply() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(Malformed, match="nested"):
        read(b'{"application":"shop","channel":"till","data":' + deep + b"}")


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: json.dumps([text]).encode()))
@STEADY
def test_whatever_arrives_is_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(RequestError):
        read(body)
