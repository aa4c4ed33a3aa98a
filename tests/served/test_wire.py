"""Every line of the wire, and every error, over real sockets on both servers."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conftest import Start
from tests.support.serving import Running, hasten, until
from thywill.core.signing import Signer
from thywill.hub.directory import PURPOSE

pytestmark = pytest.mark.gen_test


# What works.


async def test_connect_answers_what_the_browser_has_to_know(running: Running) -> None:
    response = await running.fetch("thywill/connect", {"application": "probe"})
    answer = json.loads(response.body)
    assert answer.pop("client")
    assert answer.pop("token")
    assert answer == {
        "cursor": 0,
        "hold": 25.0,
        "grace": 60.0,
        "limits": {"message": 65536, "messages": 100},
        "push": ["sockjs", "longpoll"],
    }
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("thywill_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


async def test_a_poll_waits_for_a_message(running: Running) -> None:
    client, other = await running.connect(), await running.connect()
    poll = asyncio.ensure_future(client.poll())
    await until(lambda: running.service.engine.directory.clients[client.id].receiver)
    await other.send({"publish": "hello"})
    answer = await poll
    assert [data for _, data in answer["messages"]] == ["hello"]
    assert answer["cursor"] == answer["messages"][-1][0]


async def test_the_hold_time_ends_a_poll(start: Start) -> None:
    running = await start(push={"longpoll": {"hold": 0.2}})
    client = await running.connect()
    assert await client.poll() == {"messages": [], "cursor": 0}


async def test_a_message_comes_again_until_it_is_acknowledged(running: Running) -> None:
    client = await running.connect()
    await client.send({"echo": "once"})
    first = await running.ask("poll", {"token": client.token, "cursor": 0})
    again = await running.ask("poll", {"token": client.token, "cursor": 0})
    assert first == again
    after = await running.ask("poll", {"token": client.token, "cursor": first["cursor"], "hold": 0})
    assert after == {"messages": [], "cursor": first["cursor"]}


async def test_the_newest_poll_wins(running: Running) -> None:
    client = await running.connect()
    older = asyncio.ensure_future(client.poll())
    await until(lambda: running.service.engine.directory.clients[client.id].receiver)
    newer = asyncio.ensure_future(client.poll())
    assert await older == {"messages": [], "cursor": 0, "superseded": True}
    await client.send({"echo": 1})
    assert [data for _, data in (await newer)["messages"]] == [1]


async def test_sends_are_accepted_in_order_and_once(running: Running) -> None:
    client = await running.connect()
    assert await client.send("a", "b") == {"received": 2}
    repeat = {"token": client.token, "messages": [[2, "b"], [3, "c"]]}
    assert await running.ask("send", repeat) == {"received": 3}
    assert await running.ask("send", repeat) == {"received": 3}
    await until(lambda: len(running.probe.messages) >= 3)
    assert running.probe.messages == ["a", "b", "c"]


async def test_any_json_travels_both_ways(running: Running) -> None:
    client = await running.connect()
    values = [None, True, 0, -1.5, "", "ü \u2028 \U0001f600 \x00 </script>", [], {"": [{}]}, 2**53 - 1]
    await client.send(*({"echo": value} for value in values))
    received: list[Any] = []
    while len(received) < len(values):
        received += await client.receive()
    assert received == values


async def test_half_an_emoji_does_not_stop_the_queue(running: Running) -> None:
    client = await running.connect()
    body = b'{"token":"%b","messages":[[1,{"echo":"\\ud83d"}],[2,{"echo":"x"}]]}' % client.token.encode()
    assert await running.ask("send", body) == {"received": 2}
    assert (await client.receive())[0] == "\ufffd"


async def test_leave_ends_the_client(running: Running) -> None:
    client = await running.connect()
    assert await running.ask("leave", {"token": client.token}) == {}
    assert (await client.poll())["error"]["code"] == "gone"
    await until(lambda: running.probe.events[-1] == ("disconnect", client.id))


async def test_leave_carries_the_last_messages(running: Running) -> None:
    client = await running.connect()
    await client.send("a")
    last = {"token": client.token, "messages": [[1, "a"], [2, "b"], [3, "c"]]}
    assert await running.ask("leave", last) == {}
    assert (await client.poll())["error"]["code"] == "gone"
    await until(lambda: running.probe.events[-1] == ("disconnect", client.id))
    assert running.probe.messages == ["a", "b", "c"]


@pytest.mark.parametrize(("messages", "code"), [([[5, "e"]], "gap"), ([[1, "x" * 70_000]], "too_large")])
async def test_a_client_leaves_though_its_last_messages_are_refused(
    running: Running, messages: list[Any], code: str
) -> None:
    client = await running.connect()
    await client.poll(hold=0)
    answer = await running.ask("leave", {"token": client.token, "messages": messages})
    assert answer["error"]["code"] == code
    await until(lambda: ("disconnect", client.id) in running.probe.events)
    assert running.probe.messages == []


async def test_leave_carries_the_last_messages_of_a_page_that_never_polled(running: Running) -> None:
    client = await running.connect()
    fields = urlencode({"token": client.token, "messages": '[[1,"last"]]', "callback": "f"})
    page = {"Referer": running.base + "probe/"}
    response = await running.fetch(f"thywill/leave?{fields}", headers=page)
    assert response.body == b"/**/f({});"
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    await until(lambda: running.probe.messages == ["last"])


async def test_calls_are_answered(running: Running) -> None:
    client = await running.connect()
    assert await client.call("add", 1, 2) == {"result": 3}
    assert await client.call("refuse") == {"error": {"code": "no", "message": "not today"}}
    assert (await client.call("do_echo", 1))["error"]["code"] == "not_found"
    assert (await client.call("add", 1))["error"]["code"] == "malformed"
    assert (await client.call("__class__"))["error"]["code"] == "not_found"


async def test_a_session_has_several_clients(running: Running) -> None:
    response = await running.fetch("thywill/connect", {"application": "probe"})
    cookie = response.headers["Set-Cookie"].partition(";")[0]
    one = await running.connect(headers={"Cookie": cookie})
    other = await running.connect(headers={"Cookie": cookie})
    stranger = await running.connect()
    await one.send({"session": "ours"})
    assert await one.receive() == await other.receive() == ["ours"]
    assert (await stranger.poll(hold=0))["messages"] == []


async def test_a_forged_session_is_a_new_one(running: Running) -> None:
    one = await running.connect(headers={"Cookie": "thywill_session=mine.ffffffff.AAAA; other=1"})
    assert running.service.engine.directory.clients[one.id].session != "mine"


async def test_health_tells_whether_the_server_drains(running: Running) -> None:
    response = await running.fetch("thywill/health")
    assert (response.code, json.loads(response.body)) == (200, {"status": "ok"})
    running.service.engine.drain.begin(1)
    response = await running.fetch("thywill/health")
    assert response.code == 503
    assert int(response.headers["Retry-After"]) >= 1


async def test_a_drain_sends_parked_polls_away(running: Running) -> None:
    client = await running.connect()
    poll = asyncio.ensure_future(client.poll())
    await until(lambda: running.service.engine.directory.clients[client.id].receiver)
    running.service.engine.drain.begin(1)
    assert 1 <= (await poll)["retry"] <= 2
    assert 1 <= (await client.poll())["retry"] <= 2
    assert (await running.ask("connect", {"application": "probe"}))["error"]["code"] == "draining"


async def test_an_overflow_is_reported(start: Start) -> None:
    running = await start(queue={"messages": 3})
    client = await running.connect()
    await client.send(*({"echo": number} for number in range(10)))
    await until(lambda: len(running.probe.messages) == 10)
    answer = await client.poll()
    assert [data for _, data in answer["messages"]] == [7, 8, 9]
    assert answer["lost"] == 7


async def test_a_client_that_stays_away_is_gone(start: Start) -> None:
    running = await start()
    client = await running.connect()
    hasten(running)
    await until(lambda: ("disconnect", client.id) in running.probe.events)
    assert (await client.poll())["error"]["code"] == "gone"


# What is refused.


MALFORMED = {
    "no JSON": b"{",
    "not UTF-8": b'{"token":"\xff"}',
    "an array": b"[]",
    "no fields": b"{}",
    "empty": b"",
    "a token of another type": b'{"token":1,"cursor":0}',
    "a negative cursor": b'{"token":"x","cursor":-1}',
    "a fraction as cursor": b'{"token":"x","cursor":1.5}',
    "a cursor over 2**53": b'{"token":"x","cursor":9007199254740993}',
    "nested without end": b"[" * 4_000,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
async def test_malformed_polls(running: Running, body: bytes) -> None:
    response = await running.fetch("thywill/poll", body)
    assert response.code == 400
    assert json.loads(response.body)["error"]["code"] == "malformed"


@pytest.mark.parametrize(
    "messages", ["x", [1], [[]], [["1", 0]], [[0, "x"]], [[1]], [[1, "x", "add"]], [[1, [], 5]], None]
)
async def test_malformed_sends(running: Running, messages: Any) -> None:
    client = await running.connect()
    answer = await running.ask("send", {"token": client.token, "messages": messages})
    assert answer["error"]["code"] == "malformed"
    assert await client.send("good") == {"received": 1}


async def test_a_cursor_above_the_last_id_ends_the_client(running: Running) -> None:
    client = await running.connect()
    await client.send({"echo": "lost"})
    answer = await running.ask("poll", {"token": client.token, "cursor": 2**53 - 1})
    assert answer["error"]["code"] == "gone"
    assert "its database was replaced by an older one: connect again" in answer["error"]["message"]
    again = await running.ask("poll", {"token": client.token, "cursor": 0})
    assert again["error"] == answer["error"]


@pytest.mark.parametrize("cursor", [1, 7])
async def test_a_cursor_that_was_never_sent(running: Running, cursor: int) -> None:
    client = await running.connect()
    await client.send({"echo": "kept"})
    answer = await running.ask("poll", {"token": client.token, "cursor": cursor})
    assert answer["error"]["code"] == "malformed"
    assert await client.receive() == ["kept"]


async def test_bad_tokens(running: Running) -> None:
    client = await running.connect()
    value, expires, signature = client.token.split(".")
    secret = (running.service.folder / "secret").read_bytes()
    bad = {
        "forged": Signer(b"x" * 32).sign(PURPOSE, value, 2e9),
        "of a session": Signer(secret).sign("session", value, 2e9),
        "expired": Signer(secret).sign(PURPOSE, value, 1),
        "truncated": client.token[:-1],
        "without signature": f"{value}.{expires}",
        "changed": f"{value}.ffffffff.{signature}",
        "empty": "",
        "not ASCII": "ü",
    }
    for kind, token in bad.items():
        response = await running.fetch("thywill/poll", {"token": token, "cursor": 0})
        assert (kind, response.code) == (kind, 401)
        assert json.loads(response.body)["error"]["code"] == "bad_token"


async def test_a_good_token_of_a_client_that_is_not_here(running: Running) -> None:
    secret = (running.service.folder / "secret").read_bytes()
    token = Signer(secret).sign(PURPOSE, "somebody", 2e9)
    response = await running.fetch("thywill/poll", {"token": token, "cursor": 0})
    assert response.code == 410


async def test_a_gap_is_refused(running: Running) -> None:
    client = await running.connect()
    await client.send("a")
    response = await running.fetch("thywill/send", {"token": client.token, "messages": [[3, "c"]]})
    assert response.code == 409
    error = json.loads(response.body)["error"]
    assert (error["code"], error["received"]) == ("gap", 1)


async def test_unknown_applications_and_addresses(running: Running) -> None:
    response = await running.fetch("thywill/connect", {"application": "nothing"})
    assert (response.code, json.loads(response.body)["error"]["code"]) == (404, "not_found")
    assert (await running.fetch("thywill/nothing", {})).code == 404
    assert (await running.fetch("nothing/")).code == 404


@pytest.mark.parametrize("path", ["connect", "poll", "send", "leave"])
async def test_only_post_is_allowed(running: Running, path: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        response = await running.fetch(
            f"thywill/{path}", method=method, body=b"{}" if method == "PUT" else None
        )
        assert response.code == 405
        assert response.headers["Allow"] == "GET, OPTIONS, POST"
        assert json.loads(response.body)["error"]["code"] == "method"


async def test_messages_over_the_limit(running: Running) -> None:
    client = await running.connect()
    response = await running.fetch("thywill/send", {"token": client.token, "messages": [[1, "x" * 65_537]]})
    assert (response.code, json.loads(response.body)["error"]["code"]) == (413, "too_large")
    assert await client.send("x" * 65_534) == {"received": 1}
    many = {"token": client.token, "messages": [[n, 0] for n in range(2, 103)]}
    assert (await running.fetch("thywill/send", many)).code == 413


async def test_too_many_messages_for_the_application(running: Running) -> None:
    client = await running.connect()
    await client.send({"wait": None}, *range(99))
    assert await client.send(*range(100)) == {"received": 200}
    response = await running.fetch("thywill/send", {"token": client.token, "messages": [[201, 0]]})
    assert (response.code, json.loads(response.body)["error"]["code"]) == (429, "too_many")
    assert response.headers["Retry-After"] == "1"
    running.probe.gate.set()
    await until(lambda: len(running.probe.messages) == 200)
    client.number = 200
    assert await client.send("more") == {"received": 201}


async def test_pages_of_other_origins(running: Running) -> None:
    body = {"application": "probe"}
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
        response = await running.fetch("thywill/connect", body, headers={"Origin": origin})
        assert (response.code, json.loads(response.body)["error"]["code"]) == (403, "origin")
    own = running.base.rstrip("/")
    assert (await running.fetch("thywill/connect", body, headers={"Origin": own})).code == 200


async def test_only_the_client_of_a_failed_hook_gets_the_error(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    client, other = await running.connect(), await running.connect()
    await client.send({"raise": "on purpose"}, {"publish": "after"})
    answers = []
    while not answers or answers[-1][1] != "after":
        answers += (await client.poll())["messages"]
    assert answers[0][1:] == [
        {"error": {"code": "failed", "message": "the application could not handle this"}},
        1,
    ]
    assert await other.receive() == ["after"]
    assert "on purpose" in caplog.text
    assert (await client.call("crash"))["error"]["code"] == "failed"


async def test_data_that_is_not_json_fails_only_for_its_sender(running: Running) -> None:
    client = await running.connect()
    await client.send({"unsendable": 1})
    assert (await client.receive())[0]["error"]["code"] == "failed"


async def test_an_application_can_disconnect_a_client(running: Running) -> None:
    client = await running.connect()
    poll = asyncio.ensure_future(client.poll())
    await until(lambda: running.service.engine.directory.clients[client.id].receiver)
    await client.send({"evict": "enough"})
    assert (await poll)["error"] == {"code": "gone", "message": "enough"}
    assert (await client.poll())["error"] == {"code": "gone", "message": "enough"}


async def test_a_number_that_is_used_again_for_another_message_is_refused(running: Running) -> None:
    client = await running.connect()
    assert await client.send("of the first page") == {"received": 1}
    response = await running.fetch("thywill/send", {"token": client.token, "messages": [[1, "of a second"]]})
    assert response.code == 409
    assert json.loads(response.body)["error"]["code"] == "conflict"
    await until(lambda: running.probe.messages == ["of the first page"])


async def test_one_address_leaves_room_for_others(start: Start, http: str) -> None:
    running = await start(server={"http": http, "max_clients": 8})
    pages = [await running.ask("connect", {"application": "probe"}) for _ in range(3)]
    assert [page.get("error", {}).get("code") for page in pages] == [None, None, "too_many"]
    assert (await running.fetch("probe/")).code == 429
    other = {"X-Forwarded-For": "192.0.2.7"}
    assert "token" in await running.ask("connect", {"application": "probe"}, headers=other)
    assert running.service.meter.limited == {"unpolled_per_address": 2}


async def test_a_client_that_sends_too_fast_waits(start: Start, http: str) -> None:
    running = await start(server={"http": http}, limits={"sends": 0.01, "sends_burst": 2})
    client = await running.connect()
    assert await client.send("one", "two") == {"received": 2}
    refused = await running.fetch("thywill/send", {"token": client.token, "messages": [[3, "three"]]})
    assert refused.code == 429
    assert 40 <= int(refused.headers["Retry-After"]) <= 100


async def test_an_application_limits_what_a_page_does_too_often(running: Running) -> None:
    client = await running.connect()
    for _ in range(3):
        await client.send({"limited": 2})
    replies = [message for message in (await client.poll())["messages"] if len(message) == 3]
    while not replies:
        replies = [message for message in (await client.poll())["messages"] if len(message) == 3]
    [(_, outcome, number)] = replies
    assert (outcome["error"]["code"], number) == ("too_many", 3)
