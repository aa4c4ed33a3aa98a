"""The wire: a request is decoded or refused, an answer is the JSON that the browser expects."""

from __future__ import annotations

import json
import math
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.steady import STEADY
from thywill.core import envelope
from thywill.core.envelope import NO_MESSAGES, ClientFrame, Connect, Item, Leave, Poll, Send
from thywill.core.log import encode_answer, encode_item
from thywill.errors import Gap, Gone, Malformed, RequestError, TooLarge, TooMany, UnsendableMessage

HIGHEST = 9007199254740991
KINDS: list[type[Any]] = [Connect, Poll, Send, Leave, ClientFrame]
NOT_JSON = "the body is not JSON in UTF-8"
TOO_DEEP = "the JSON is nested too deeply"

plain_text = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers(-HIGHEST, HIGHEST) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | plain_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain_text, inner, max_size=4),
    max_leaves=10,
)


def send_of(*items: str) -> bytes:
    return b'{"token":"t","messages":[%b]}' % ",".join(items).encode()


def items_of(body: bytes, most: int = 100, limit: int = 65_536) -> list[Item]:
    """Return the messages of a request, with and without surrogates beside them."""
    return envelope.read_items(envelope.decode(Send, body).messages, most, limit)


def reason(kind: type[Any], body: bytes) -> str:
    def read() -> None:
        envelope.read_items(getattr(envelope.decode(kind, body), "messages", NO_MESSAGES), 100, 1_000_000)

    with pytest.raises(Malformed) as raised:
        read()
    assert raised.value.__suppress_context__
    return str(raised.value)


DECODED = [
    (Connect, b'{"application":"chat"}', Connect("chat")),
    (Poll, b'{"token":"t","cursor":0}', Poll("t", 0, None)),
    (Poll, b'{"token":"t","cursor":9007199254740991,"hold":0}', Poll("t", HIGHEST, 0)),
    (Poll, b'{"hold":3600,"cursor":7,"token":"t"}', Poll("t", 7, 3600)),
    (Poll, b' {"token":"t","cursor":0,"hold":null,"later":[1]}\n', Poll("t", 0, None)),
    (Leave, b'{"token":""}', Leave("")),
    (ClientFrame, b"{}", ClientFrame()),
    (ClientFrame, b'{"token":"t","cursor":0}', ClientFrame("t", 0)),
    (ClientFrame, b'{"leave":true}', ClientFrame(leave=True)),
]  # fmt: skip

ITEMS = [
    (send_of(), []),
    (send_of("[1,null]"), [Item(1, None, None)]),
    (send_of("[9007199254740991,0,null]"), [Item(HIGHEST, 0, None)]),
    (send_of('[1,{"a":[1.5]}]', '[2,[],"f"]'), [Item(1, {"a": [1.5]}), Item(2, [], "f")]),
    (send_of('[1,[],"add","later"]'), [Item(1, [], "add")]),
    (send_of("[1,12345678901234567890123]"), [Item(1, 12345678901234567890123)]),
    (b'{"token":"t","messages": [ [1, 2 ] ] }', [Item(1, 2)]),
]  # fmt: skip

