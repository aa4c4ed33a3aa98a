"""``/thywill/echo``: says back what arrived, at once, and costs the server next to nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import Start
from tests.support.serving import Running, until
from tests.support.sockjs import Stream
from thywill.client_interface import echo

pytestmark = pytest.mark.gen_test


def port_of(running: Running) -> int:
    return int(running.base.rstrip("/").rpartition(":")[2])


async def seen(running: Running, **headers: str) -> dict[str, Any]:
    answer = await running.fetch("thywill/echo", headers=headers)
    value: dict[str, Any] = json.loads(answer.body)
    return value


async def test_it_says_what_arrived(running: Running) -> None:
    told = await seen(running, Host="chat.example.org", Connection="keep-alive")
    assert told == {
        "thywill": 1,
        "host": "chat.example.org",
        "scheme": "http",
        "http": "1.1",
        "kept": True,
        "forwarded_for": "missing",
        "forwarded_proto": "missing",
    }
    assert (await seen(running, Connection="close"))["kept"] is False


async def test_headers_of_a_proxy_that_is_trusted_are_believed(running: Running) -> None:
    told = await seen(running, **{"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"})
    assert (told["forwarded_for"], told["forwarded_proto"]) == ("believed", "believed")
    assert told["scheme"] == "https"


async def test_headers_of_others_are_not(start: Start, http: str) -> None:
    running = await start(server={"http": http, "trusted_proxies": []})
    told = await seen(running, **{"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"})
    assert (told["forwarded_for"], told["forwarded_proto"]) == ("ignored", "ignored")
    assert told["scheme"] == "http"


async def test_the_first_line_does_not_wait_for_the_second(running: Running) -> None:
    stream = await Stream.connect(port_of(running))
    head = await stream.begin("/thywill/echo?pause=120", "Accept-Encoding: gzip")
    assert head.header("content-encoding") is None
    assert json.loads(await stream.chunk())["thywill"] == 1
    stream.close()
    interface: Any = running.service.client_interface
    await until(lambda: interface.echo.waiting == 0)


async def test_the_second_line_comes(running: Running) -> None:
    answer = await running.fetch("thywill/echo?pause=0.01")
    assert answer.body.endswith(b'\n{"waited": true}\n')


@pytest.mark.parametrize("pause", ["x", "-1", "121", "nan", "inf", "1e9"])
async def test_a_pause_that_is_none_is_refused(running: Running, pause: str) -> None:
    answer = await running.fetch(f"thywill/echo?pause={pause}")
    assert (answer.code, json.loads(answer.body)["error"]["code"]) == (400, "malformed")


async def test_only_some_may_wait(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echo, "ASKERS", 2)
    streams = [await Stream.connect(port_of(running)) for _ in range(2)]
    for stream in streams:
        await stream.begin("/thywill/echo?pause=120")
    answer = await running.fetch("thywill/echo?pause=1")
    assert (answer.code, json.loads(answer.body)["error"]["code"]) == (429, "too_many")
    assert (await running.fetch("thywill/echo")).code == 200
    for stream in streams:
        stream.close()


async def test_waiting_requests_do_not_delay_the_stop(running: Running) -> None:
    stream = await Stream.connect(port_of(running))
    await stream.begin("/thywill/echo?pause=120")
    await running.stop()
    stream.close()
