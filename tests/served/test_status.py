"""The status page over HTTP: the form for the key, the figures, the clients."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from functools import partial
from itertools import count
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urljoin

import pytest
from tornado.httpclient import HTTPResponse

from tests.conftest import Start
from tests.support.serving import Running, until
from tests.support.status import figures, open_status_page
from thywill.core import probe
from thywill.core.overflow import Overflow
from thywill.database.base import DatabaseUnavailable
from thywill.monitoring.lookup import SHOWN
from thywill.monitoring.site import TIMING

pytestmark = pytest.mark.gen_test

KEY = "a-key-of-the-tests"
POINT = 8


async def show_key(running: Running, key: str, **headers: str) -> HTTPResponse:
    """Return the answer to the form."""
    body = urlencode({"key": key}).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    return await running.fetch("thywill/status/", body, headers=form, follow_redirects=False)


@pytest.fixture
def guarded(io_loop: Any, start: Start, http: str) -> Running:
    """A server with a key."""
    running: Running = io_loop.run_sync(
        lambda: start(server={"http": http}, monitoring={"key": KEY}, client_interface={"origins": ["*"]})
    )
    return running


# The form for the key.


async def test_the_page_stands_below_its_own_folder(running: Running) -> None:
    response = await running.fetch("thywill/status", follow_redirects=False)
    assert (response.code, response.headers["Location"]) == (302, "status/")
    page = (await running.fetch("thywill/status/")).body.decode()
    addresses = re.findall(r'(?:src|href)="\.\./([^"]+)"', page)
    assert len(addresses) == 4
    for address in addresses:
        path = urljoin("/thywill/status/", f"../{address}")
        assert (await running.fetch(path.lstrip("/"))).code == 200
    assert '"key":false' in page


async def test_it_is_not_among_the_applications(running: Running) -> None:
    assert b"status" not in (await running.fetch("")).body.lower()
    assert (await running.fetch("status/")).code == 404
    assert (await running.ask("connect", {"application": "status"}))["error"]["code"] == "not_found"


async def test_the_front_page_leads_there_who_may_see_it(running: Running) -> None:
    elsewhere = {"headers": {"X-Forwarded-For": "192.0.2.1"}}
    assert json.loads((await running.fetch("thywill/operator")).body) == {"operator": True}
    assert json.loads((await running.fetch("thywill/operator", **elsewhere)).body) == {"operator": False}
    assert (await running.fetch("thywill/operator", {})).code == 405


async def test_the_way_there_is_told_by_the_cookie_and_never_by_a_key(guarded: Running) -> None:
    cookie = (await show_key(guarded, KEY)).headers["Set-Cookie"].partition(";")[0]
    told = []
    for headers in ({}, {"Cookie": cookie}, {"Authorization": f"Bearer {KEY}"}):
        told.append(json.loads((await guarded.fetch("thywill/operator", headers=headers)).body)["operator"])
    assert told == [False, True, False]


async def test_without_a_key_it_is_for_this_machine(running: Running) -> None:
    assert (await running.fetch("thywill/status/")).code == 200
    response = await running.fetch("thywill/status/", headers={"X-Forwarded-For": "192.0.2.1"})
    assert response.code == 403
    assert b"<form" not in response.body
    refused = await running.fetch("thywill/thywill/poll", {}, headers={"X-Forwarded-For": "192.0.2.1"})
    assert refused.code == 403
    assert (await show_key(running, "x")).code == 403


async def test_the_form_asks_for_the_key(guarded: Running) -> None:
    asked = await guarded.fetch("thywill/status/")
    assert asked.code == 401
    assert b'type="password"' in asked.body
    assert b"thywill-bootstrap" not in asked.body
    policy = asked.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    wrong = await show_key(guarded, "<script>not the key")
    assert (wrong.code, wrong.headers.get("Set-Cookie")) == (401, None)
    assert b"<script" not in wrong.body


async def test_the_key_opens_the_page(guarded: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    response = await show_key(guarded, KEY)
    assert (response.code, response.headers["Location"]) == (303, "../status/")
    cookie = response.headers["Set-Cookie"]
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
    client = await open_status_page(guarded, cookie.partition(";")[0])
    assert (await figures(client))["clients"] == 0
    metrics = await guarded.fetch("thywill/metrics", headers={"Cookie": cookie.partition(";")[0]})
    assert metrics.code == 200
    assert KEY not in caplog.text


async def test_the_cookie_is_secure_over_tls(guarded: Running) -> None:
    response = await show_key(guarded, KEY, **{"X-Forwarded-Proto": "https"})
    assert response.headers["Set-Cookie"].endswith("; Secure")


async def test_the_wire_of_the_page_is_closed_without_the_cookie(guarded: Running) -> None:
    client = await open_status_page(
        guarded, (await show_key(guarded, KEY)).headers["Set-Cookie"].partition(";")[0]
    )
    for path in ("poll", "send", "leave"):
        answer = await guarded.fetch(f"thywill/thywill/{path}", {"token": client.token, "cursor": 0})
        assert answer.code == 401
    assert (await guarded.fetch("thywill/thywill/connect", {"application": "status"})).code == 404


async def test_signing_out_deletes_the_cookie(guarded: Running) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    left = await guarded.fetch("thywill/status/", b"leave=1", headers=form, follow_redirects=False)
    assert left.code == 303
    assert "Max-Age=0" in left.headers["Set-Cookie"]


CROSS_SITE = [
    {"Origin": "https://other.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {"Referer": "https://other.example/page"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", CROSS_SITE, ids=[str(each) for each in CROSS_SITE])
async def test_a_page_of_another_site_can_log_nobody_in_or_out(
    guarded: Running, headers: dict[str, str]
) -> None:
    response = await show_key(guarded, KEY, **headers)
    assert (response.code, response.headers.get("Set-Cookie")) == (403, None)
    assert b"A page of another site" in response.body
    form = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    left = await guarded.fetch("thywill/status/", b"leave=1", headers=form, follow_redirects=False)
    assert (left.code, left.headers.get("Set-Cookie")) == (403, None)


async def test_its_own_form_is_taken(guarded: Running) -> None:
    own = guarded.base.rstrip("/")
    for headers in (
        {"Origin": own},
        {"Referer": f"{own}/thywill/status/"},
        {"Sec-Fetch-Site": "same-origin"},
    ):
        assert (await show_key(guarded, KEY, **headers)).code == 303


async def test_pages_that_nobody_looks_at_take_no_place(running: Running) -> None:
    looking = await open_status_page(running)
    directory = running.service.status.engine.directory
    for _ in range(TIMING.clients + 20):
        assert (await running.fetch("thywill/status/")).code == 200
    assert len(directory) <= TIMING.clients
    assert looking.id in directory.clients
    assert await figures(await open_status_page(running))


async def test_wrong_keys_are_slowed_down(guarded: Running, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        assert (await show_key(guarded, "not the key")).code == 401
    response = await show_key(guarded, KEY)
    assert response.code == 429
    assert int(response.headers["Retry-After"]) > 0
    assert caplog.text.count("a key for the status page from 127.0.0.1 refused: 4") == 6


async def test_a_page_of_another_site_cannot_use_it(guarded: Running) -> None:
    cookie = (await show_key(guarded, KEY)).headers["Set-Cookie"].partition(";")[0]
    headers = {"Cookie": cookie, "Origin": "https://other.example"}
    answer = await guarded.fetch("thywill/thywill/poll", {"token": "x", "cursor": 0}, headers=headers)
    assert (answer.code, b'"code":"origin"' in answer.body) == (403, True)


# The figures.


async def test_figures_come_every_second(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two seconds pass between two figures, as one who looks twice for each of them is told.
    clock = SimpleNamespace(monotonic=partial(next, count(0.0)), process_time=time.process_time)
    monkeypatch.setattr("thywill.monitoring.figures.time", clock)
    probe = await running.connect()
    looking = await open_status_page(running)
    first = await figures(looking)
    assert (first["clients"], first["connected"], first["sessions"]) == (1, 1, 1)
    assert first["transports"] == [["longpoll", 1]]
    await probe.send({"echo": 1}, {"echo": 2})
    sends = received = 0.0
    while sends < 1 or received < 1:
        told = await figures(looking)
        sends, received = sends + told["sends"], received + told["received"]
    assert (sends, received, told["queued"]) == (1, 1, 2)
    told_of = [(each["name"], each["clients"], each["queued"]) for each in told["applications"]]
    assert told_of == [("probe", 1, 2), ("thywill", 0, 0)]  # the second is the front page


async def test_visitors_of_the_status_page_do_not_count_as_clients(start: Start) -> None:
    running = await start(server={"max_clients": 1})
    await running.connect()
    assert (await figures(await open_status_page(running)))["clients"] == 1


async def test_nothing_is_done_while_nobody_looks(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    status = running.service.status.engine.applications.application("status")
    assert status._task is None
    looking = await open_status_page(running)
    await figures(looking)
    await running.ask("thywill/leave", {"token": looking.token})
    await until(lambda: status._task is not None and status._task.done())
    again = await open_status_page(running)
    assert (await again.receive())[0] == {"points": []}
    await figures(again)


async def test_a_later_visitor_gets_the_earlier_figures(running: Running) -> None:
    await figures(await open_status_page(running))
    later = await open_status_page(running)
    [first] = [data for data in await later.receive() if "points" in data]
    assert {len(point) for point in first["points"]} == {POINT}


async def test_it_works_while_the_database_is_away(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    running = await start(queue={"component": "database"})

    async def fail(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailable("it is away")

    monkeypatch.setattr(running.service.database._thread, "run", fail)  # type: ignore[attr-defined]
    assert (await figures(await open_status_page(running)))["clients"] == 0
    response = await running.fetch("thywill/ready")
    assert response.code == 503
    assert json.loads(response.body) == {
        "status": "not ready",
        "reasons": ["the database is not available: it is away"],
    }
    monkeypatch.undo()
    assert (await running.fetch("thywill/ready")).code == 200


# The clients.


async def test_search_by_what_is_known_of_a_client(running: Running) -> None:
    one = await running.connect(headers={"User-Agent": "Kiosk/1", "X-Forwarded-For": "192.0.2.7"})
    two = await running.connect(headers={"User-Agent": "Other/2"})
    looking = await open_status_page(running)
    live = running.service.engine.directory.clients[one.id]
    for text in (one.id[3:12].upper(), live.session, "kiosk", " KIOSK/1 "):
        found = (await looking.call("search", text))["result"]
        assert [client["id"] for client in found["clients"]] == [one.id]
        assert (found["found"], found["all"]) == (1, 2)
    everybody = (await looking.call("search", ""))["result"]["clients"]
    assert [client["id"] for client in everybody] == [two.id, one.id]
    assert len((await looking.call("search", "probe"))["result"]["clients"]) == 2
    assert (await looking.call("search", "nobody"))["result"]["clients"] == []
    assert one.token not in json.dumps(everybody)


async def test_the_newest_hundred_are_shown(running: Running) -> None:
    hub = running.service.hub
    clients = [hub.create("probe", f"session {number}") for number in range(SHOWN + 20)]
    found = (await (await open_status_page(running)).call("search", "probe"))["result"]
    assert (found["found"], found["all"], len(found["clients"])) == (SHOWN + 20, SHOWN + 20, SHOWN)
    assert found["clients"][0]["id"] == clients[-1].id


async def test_all_that_is_known_of_one_client(running: Running) -> None:
    client = await running.connect()
    await client.send({"echo": "x" * 20}, {"echo": "y"})
    await client.receive()
    await until(lambda: running.service.engine.directory.clients[client.id].outbox.in_flight == 2)
    first, last = (entry.id for entry in running.service.engine.directory.clients[client.id].outbox.entries)
    looking = await open_status_page(running)
    told = (await looking.call("describe", client.id))["result"]
    assert (told["queued"], told["given"], told["cursor"], told["received"]) == (2, 2, 0, 2)
    assert told["bytes"] == len(b'[%d,"%s"]' % (first, b"x" * 20)) + len(b'[%d,"y"]' % last)
    assert 0 <= told["oldest"] < 100
    assert told["channels"] == ["all"]
    assert told["moves"] == []
    await running.ask(
        "poll", {"token": client.token, "cursor": last, "hold": 0}, headers={"X-Forwarded-For": "192.0.2.7"}
    )
    told = (await looking.call("describe", client.id))["result"]
    assert (told["address"], told["queued"], told["cursor"], told["oldest"]) == ("192.0.2.7", 0, last, None)
    [move] = told["moves"]
    assert (move["address"], move["transport"]) == ("127.0.0.1", "longpoll")
    assert client.token not in json.dumps(told)
    assert (await looking.call("describe", "nobody"))["result"] is None


async def test_a_client_is_disconnected_with_a_reason(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client, looking = await running.connect(), await open_status_page(running)
    assert (await looking.call("disconnect", client.id, "too loud"))["result"] is True
    answer = await client.poll()
    assert (answer["error"]["code"], answer["error"]["message"]) == ("gone", "too loud")
    assert (await looking.call("disconnect", client.id, "too loud"))["result"] is False
    assert (await looking.call("describe", client.id))["result"] is None
    assert f"{client.id} was disconnected by the operator at 127.0.0.1" in caplog.text


@pytest.mark.parametrize(
    "arguments", [("search", 1), ("describe", None), ("disconnect", [], ""), ("disconnect", "", 1)]
)
async def test_input_that_is_not_text_is_refused(running: Running, arguments: tuple[Any, ...]) -> None:
    assert (await (await open_status_page(running)).call(*arguments))["error"]["code"] == "malformed"


async def test_trouble_is_shown(start: Start) -> None:
    running = await start(queue={"messages": 1, "overflow": Overflow.DROP_OLDEST.value})
    client = await running.connect()
    await client.send({"echo": 1}, {"echo": 2}, {"echo": 3})
    await running.ask("poll", {"token": "forged", "cursor": 0})
    looking = await open_status_page(running)
    await until(lambda: running.service.meter.dropped)
    running.service.meter.limited["connects"] += 3
    running.service.meter.errors[probe.COUNTED] += 1  # not of browsers, but of run.py doctor
    assert (await figures(looking))["trouble"] == [
        ["dropped: drop_oldest", 2],
        ["refused: bad_token", 1],
        ["limited: connects", 3],
    ]


# Readiness.


async def test_ready_says_that_it_serves(running: Running) -> None:
    response = await running.fetch("thywill/ready")
    assert (response.code, json.loads(response.body)) == (200, {"status": "ready"})
    refused = await running.fetch("thywill/ready", b"{}")
    assert (refused.code, refused.headers["Allow"]) == (405, "GET, HEAD")


async def test_ready_says_that_it_stops(running: Running) -> None:
    running.service.engine.drain.begin(0)
    response = await running.fetch("thywill/ready")
    assert response.code == 503
    assert json.loads(response.body)["reasons"] == ["the server is about to stop"]
    assert (await running.fetch("thywill/health")).code == 503


async def test_a_database_that_hangs_is_not_waited_for(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    running = await start(queue={"component": "database"})
    asking: list[int] = []
    at_once: list[int] = []

    async def hang(*_: Any, **__: Any) -> None:
        asking.append(1)
        at_once.append(len(asking))
        try:
            await asyncio.sleep(3600)
        finally:
            asking.pop()

    monkeypatch.setattr(running.service.queue, "problem", hang)
    monkeypatch.setattr("thywill.server.STORE_TIMEOUT", 0.1)
    answers = await asyncio.gather(*(running.fetch("thywill/ready") for _ in range(5)))
    assert [answer.code for answer in answers] == [503] * 5
    assert set(at_once) == {1}
