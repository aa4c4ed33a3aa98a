"""Every error and the answer that it becomes."""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import Any

import pytest

from thywill import errors
from thywill.errors import RequestError
from thywill.http.message import JSON, Refusal
from thywill.http.request import Request
from thywill.wire.refusals import BURST, CODES, Refusals, answer_to

ANSWERS: list[tuple[RequestError, int, dict[str, Any], bytes]] = [
    (errors.Malformed("m"), 400, {"code": "malformed"}, b""),
    (errors.BadToken("m"), 401, {"code": "bad_token"}, b""),
    (errors.BadKey("m"), 401, {"code": "bad_key"}, b"WWW-Authenticate: Bearer\r\n"),
    (errors.BadTicket("m"), 401, {"code": "bad_ticket"}, b""),
    (errors.Refused("m"), 403, {"code": "refused"}, b""),
    (errors.Forbidden("m"), 403, {"code": "forbidden"}, b""),
    (errors.NotLocal("m"), 403, {"code": "not_local"}, b""),
    (errors.BadOrigin("m"), 403, {"code": "origin"}, b""),
    (errors.NotFound("m"), 404, {"code": "not_found"}, b""),
    (errors.MethodNotAllowed("m", "GET, POST"), 405, {"code": "method"}, b"Allow: GET, POST\r\n"),
    (errors.Conflict(6), 409, {"code": "conflict"}, b""),
    (errors.Misdirected("m"), 421, {"code": "host"}, b""),
    (errors.Gap(6), 409, {"code": "gap", "received": 6}, b""),
    (errors.Reused(0), 409, {"code": "conflict"}, b""),
    (errors.Conflict(6), 409, {"code": "conflict"}, b""),
    (errors.Gone("m"), 410, {"code": "gone"}, b""),
    (errors.Gone("m", reconnect=True), 410, {"code": "gone", "reconnect": True}, b""),
    (errors.TooLarge("m"), 413, {"code": "too_large"}, b""),
    (errors.UnsupportedEncoding("m"), 415, {"code": "encoding"}, b"Accept-Encoding: identity\r\n"),
    (errors.TooMany("m", retry=7), 429, {"code": "too_many", "retry": 7}, b"Retry-After: 7\r\n"),
    (errors.Failed("m"), 500, {"code": "failed"}, b""),
    (errors.Probed("m"), 401, {"code": "bad_token"}, b""),
    (errors.Draining("m", retry=0.2), 503, {"code": "draining", "retry": 0.2}, b"Retry-After: 1\r\n"),
    (errors.Unavailable("m", retry=2), 503, {"code": "unavailable", "retry": 2}, b"Retry-After: 2\r\n"),
]


@pytest.mark.parametrize(
    ("error", "status", "fields", "head"), ANSWERS, ids=[type(row[0]).__name__ for row in ANSWERS]
)
def test_each_error_has_one_answer(
    error: RequestError, status: int, fields: dict[str, Any], head: bytes
) -> None:
    answer = answer_to(error)
    assert (answer.status, answer.head) == (status, JSON + head)
    assert json.loads(answer.body) == {"error": {"message": error.message, **fields}}


def test_no_error_is_left_out() -> None:
    def below(kind: type[RequestError]) -> set[type[RequestError]]:
        return {each for child in kind.__subclasses__() for each in ({child} | below(child))}

    abstract = {errors.Later}
    here = {kind for kind in below(RequestError) - abstract if kind.__module__ == errors.__name__}
    assert here == {type(row[0]) for row in ANSWERS}


@pytest.mark.parametrize("status", [400, 501, 505, *CODES])
def test_a_refusal_of_the_server_has_its_statuss_code(status: int) -> None:
    answer = answer_to(Refusal(status, "the reason", b"Allow: GET\r\n"))
    assert (answer.status, answer.head) == (status, JSON + b"Allow: GET\r\n")
    expected = {"code": CODES.get(status, "malformed"), "message": "the reason"}
    assert json.loads(answer.body) == {"error": expected}


class TestRefusals:
    """What is counted and logged."""

    def refuse(self, error: Exception | Refusal) -> Counter[str]:
        counted: Counter[str] = Counter()
        request = Request()
        request.target, request.path = b"/thywill/poll?" + b"a" * 9000, b"/thywill/poll"
        request.peer = "192.0.2.7"
        Refusals(counted)(error, request)
        return counted

    def test_a_refusal_is_counted_and_is_a_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        assert self.refuse(errors.Gap(6)) == {"gap": 1}
        (record,) = caplog.records
        assert record.getMessage() == "'/thywill/poll' from 192.0.2.7 refused: 409 gap"

    def test_a_flood_of_them_is_a_few_lines(self, caplog: pytest.LogCaptureFixture) -> None:
        times, counted = [0.0], Counter[str]()
        refuse = Refusals(counted, now=lambda: times[-1])
        for _ in range(1000):
            refuse(errors.Gap(6), Request())
        refuse(errors.Gone("m"), Request())
        times.append(1.0)
        refuse(errors.Gap(6), Request())
        assert counted == {"gap": 1001, "gone": 1}
        assert len(caplog.records) == BURST + 2
        assert caplog.records[-1].getMessage().endswith("409 gap (900 more of these were not logged)")

    def test_an_unforeseen_error_does_not_reveal_its_particulars(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert self.refuse(KeyError("a secret")) == {"internal": 1}
        assert b"secret" not in Refusals(Counter())(KeyError("a secret"), Request()).body
        assert [record.levelno for record in caplog.records[:2]] == [logging.ERROR, logging.WARNING]
        assert caplog.records[0].exc_info