REFUSED = [
    (Connect, b"", NOT_JSON),
    (Connect, b"application=chat", NOT_JSON),
    (Connect, b'{"application":"chat"', NOT_JSON),
    (Connect, b'{"application":"chat"}}', NOT_JSON),
    (Connect, b'{"application":"\xff"}', NOT_JSON),
    (Connect, b'{"application":"\xed\xa0\x80"}', NOT_JSON),
    (Connect, b'{"application":"\\ud"}', NOT_JSON),
    (Connect, b'["chat"]', "Expected `object`, got `array`"),
    (Connect, b"{}", "Object missing required field `application`"),
    (Connect, b'{"application":1}', "Expected `str`, got `int` - at `$.application`"),
    (Connect, b'\xef\xbb\xbf{"application":"\\ud83d"}', NOT_JSON),
    (Connect, b'{"application":"\\ud83d\xed\xa0\x80"}', NOT_JSON),
    (ClientFrame, b'{"cursor":-1}', "Expected `int` >= 0 - at `$.cursor`"),
    (ClientFrame, b'{"messages":[[0,1]]}', "Expected `int` >= 1 - at `$.messages[0][0]`"),
    (ClientFrame, b'{"leave":1}', "Expected `bool`, got `int` - at `$.leave`"),
    (Poll, b'{"token":"t"}', "Object missing required field `cursor`"),
    (Poll, b'{"token":"t","cursor":-1}', "Expected `int` >= 0 - at `$.cursor`"),
    (Poll, b'{"token":"t","cursor":9007199254740992}', "Expected `int` <= 9007199254740991 - at `$.cursor`"),
    (Poll, b'{"token":"t","cursor":"1"}', "Expected `int`, got `str` - at `$.cursor`"),
    (Poll, b'{"token":"t","cursor":true}', "Expected `int`, got `bool` - at `$.cursor`"),
    (Poll, b'{"token":"t","cursor":1.5}', "Expected `int`, got `float` - at `$.cursor`"),
    (Poll, b'{"token":"t","cursor":1,"hold":-0.1}', "Expected `float` >= 0.0 - at `$.hold`"),
    (Poll, b'{"token":"t","cursor":1,"hold":3600.1}', "Expected `float` <= 3600.0 - at `$.hold`"),
    (Poll, b'{"token":"\\ud83d","cursor":-1}', "Expected `int` >= 0 - at `$.cursor`"),
    (Send, b'{"token":"t","messages":{}}', "Expected `array`, got `object` - at `$.messages`"),
    (Send, send_of("1"), "Expected `array`, got `int` - at `$.messages[0]`"),
    (Send, send_of("[1]"), "Expected `array` of at least length 2, got 1 - at `$.messages[0]`"),
    (Send, send_of("[0,1]"), "Expected `int` >= 1 - at `$.messages[0][0]`"),
    (Send, send_of("[1,1]", "[9007199254740992,1]"), f"Expected `int` <= {HIGHEST} - at `$.messages[1][0]`"),
    (Send, send_of("[1,[],5]"), "Expected `str | null`, got `int` - at `$.messages[0][2]`"),
    (Send, send_of("[1,NaN]"), NOT_JSON),
    (Send, send_of('[1,NaN,"\\ud83d"]'), NOT_JSON),
    (Send, send_of(f"[1,{'1' * 5000}]", '[2,"\\ud83d"]'), NOT_JSON),
    (Send, send_of(f"[1,{'[' * 100_000}{']' * 100_000}]"), TOO_DEEP),
    (Send, send_of(f'[1,{"[" * 100_000}"\\ud83d"{"]" * 100_000}]'), TOO_DEEP),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "request_"), DECODED)
def test_a_request_is_decoded(kind: type[Any], body: bytes, request_: Any) -> None:
    assert envelope.decode(kind, body) == request_


@pytest.mark.parametrize(("body", "items"), ITEMS)
def test_messages_are_decoded_after_the_token(body: bytes, items: list[Item]) -> None:
    assert items_of(body) == items
    # A small limit makes each be looked at by itself.
    assert items_of(body, limit=30) == items
    assert items_of(body[:-1] + b',"later":"\\ud83d"}') == items


class TestLimits:
    """What is refused before it is decoded."""

    def test_the_token_is_decoded_where_messages_are_anything_at_all(self) -> None:
        for messages in (b"1", b'"x"', b"[[0]]", b'["\\ud83d"]', b"null"):
            decoded = envelope.decode(Send, b'{"messages":%b,"token":"t"}' % messages)
            assert (decoded.token, bytes(decoded.messages)) == ("t", messages)

    def test_too_many(self) -> None:
        two = send_of("[1,1]", "[2,2]")
        assert len(items_of(two, most=2)) == 2
        for limit in (3, 1000):
            with pytest.raises(TooLarge, match="2 messages; a request may have 1"):
                items_of(two, most=1, limit=limit)

    def test_too_large_is_the_data_as_it_was_sent(self) -> None:
        assert items_of(send_of('[1,"123"]', '[2,["4"],"method"]'), limit=5) != []
        for large in ('"1234"', '"\\u0031"', '["\\ud83d"]', "[1, 2]", "[1.25]"):
            with pytest.raises(TooLarge, match="message 2 is over the limit of 5 bytes"):
                items_of(send_of('[1,"123"]', f"[2,{large}]"), limit=5)

    def test_what_is_too_large_is_not_decoded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(envelope, "_items", None)
        with pytest.raises(TooLarge):
            items_of(send_of(f"[1,[{'1.234567890123456,' * 41_000}1]]"))


@pytest.mark.parametrize(("kind", "body", "text"), REFUSED)
def test_an_invalid_request_is_refused_with_the_reason(kind: type[Any], body: bytes, text: str) -> None:
    assert reason(kind, body) == text


