"""Endpoints that speak JSON: who may ask them, how, and what they answer to those who may not."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.web import Application

from tests.support.steady import STEADY
from thywill.core import envelope
from thywill.errors import Gap, Gone, RequestError, TooMany
from thywill.http.message import JSON, Reply
from thywill.http.request import Request
from thywill.http.site import Site
from thywill.wire.endpoint import JsonEndpoint
from thywill.wire.origins import Origins
from thywill.wire.refusals import Refusals

SCRIPT_HEAD = b"Content-Type: application/javascript; charset=UTF-8\r\n"
FRIEND = "http://friend.example"


class Captured(Reply):
    """A reply that keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[int, bytes, bytes]] = []

    def send(self, status: int, body: bytes, head: bytes = JSON) -> None:
        self.sent.append(
            (status, body, head) if self.transform is None else self.transform(status, body, head)
        )

    @property
    def status(self) -> int:
        return self.sent[0][0]

    @property
    def body(self) -> bytes:
        return self.sent[0][1]

    @property
    def head(self) -> bytes:
        return self.sent[0][2]

    @property
    def code(self) -> Any:
        return json.loads(self.body)["error"]["code"]


def ask(
    kind: Any = envelope.Poll,
    *,
    method: str = "POST",
    target: str = "/thywill/poll",
    body: bytes = b'{"token":"t","cursor":3}',
    headers: dict[str, str] | None = None,
    allowed: tuple[str, ...] = (FRIEND,),
    trusting: bool = True,
    outcome: Any = b'{"well":true}',
) -> tuple[Captured, list[Any]]:
    """Ask an endpoint; return its answer and what its function was called with."""
    asked: list[Any] = []

    def handle(decoded: Any, request: Request, reply: Any) -> None:
        asked.append(decoded)
        if isinstance(outcome, Exception):
            raise outcome
        reply.send(200, outcome)

    request = Request()
    request.method, request.target, request.body = method.encode(), target.encode(), body
    request.path = request.target.partition(b"?")[0]
    request.host = b"own.example:8888"
    request.headers = [(name.encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    request.origin = request.header(b"origin")
    reply = Captured()
    Site(Application(), Refusals(Counter())).answer(
        JsonEndpoint(kind, handle, Origins(allowed), trusting=trusting), request, reply
    )
    assert len(reply.sent) == 1
    return reply, asked


def script(target: str, **options: Any) -> tuple[Captured, list[Any]]:
    return ask(method="GET", target=target, body=b"", **options)


class TestPost:
    """What pages of our own and of allowed origins send."""

    def test_a_request_is_decoded_and_answered(self) -> None:
        reply, asked = ask()
        assert asked == [envelope.Poll("t", 3)]
        assert (reply.status, reply.body, reply.head) == (200, b'{"well":true}', JSON)

    @pytest.mark.parametrize(
        "body",
        [
            b"", b"{", b"[]", b"null", b"{}", b'{"token":1,"cursor":3}', b'{"token":"t"}', b"\xff\xfe",
            b'{"token":"t","cursor":-1}', b'{"token":"t","cursor":9007199254740992}', b"[" * 5000,
            b'{"token":"t","cursor":1.5}', b'{"token":"t","cursor":true}', b'{"token":"t","cursor":1}x',
        ],
    )  # fmt: skip
    def test_a_malformed_body(self, body: bytes) -> None:
        reply, asked = ask(body=body)
        assert (reply.status, reply.code, asked) == (400, "malformed", [])

    @pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "deflate, gzip", "x" * 1000, "\xff"])
    def test_an_encoded_body(self, coding: str) -> None:
        body = gzip.compress(b'{"token":"t","cursor":3}')
        reply, asked = ask(body=body, headers={"Content-Encoding": coding})
        assert (reply.status, reply.code, asked) == (415, "encoding", [])
        assert repr(coding[:40]) in json.loads(reply.body)["error"]["message"]
        assert len(reply.body) < 300
        assert b"\r\nAccept-Encoding: identity\r\n" in reply.head

    def test_a_body_that_says_that_it_is_not_encoded(self) -> None:
        headers = {"Content-Encoding": "Identity"}
        assert ask(headers=headers)[0].status == 200
        assert ask(headers=headers, body=b"{")[0].code == "malformed"

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
    def test_another_method(self, method: str) -> None:
        reply, asked = ask(method=method, allowed=())
        assert (reply.status, reply.code, asked) == (405, "method", [])

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD"])
    def test_another_method_where_scripts_are_allowed(self, method: str) -> None:
        assert ask(method=method)[0].status == 405

    def test_our_own_page_gets_no_cors_headers(self) -> None:
        reply, _ = ask(headers={"Origin": "http://own.example:8888"})
        assert (reply.status, reply.head) == (200, JSON)

    def test_a_page_of_an_allowed_origin_may_read_the_answer(self) -> None:
        reply, _ = ask(headers={"oRIGIN": FRIEND})
        lines = reply.head.removeprefix(JSON).split(b"\r\n")
        assert reply.status == 200
        assert b"Access-Control-Allow-Origin: " + FRIEND.encode() in lines
        assert b"Access-Control-Allow-Credentials: true" in lines
        assert b"Vary: Origin" in lines

    def test_it_may_read_an_error_too(self) -> None:
        for reply, status in [
            (ask(headers={"Origin": FRIEND}, body=b"")[0], 400),
            (ask(headers={"Origin": FRIEND, "Content-Encoding": "gzip"}, body=b"")[0], 415),
            (ask(headers={"Origin": FRIEND}, outcome=Gap(7))[0], 409),
            (ask(headers={"Origin": FRIEND}, method="PUT")[0], 405),
        ]:
            assert reply.status == status
            assert b"Access-Control-Allow-Origin: " + FRIEND.encode() in reply.head

    @pytest.mark.parametrize(
        "origin", ["http://evil.example", "null", "http://[", "", "http://friend.example.evil"]
    )
    @pytest.mark.parametrize("method", ["POST", "OPTIONS"])
    def test_a_page_of_another_origin_is_refused(self, origin: str, method: str) -> None:
        reply, asked = ask(headers={"Origin": origin}, method=method)
        assert (reply.status, reply.code, asked) == (403, "origin", [])
        assert b"Access-Control" not in reply.head

    def test_a_preflight(self) -> None:
        reply, asked = ask(method="OPTIONS", headers={"Origin": FRIEND}, body=b"")
        assert (reply.status, reply.body, asked) == (200, b"", [])
        for line in (
            b"Access-Control-Allow-Origin: http://friend.example\r\n",
            b"Access-Control-Allow-Methods: POST\r\n",
            b"Access-Control-Allow-Headers: Content-Type\r\n",
            b"Access-Control-Max-Age: 86400\r\n",
        ):
            assert line in reply.head


