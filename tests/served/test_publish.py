"""Publishing from outside, as another program does it: curl, a script, a plain function of another site."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.drivers import require
from tests.conftest import Start
from tests.gate.environment import ROOT
from tests.support.served import Served, serving
from tests.support.serving import Running, until
from thywill.database.base import DatabaseUnavailable
from thywill.publisher import AsyncPublisher, Publisher, PublishError

SHOP, CRON = "a key for all applications", "a key for the echo alone"
KEYS = {"shop": SHOP, "cron": {"key": CRON, "applications": ["echo"]}}
NEWS = {"application": "probe", "channel": "all", "data": {"n": 1}}


async def serve(start: Start, **changes: dict[str, Any]) -> Running:
    return await start(publishing={"keys": KEYS}, **changes)


async def publish(running: Running, body: Any, key: str | None = SHOP, **options: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = await running.fetch("thywill/publish", body, headers=headers, **options)
    return answer.code, json.loads(answer.body)


@pytest.mark.gen_test
async def test_messages_arrive_with_the_ids_that_were_answered(start: Start, http: str) -> None:
    running = await serve(start, server={"http": http})
    one, other = await running.connect(), await running.connect()
    await one.call("add", 1, 2)  # so that it is in the channel
    await other.send({"leave": "all"})
    await other.call("add", 1, 2)
    status, answer = await publish(running, NEWS)
    assert (status, (await one.poll())["messages"]) == (200, [[answer["ids"][0], {"n": 1}]])
    batch = [{**NEWS, "data": 2}, {"application": "probe", "client": other.id, "data": 3}]
    status, answer = await publish(running, {"messages": batch})
    assert (status, (await one.poll())["messages"]) == (200, [[answer["ids"][0], 2]])
    assert (await other.poll())["messages"] == [[answer["ids"][1], 3]]
    metrics = (await running.fetch("thywill/metrics")).body.decode()
    assert 'thywill_published_total{application="probe",key="shop"} 3.0' in metrics


@pytest.mark.gen_test
async def test_who_is_refused_and_why(start: Start, http: str) -> None:
    running = await serve(start, server={"http": http})
    one = await running.connect()
    await one.call("add", 1, 2)  # so that it is in the channel

    async def refused(body: Any, **options: Any) -> tuple[int, str]:
        status, answer = await publish(running, body, **options)
        return status, answer["error"]["code"]

    assert await refused(NEWS, key=None) == (401, "bad_key")
    assert await refused(NEWS, key="wrong") == (401, "bad_key")
    assert await refused(NEWS, key=CRON) == (403, "forbidden")
    assert await refused({**NEWS, "application": "nobody"}) == (404, "not_found")
    assert await refused(b"{", key=SHOP) == (400, "malformed")
    assert await refused({**NEWS, "data": "x" * 70_000}) == (413, "too_large")
    await publish(running, {**NEWS, "id": "a"})
    assert await refused({**NEWS, "id": "a", "data": 2}) == (409, "conflict")
    status, answer = await publish(running, {"messages": [NEWS, {**NEWS, "id": "a", "data": 2}]})
    assert (status, "message 2" in answer["error"]["message"]) == (409, True)
    for method, body in (("GET", None), ("PUT", b"{}"), ("OPTIONS", None)):
        answer = await running.fetch(
            "thywill/publish", method=method, body=body, allow_nonstandard_methods=True
        )
        assert (answer.code, answer.headers["Allow"]) == (405, "POST")
    assert [message[1] for message in (await one.poll())["messages"]] == [{"n": 1}]


@pytest.mark.gen_test
async def test_the_body_has_a_limit_of_its_own(start: Start) -> None:
    running = await start(publishing={"keys": KEYS, "max_body": 100_000})
    status, answer = await publish(running, {"messages": [NEWS] * 1000})
    assert (status, len(answer["ids"])) == (200, 1000)
    large = {"messages": [{**NEWS, "data": "x" * 100}] * 1000}
    status, answer = await publish(running, large)
    assert (status, answer["error"]["code"]) == (413, "too_large")


@pytest.mark.gen_test
async def test_without_a_key_a_large_body_is_not_read(start: Start, http: str) -> None:
    running = await serve(start, server={"http": http})
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(running.base).port)
    writer.write(b"POST /thywill/publish HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
    answer = await reader.read()  # which ends, although the body has not been sent
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b'"bad_key"' in answer
    assert b"the key is missing" in answer
    writer.close()


@pytest.mark.gen_test
async def test_a_queue_that_refuses_is_answered_with_retry(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = await serve(start, queue={"component": "database"})
    store: Any = running.service.database

    async def refuse(*_: Any) -> None:
        raise DatabaseUnavailable("it is told to refuse")

    with monkeypatch.context() as patch:
        patch.setattr(type(store.messages()), "write", refuse)
        status, answer = await publish(running, {**NEWS, "id": "a"})
        assert (status, answer["error"]["code"]) == (503, "unavailable")
        assert answer["error"]["retry"] > 0
        async with AsyncPublisher(running.base, SHOP, timeout=60.0) as publisher:
            waiting = asyncio.ensure_future(publisher.publish("probe", "all", {"n": 1}, id="a"))
            await until(lambda: running.service.meter.errors["unavailable"] >= 2)
            patch.undo()
            assert await waiting > 0


@pytest.mark.gen_test
async def test_an_asyncio_program(start: Start, http: str) -> None:
    running = await serve(start, server={"http": http})
    one = await running.connect()
    async with AsyncPublisher(running.base, SHOP) as publisher:
        first = await publisher.send("probe", {"text": "Zoë \ud83d\ude00"}, client=one.id)
        again = [await publisher.send("probe", 2, client=one.id, id="x") for _ in range(2)]
        third = await publisher.send("probe", 3, client=one.id)
        assert [first, again[0], third] == [each[0] for each in (await one.poll())["messages"]]
        assert again[0] == again[1]
        with pytest.raises(PublishError) as raised:
            await publisher.send("probe", 3, client=one.id, id="x")
        assert (raised.value.status, raised.value.code) == (409, "conflict")


# Other programs.


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("publish")
    (folder / "thywill.toml").write_text(
        f'[publishing.keys]\nshop = "{SHOP}"\ncron = {{key = "{CRON}", applications = ["echo"]}}\n'
    )
    return folder


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    with serving(folder) as serve:
        yield serve("--config", str(folder / "thywill.toml"), "--queue", "database")


def test_a_plain_function_of_another_site(served: Served) -> None:
    publisher = Publisher(served.address, SHOP)

    def order_placed(request: dict[str, Any]) -> int:
        return publisher.publish("chat", "orders", {"total": request["total"]}, id=request["order"])

    first = order_placed({"order": "order-7", "total": 12})
    assert order_placed({"order": "order-7", "total": 12}) == first
    assert order_placed({"order": "order-8", "total": 12}) > first
    with pytest.raises(PublishError, match="conflict: message 1"):
        order_placed({"order": "order-7", "total": 13})
    publisher.close()


def test_a_script_without_the_packages_of_the_server(served: Served) -> None:
    script = (
        "from thywill.publisher import AsyncPublisher, Publisher\n"
        f"with Publisher({served.address!r}, {CRON!r}) as publisher:\n"
        "    print(publisher.publish('echo', 'news', 'The backup is done.'))\n"
    )
    # Without site-packages (-S), and with no folder on the path but the project's.
    command = [sys.executable, "-S", "-c", script]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)}
    )
    assert (done.stderr, done.stdout.strip().isdigit()) == ("", True)


def test_curl(served: Served) -> None:
    curl = require("curl", "curl")

    def ask(body: str, key: str = SHOP) -> Any:
        command = [curl, "-s", "-H", f"Authorization: Bearer {key}", "-d", body]
        done = subprocess.run(
            [*command, f"{served.address}thywill/publish"], capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    body = '{"application": "chat", "channel": "lobby", "data": {"text": "Hello"}, "id": "curl-1"}'
    assert ask(body) == ask(body)
    assert ask(body, "wrong")["error"]["code"] == "bad_key"
    many = {"messages": [json.loads(body)] + [{"application": "echo", "session": "s", "data": 1}] * 999}
    assert len(ask(json.dumps(many))["ids"]) == 1000


def test_the_command(served: Served, folder: Path) -> None:
    def run(*arguments: str, text: str = "") -> tuple[int, str, str]:
        command = [sys.executable, str(ROOT / "run.py"), "publish", *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    found = ("--config", str(folder / "thywill.toml"), "--port", str(served.port))
    status, first, error = run("chat", "lobby", '{"n": 1}', "--id", "run-1", *found)
    assert (status, error) == (0, "")
    assert run("chat", "lobby", "-", "--id", "run-1", *found, text='{"n": 1}') == (0, first, "")
    status, _, error = run("chat", "lobby", "1", "--url", served.address, "--key", CRON)
    assert (status, error[:9]) == (1, "forbidden")
    status, _, error = run("chat", "lobby", "{oops", *found)
    assert (status, error[:20]) == (2, "the data is not JSON")


def test_an_id_is_known_after_a_kill(folder: Path) -> None:
    options = ("--config", str(folder / "thywill.toml"), "--queue", "database")
    data = folder / "killed"
    data.mkdir()
    with Served(data, *options) as served, Publisher(served.address, SHOP) as publisher:
        first = publisher.publish("chat", "lobby", {"n": 1}, id="kill-1")
        served.kill()
        with Served(data, *options, port=served.port):
            assert publisher.publish("chat", "lobby", {"n": 1}, id="kill-1") == first
            with pytest.raises(PublishError, match="conflict"):
                publisher.publish("chat", "lobby", {"n": 2}, id="kill-1")