@STEADY
@given(kind=st.sampled_from(KINDS), body=st.binary() | values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_decoded_or_malformed(kind: type[Any], body: bytes) -> None:
    with suppress(Malformed):
        decoded = envelope.decode(kind, body)
        assert isinstance(decoded, kind)
        with suppress(TooLarge):
            envelope.read_items(getattr(decoded, "messages", NO_MESSAGES), 2, 10)


@STEADY
@given(n=st.integers(1, HIGHEST), data=values, method=st.none() | plain_text, escaped=st.booleans())
def test_a_message_of_a_browser_is_decoded_unchanged(
    n: int, data: Any, method: str | None, escaped: bool
) -> None:
    body = json.dumps({"token": "t", "messages": [[n, data, method]]}, ensure_ascii=escaped).encode()
    assert items_of(body) == [Item(n, data, method)]


@STEADY
@given(st.lists(st.sampled_from(["a", '"', "\\", "\\ud83d", "\ud83d", "\ude00", "\U0001f600", "\uffff"])))
def test_half_an_emoji_becomes_a_replacement_character(characters: list[str]) -> None:
    text = "".join(characters)
    joined = re.sub(
        "([\ud800-\udbff])([\udc00-\udfff])",
        lambda pair: chr(0x10000 + (ord(pair[1]) - 0xD800) * 0x400 + ord(pair[2]) - 0xDC00),
        text,
    )
    (item,) = items_of(send_of(json.dumps([1, text])))
    assert item.data == re.sub("[\ud800-\udfff]", "\ufffd", joined)


@pytest.mark.parametrize("half", ["\\ud83d", "\\uD83D", "\\ude00", "\\uDE00"])
def test_half_an_emoji_may_be_escaped_in_either_case(half: str) -> None:
    assert envelope.decode(Connect, b'{"application":"%b"}' % half.encode()) == Connect("\ufffd")


def test_lone_surrogates_are_replaced_and_nothing_else() -> None:
    assert (
        envelope.replace_lone_surrogates(b'["\\ud83d\\ude00 \\ud83d",1.5,{"a":null}]')
        == '["\U0001f600 \ufffd", 1.5, {"a": null}]'.encode()
    )


@pytest.mark.parametrize(
    "body", [b"", b"[", b'"\xff"', b'"\xed\xa0\x80"', b"\xef\xbb\xbf1", '"a"'.encode("utf-16")]
)
def test_surrogates_are_not_replaced_in_what_is_not_json_in_utf_8(body: bytes) -> None:
    with pytest.raises(ValueError):
        envelope.replace_lone_surrogates(body)


@pytest.mark.parametrize("item", [Item(1, "text"), Item(1, None), Item(1, [], "add"), Item(1, [1], "")])
def test_a_message_and_a_call_with_a_list_pass(item: Item) -> None:
    envelope.check_call(item)


@pytest.mark.parametrize("item", [Item(3, None, "add"), Item(3, "text", "add"), Item(3, {}, "")])
def test_a_call_without_a_list_is_refused(item: Item) -> None:
    with pytest.raises(Malformed, match=r"^message 3 is a call, but its arguments are not an array$"):
        envelope.check_call(item)


def test_data_is_encoded_compactly_in_utf_8() -> None:
    assert envelope.encode_data({"a": [1, None, "é"]}, 100) == '{"a":[1,null,"é"]}'.encode()


def test_data_may_have_as_many_bytes_as_the_limit() -> None:
    assert envelope.encode_data("é", 4) == b'"\xc3\xa9"'
    with pytest.raises(UnsendableMessage, match=r"^the data has 4 bytes of JSON, and the limit is 3$"):
        envelope.encode_data("é", 3)


@dataclass
class Point:
    x: float
    y: float


class Colour(Enum):
    RED = "red"


def ring() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


@pytest.mark.parametrize("data", [object(), {(1, 2): 3}, "\ud800", ring(), [{"a": print}]])
def test_data_that_is_not_json_cannot_be_sent(data: Any) -> None:
    with pytest.raises(UnsendableMessage, match=r"^the data cannot be written as JSON: "):
        envelope.encode_data(data, 1000)
    with pytest.raises(UnsendableMessage, match=r"^the data cannot be written as JSON: "):
        envelope.encode_result(data, 1000)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (math.nan, "it is nan, which JSON does not have"),
        ({"a": [1, {"b": -math.inf}]}, "a[1].b is -inf, which JSON does not have"),
        ([None, 2**53], "[1] is 9007199254740992, and JavaScript holds integers up to 9007199254740991 only"),
        ({"n": -(2**60) - 1}, "n is -1152921504606846977, and JavaScript"),
        (Point(1, math.nan), "y is nan"),
        ({"a": [1, {"b": print}]}, "a[1].b: Encoding objects of type builtin_function_or_method is"),
        ({"k": {(1, 2): 3}}, "k: Only dicts with str-like or number-like keys are supported"),
        (ring(), "it is nested too deeply, or contains itself"),
    ],
)
def test_the_place_of_what_is_not_json_is_named(data: Any, reason: str) -> None:
    with pytest.raises(UnsendableMessage) as raised:
        envelope.encode_data(data, 1000)
    assert str(raised.value).startswith(f"the data cannot be written as JSON: {reason}")