class TestErrors:
    """What an endpoint raises is answered, and logged as what it is."""

    @pytest.mark.parametrize(
        ("error", "status", "code"),
        [(Gone("left"), 410, "gone"), (Gap(7), 409, "gap"), (TooMany("wait", retry=2.4), 429, "too_many")],
    )
    def test_an_error_of_the_wire(
        self, error: RequestError, status: int, code: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        reply, _ = ask(outcome=error)
        assert (reply.status, reply.code) == (status, code)
        assert [(record.levelname, record.exc_info) for record in caplog.records] == [("WARNING", None)]

    def test_an_error_has_fields_and_headers_that_help_the_browser(self) -> None:
        assert json.loads(ask(outcome=Gap(7))[0].body)["error"]["received"] == 7
        reply, _ = ask(outcome=TooMany("wait", retry=2.4))
        assert json.loads(reply.body)["error"]["retry"] == 2.4
        assert b"Retry-After: 2\r\n" in reply.head

    def test_an_unforeseen_error_does_not_reveal_its_particulars(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        reply, _ = ask(outcome=KeyError("a secret"))
        assert (reply.status, reply.code) == (500, "internal")
        assert b"secret" not in reply.body
        assert caplog.records[0].levelname == "ERROR"
        assert "a secret" in caplog.text


class TestJsonp:
    """Pages of other origins in browsers without CORS: scripts."""

    @pytest.mark.parametrize("callback", ["f", "_a.$b.c1", "thywill.jsonp.c12", "a" * 64, "a.b.c.d.e"])
    def test_a_call_of_the_pages_function(self, callback: str) -> None:
        reply, asked = script(f"/thywill/poll?token=t&cursor=3&callback={callback}&_=123")
        assert asked == [envelope.Poll("t", 3)]
        assert (reply.status, reply.body) == (200, b'/**/%b({"well":true});' % callback.encode())
        assert reply.head.startswith(SCRIPT_HEAD)
        assert b"X-Content-Type-Options: nosniff\r\n" in reply.head

    @pytest.mark.parametrize(
        "callback",
        [
            "", "1a", "a.", ".a", "a..b", "a b", "a;b", "a(b", "alert(1)//", "a%0Ab", "a%00", "a%E2%80%A8",
            "<script>", "a[0]", "a'b", "a" * 65, "a.b.c.d.e.f", "%C3%A9", "a%0D%0AX-Header:1", "a/**/b",
            "a%5Cu0041", "f%0A", "a-b",
        ],
    )  # fmt: skip
    def test_a_callback_that_is_no_name_is_refused_as_json(self, callback: str) -> None:
        reply, asked = script(f"/thywill/poll?token=t&cursor=3&callback={callback}")
        assert (reply.status, reply.code, reply.head, asked) == (400, "malformed", JSON, [])

    @given(st.text(max_size=30))
    @STEADY
    def test_any_callback_is_a_name_or_refused(self, callback: str) -> None:
        reply, _ = script(f"/thywill/poll?token=t&cursor=3&callback={quote(callback)}")
        if reply.status == 200:
            assert re.fullmatch(rb"/\*\*/[A-Za-z0-9_$.]+\(.*\);", reply.body)

    def test_errors_come_as_calls_too(self) -> None:
        reply, _ = script("/thywill/poll?token=t&cursor=3&callback=f", outcome=Gap(7))
        assert (reply.status, reply.body[:14]) == (200, b'/**/f({"error"')
        reply, _ = script("/thywill/poll?token=t&callback=f")
        assert b'"malformed"' in reply.body

    def test_line_separators_in_json_are_escaped_in_the_script(self) -> None:
        reply, _ = script(
            "/thywill/poll?token=t&cursor=3&callback=f", outcome='{"a":"\u2028\u2029"}'.encode()
        )
        assert reply.body == b'/**/f({"a":"\\u2028\\u2029"});'

    @pytest.mark.parametrize("headers", [{}, {"Referer": FRIEND}, {"Referer": "http://own.example/"}])
    @pytest.mark.parametrize("trusting", [True, False])
    def test_where_no_other_origin_is_allowed_the_page_gets_only_that_error(
        self, headers: dict[str, str], trusting: bool
    ) -> None:
        reply, asked = script(
            "/thywill/poll?token=t&cursor=3&callback=f", headers=headers, allowed=(), trusting=trusting
        )
        said = re.fullmatch(rb"/\*\*/f\((.*)\);", reply.body)
        assert said
        assert (reply.status, asked) == (200, [])
        error = json.loads(said[1])["error"]
        assert error["code"] == "origin"
        assert "origins in [client_interface]" in error["message"]
        assert b"Access-Control" not in reply.head

    def test_our_own_page_may_ask_where_no_other_origin_is_allowed(self) -> None:
        own = {"Referer": "http://own.example:8888/chat/"}
        assert script("/thywill/poll?token=t&cursor=3&callback=f", headers=own, allowed=())[1]

    @pytest.mark.parametrize("allowed", [(), (FRIEND,)])
    def test_without_a_callback_it_is_refused(self, allowed: tuple[str, ...]) -> None:
        reply, asked = script("/thywill/poll?token=t&cursor=3", allowed=allowed)
        assert (reply.status, reply.code, asked) == (405, "method", [])

    def test_messages_and_hold_are_json_in_the_query(self) -> None:
        _, asked = script(
            '/thywill/send?token=t&messages=[[1,"%C3%A9%5C%22"],[2,[3],"m"]]&callback=f', kind=envelope.Send
        )
        items = envelope.read_items(asked[0].messages, 2, 1000)
        assert items == [envelope.Item(1, 'é"'), envelope.Item(2, [3], "m")]
        assert script("/thywill/poll?token=t&cursor=3&hold=0.5&callback=f")[1][0].hold == 0.5

    @pytest.mark.parametrize(
        "query",
        [
            "token=t&cursor=&callback=f",
            "token=t&cursor=x&callback=f",
            'token=t&cursor=3,"a":&callback=f',
            "token=t&cursor=%FF&callback=f",
            "token=t&cursor=3&hold=x&callback=f",
            "cursor=3&callback=f",
        ],
    )
    def test_a_malformed_query(self, query: str) -> None:
        reply, asked = script(f"/thywill/poll?{query}")
        assert (reply.status, asked) == (200, [])
        assert b'"malformed"' in reply.body

    def test_too_many_fields(self) -> None:
        reply, asked = script("/thywill/poll?callback=f&" + "&".join(f"a{n}=1" for n in range(21)))
        assert (reply.status, reply.code, asked) == (400, "malformed", [])

    @pytest.mark.parametrize(
        ("referer", "allowed"),
        [
            ("http://friend.example/page?x#y", True),
            ("http://friend.example", True),
            ("http://own.example:8888/chat/", True),
            ("http://evil.example/http://friend.example/", False),
            ("http://friend.example.evil/", False),
            ("http://friend.example@evil.example/", False),
            ("http://[", False),
            ("about:blank", False),
            ("\xff", False),
        ],
    )
    def test_the_referer_identifies_the_page(self, referer: str, allowed: bool) -> None:
        for trusting in (True, False):
            reply, asked = script(
                "/thywill/poll?token=t&cursor=3&callback=f", headers={"Referer": referer}, trusting=trusting
            )
            assert (reply.status, bool(asked), b'"origin"' in reply.body) == (200, allowed, not allowed)

    @pytest.mark.parametrize("headers", [{}, {"Referer": ""}])
    def test_without_a_referer_a_token_is_needed(self, headers: dict[str, str]) -> None:
        target = "/thywill/poll?token=t&cursor=3&callback=f"
        assert script(target, headers=headers)[1]
        reply, asked = script(target, headers=headers, trusting=False)
        assert (asked, b'"origin"' in reply.body) == ([], True)

    @given(st.text(st.sampled_from('abcft=&%+;"[]{}1,:\\/'), max_size=60))
    @STEADY
    def test_any_query_is_answered(self, query: str) -> None:
        reply, _ = script(f"/thywill/poll?{query}&callback=f")
        assert reply.status in (200, 400)
