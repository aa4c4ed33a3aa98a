"""The metrics of a running server, over real sockets."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tornado.httpclient import HTTPResponse

from tests.conftest import Start
from tests.gate.environment import ROOT
from tests.support.serving import Running, until
from thywill.core.inbox import Inbox
from thywill.core.log import Entry
from thywill.core.outbox import Bounds, Outbox
from thywill.hub.client import LiveClient
from thywill.monitoring.census import COUNTED_PER_TURN, Census
from thywill.monitoring.metrics import Metrics

pytestmark = pytest.mark.gen_test

KEY = "a-key-of-the-tests"
SHARED = ROOT / "thywill" / "queue" / "shared"
"""Has metrics of its own, where servers share a queue."""
MEASURED = re.compile(r'measures\.\w+\(\s*"(thywill_\w+)"')
ROW = re.compile(r"^\| `(thywill_\w+)`", re.MULTILINE)


async def scrape(running: Running) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the values of each metric by the values of its labels, in the order of their names."""
    response = await running.fetch("thywill/metrics")
    assert response.code == 200
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(response.body.decode()):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


async def ask(running: Running, key: str | None = None, **headers: str) -> HTTPResponse:
    """Return the answer to a request for the metrics with ``key``."""
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return await running.fetch("thywill/metrics", headers=headers)


async def test_clients_by_application_state_and_transport(running: Running) -> None:
    first, second = await running.connect(), await running.connect()
    await running.ask("connect", {"application": "probe"})
    metrics = await scrape(running)
    assert metrics["thywill_clients"] == {
        ("probe", "connected", "longpoll"): 2,
        ("probe", "detached", "none"): 1,
    }
    assert metrics["thywill_sessions"] == {(): 3}
    assert metrics["thywill_channels"] == {(): 1}
    await running.ask("leave", {"token": first.token})
    await running.ask("leave", {"token": second.token})
    # Those who ask within a second are told the same.
    running.service.watch.census = Census(running.service.engine.directory.clients)
    assert (await scrape(running))["thywill_clients"] == {("probe", "detached", "none"): 1}


FRONT = {("thywill",): 0}
"""The front page, which nobody has visited."""


async def test_messages_and_what_waits(running: Running) -> None:
    clients = [await running.connect() for _ in range(3)]
    await clients[0].send({"publish": "x" * 50}, {"echo": "y"})
    await until(lambda: running.service.meter.applications["probe"].sends == 2)
    metrics = await scrape(running)
    assert metrics["thywill_sends_total"] == {("probe",): 2, **FRONT}
    assert metrics["thywill_messages_sent_total"] == {("probe",): 4, **FRONT}
    assert metrics["thywill_messages_received_total"] == {("probe",): 2, **FRONT}
    assert metrics["thywill_queue_messages"] == {("probe",): 4, **FRONT}
    assert metrics["thywill_queue_messages_max"] == {("probe",): 2, **FRONT}
    assert metrics["thywill_log_messages"] == {("probe",): 2}
    first, second = (
        entry.encoded for entry in running.service.engine.directory.clients[clients[0].id].outbox.entries
    )
    assert (b"x" * 50 in first, second.endswith(b',"y"]')) == (True, True)
    assert metrics["thywill_queue_bytes"][("probe",)] == 3 * len(first) + len(second)
    assert metrics["thywill_queue_bytes_max"][("probe",)] == len(first) + len(second)


async def test_the_delay_of_a_broadcast_is_one_observation(running: Running) -> None:
    clients = [await running.connect() for _ in range(5)]
    polls = [asyncio.ensure_future(client.receive()) for client in clients]
    await until(lambda: all(client.receiver for client in running.service.engine.directory.clients.values()))
    await clients[0].send({"publish": 1})
    assert await asyncio.gather(*polls) == [[1]] * 5
    metrics = await scrape(running)
    assert metrics["thywill_delivery_delay_seconds_count"] == {(): 1}
    assert 0 < metrics["thywill_delivery_delay_seconds_sum"][()] < 60