@pytest.mark.parametrize(
    "data", [2**53 - 1, 1.5e300, 0.12345678901234567, "1234567890123456789", [None, "null"]]
)
def test_numbers_and_texts_that_a_page_gets_as_they_are_pass(data: Any) -> None:
    assert json.loads(envelope.encode_data(data, 1000)) == data


def test_what_is_nearly_json_is_converted() -> None:
    data = [
        (1,), {2}, Point(3, 4), date(2026, 1, 2), UUID(int=5), Decimal("6.70"), b"8", {9: 10}, Colour.RED
    ]  # fmt: skip
    assert json.loads(envelope.encode_data(data, 1000)) == [
        [1], [2], {"x": 3, "y": 4}, "2026-01-02", str(UUID(int=5)), "6.70", "OA==", {"9": 10}, "red"
    ]  # fmt: skip


@STEADY
@given(data=values, n=st.none() | st.integers(1, HIGHEST))
def test_an_item_holds_its_data(data: Any, n: int | None) -> None:
    item = encode_item(HIGHEST, envelope.encode_data(data, 10**6), n)
    assert json.loads(item) == [HIGHEST, data, *([] if n is None else [n])]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (encode_item(5, b'"a"'), b'[5,"a"]'),
        (encode_item(5, b'{"result":1}', 2), b'[5,{"result":1},2]'),
        (encode_answer([], 3), b'{"messages":[],"cursor":3}'),
        (encode_answer([b"[4,1]", b"[5,2]"], 5), b'{"messages":[[4,1],[5,2]],"cursor":5}'),
        (encode_answer([b"[4,1]"], 4, 2), b'{"messages":[[4,1]],"cursor":4,"lost":2}'),
        (envelope.encode_superseded(3), b'{"messages":[],"cursor":3,"superseded":true}'),
        (envelope.encode_retry(3, 1.26), b'{"messages":[],"cursor":3,"retry":1.3}'),
        (envelope.encode_received(7), b'{"received":7}'),
        (envelope.encode_result([1], 3), b'{"result":[1]}'),
        (envelope.encode_failure("failed", "it\n"), b'{"error":{"code":"failed","message":"it\\n"}}'),
        (envelope.encode_object({"client": "a", "cursor": 0}), b'{"client":"a","cursor":0}'),
    ],
)
def test_each_answer_has_the_form_of_the_wire(written: bytes, expected: bytes) -> None:
    assert written == expected


def test_the_limit_is_for_the_result_without_its_wrapping() -> None:
    with pytest.raises(UnsendableMessage, match=r"^the data has 3 bytes of JSON, and the limit is 2$"):
        envelope.encode_result([1], 2)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Malformed("bad"), {"code": "malformed", "message": "bad"}),
        (Gone("it left"), {"code": "gone", "message": "it left"}),
        (Gap(4), {"code": "gap", "message": "messages are missing: send again from number 5", "received": 4}),
        (TooMany("wait", 1.5), {"code": "too_many", "message": "wait", "retry": 1.5}),
    ],
)
def test_an_error_has_the_fields_that_the_browser_needs(
    error: RequestError, expected: dict[str, Any]
) -> None:
    assert json.loads(envelope.encode_error(error)) == {"error": expected}


@given(st.floats(allow_nan=False, allow_infinity=False))
@STEADY
def test_every_float_is_read_exactly(number: float) -> None:
    body = json.dumps({"token": "t", "messages": [[1, number]]}).encode()
    assert items_of(body)[0].data == number


def test_a_float_is_read_by_python_not_by_msgspec() -> None:
    # msgspec takes 20 us for a number such as 1e300, of which a megabyte holds 166,000.
    with pytest.raises(Malformed, match="a number is out of range"):
        items_of(send_of("[1,1e400]"))


def test_a_request_with_too_many_values_is_refused_before_it_is_decoded() -> None:
    def send(values: int) -> bytes:
        messages = b",".join(b"[%d,[%b0]]" % (n, b"1e300," * values) for n in range(1, 11))
        return b'{"token":"t","messages":[%b]}' % messages

    assert len(envelope.read_items(envelope.decode(Send, send(3_000)).messages, 100, 65_536)) == 10
    began = time.process_time()
    with pytest.raises(TooLarge, match="more than 40000 values in one request"):
        envelope.decode(Send, send(10_000))
    assert time.process_time() - began < 0.5  # to decode it would take seconds