async def test_errors_by_code(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    client = await running.connect()
    await running.fetch("thywill/poll", b"no json")
    await running.ask("poll", {"token": "forged", "cursor": 0})
    await running.ask("poll", {"token": client.token, "cursor": 99})
    poll = asyncio.ensure_future(client.poll())
    await until(lambda: running.service.engine.directory.clients[client.id].receiver is not None)
    await client.send({"evict": "go away"})
    assert (await poll)["error"]["code"] == "gone"
    metrics = await scrape(running)
    assert metrics["thywill_errors_total"] == {("malformed",): 2, ("bad_token",): 1, ("gone",): 1}


async def test_refusals_are_counted_by_the_names_of_their_limits(running: Running) -> None:
    running.service.meter.limited["connects"] += 2
    assert (await scrape(running))["thywill_limited_total"] == {("connects",): 2}


async def test_requests_and_connections(running: Running) -> None:
    await running.connect()
    for path in ("", "probe/", "static/0/client.js", "nothing/here", "thywill/sockjs/info", "thywill/none"):
        await running.fetch(path)
    metrics = await scrape(running)
    assert metrics["thywill_http_requests_total"] == {
        ("/thywill/connect",): 1,
        ("/thywill/poll",): 1,
        ("/thywill/metrics",): 1,
        ("/",): 3,
        ("/static",): 1,
        ("/thywill/sockjs",): 1,
        ("/thywill",): 1,
    }
    assert metrics["thywill_http_connections"][()] >= 1


async def test_the_database_tells_its_times(running: Running) -> None:
    client = await running.connect()
    await running.service.database.flush()
    metrics = await scrape(running)
    assert metrics["thywill_database_seconds_count"][("clients write",)] >= 1
    assert metrics["thywill_database_waiting_records"] == {(): 0}
    await running.ask("leave", {"token": client.token})


async def test_a_durable_queue_tells_its_transactions(start: Start) -> None:
    running = await start(queue={"component": "database"})
    client = await running.connect()
    await client.send({"echo": 1})
    await client.receive()
    metrics = await scrape(running)
    assert metrics["thywill_database_seconds_count"][("messages write",)] >= 2


async def test_the_loop_and_the_process(running: Running) -> None:
    await until(lambda: running.service.meter.lag.count >= 2)
    metrics = await scrape(running)
    assert metrics["thywill_loop_lag_seconds_count"][()] >= 2
    assert metrics["thywill_draining"] == {(): 0}
    assert metrics["process_resident_memory_bytes"][()] > 10_000_000
    assert metrics["process_open_fds"][()] > 5


async def test_a_late_loop_is_seen(running: Running) -> None:
    await until(lambda: running.service.meter.lag.count >= 1)
    running.service._due -= 0.3
    await until(lambda: running.service.meter.lag.count >= 2)
    assert (await scrape(running))["thywill_loop_lag_max_seconds"][()] >= 0.3


async def test_every_metric_is_in_the_documents_and_no_other(start: Start) -> None:
    running = await start(publishing={"keys": {"shop": "KEY"}})
    client = await running.connect()
    publication = {"application": "probe", "channel": "news", "data": 1}
    await running.ask("publish", publication, headers={"Authorization": "Bearer KEY"})
    await running.ask("poll", {"token": "forged", "cursor": 0})
    await client.send({"echo": 1})
    running.service.meter.limited["connects"] += 1
    await until(lambda: running.service.meter.applications["probe"].sends == 2)
    await running.service.database.flush()
    documented = ROW.findall((ROOT / "conf" / "README.md").read_text(encoding="utf-8"))
    sources = (path.read_text(encoding="utf-8") for path in SHARED.glob("*.py"))
    shared = [name for source in sources for name in MEASURED.findall(source)]
    assert sorted(documented) == sorted([*(await running.service.watch.measures()).all, *shared])


async def test_openmetrics_is_sent_if_it_is_asked_for(running: Running) -> None:
    accepted = "application/openmetrics-text; version=1.0.0"
    response = await running.fetch("thywill/metrics", headers={"Accept": accepted})
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert response.body.endswith(b"# EOF\n")


async def test_only_get(running: Running) -> None:
    refused = await running.fetch("thywill/metrics", b"{}")
    assert (refused.code, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert (await running.fetch("thywill/metrics", method="HEAD")).body == b""


async def test_a_failure_to_measure_is_an_error(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a part fails")

    monkeypatch.setattr(Metrics, "encode", fail)
    assert (await running.fetch("thywill/metrics")).code == 500
    assert "the metrics could not be read" in caplog.text


# The key.


async def test_without_a_key_only_this_machine_may_ask(running: Running) -> None:
    assert (await ask(running)).code == 200
    through_a_proxy = await ask(running, **{"X-Forwarded-For": "192.0.2.1"})
    assert through_a_proxy.code == 403
    assert b'"code":"not_local"' in through_a_proxy.body
    assert (await ask(running, Host="rebound.example.org")).code == 403


async def test_a_proxy_that_is_not_trusted_is_not_this_machine(start: Start, http: str) -> None:
    running = await start(server={"http": http, "trusted_proxies": []})
    assert (await ask(running, **{"X-Forwarded-For": "192.0.2.1"})).code == 403
    assert (await ask(running)).code == 200


async def test_the_key_is_asked_for(start: Start, http: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    running = await start(server={"http": http}, monitoring={"key": KEY})
    without = await ask(running)
    assert (without.code, without.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert (await ask(running, "not the right key")).code == 401
    assert (await ask(running, KEY)).code == 200
    assert (await running.fetch(f"thywill/metrics?key={KEY}")).code == 401
    assert KEY not in caplog.text.replace(f"?key={KEY}", "")


async def test_wrong_keys_are_slowed_down_for_each_address(start: Start, http: str) -> None:
    running = await start(server={"http": http}, monitoring={"key": KEY})
    one, other = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"}
    for _ in range(5):
        assert (await ask(running, "not the right key", **one)).code == 401
    refused = await ask(running, KEY, **one)
    assert (refused.code, int(refused.headers["Retry-After"])) == (429, pytest.approx(60, abs=50))
    assert (await ask(running, KEY, **other)).code == 200


# Many clients.


def many(number: int) -> dict[str, LiveClient]:
    """Return clients, each with a message in its queue."""
    clients = {}
    for index in range(number):
        client = LiveClient(f"c{index}", "probe", f"s{index}", Outbox(Bounds()), Inbox(), 0.0)
        client.outbox.append(Entry(1, b'"x"'))
        clients[client.id] = client
    return clients


async def test_clients_are_counted_in_slices() -> None:
    clients = many(COUNTED_PER_TURN * 20 + 1)
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    turning = asyncio.ensure_future(turn())
    census = Census(clients)
    counts = await asyncio.gather(census.take(), census.take())
    turning.cancel()
    assert turns >= 20
    assert counts[0] is counts[1]
    assert counts[0].clients == {("probe", "detached", ""): len(clients)}
    assert counts[0].waiting["probe"].messages == len(clients)
