"""The end of a process, for good or to restart: requests under way are answered, and every page is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gate.environment import ROOT
from tests.support.parked import ask, connected, park
from tests.support.served import Serve, Served, serving
from tests.support.serving import until
from tests.support.sockjs import Stream
from tests.support.transports import EventSource, HtmlFile, SockJS, XhrStreaming
from tests.support.wire import Ended, request

BOTH = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["stop", "restart"])
STREAMS = [XhrStreaming, EventSource, HtmlFile]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """A function that starts a server, which waits patiently: a restart is first rehearsed."""
    monkeypatch.setenv("THYWILL_PUSH_LONGPOLL_HOLD", "240")
    monkeypatch.setenv("THYWILL_SERVER_STOP_TIMEOUT", "240")
    monkeypatch.setenv("THYWILL_SERVER_BODY_TIMEOUT", "240")
    monkeypatch.setenv("THYWILL_SERVER_IDLE_TIMEOUT", "240")
    with serving(tmp_path) as start:
        yield start


async def logged(served: Served, text: str) -> None:
    """Wait until the log of ``served`` holds ``text``."""
    await until(lambda: text in served.log.read_text())


async def is_over(stream: Stream) -> bool:
    """Tell whether the server has closed the connection, and sent nothing more."""
    return await stream.rest() == b""


@BOTH
@pytest.mark.gen_test
async def test_parked_polls_are_answered_with_retry(serve: Serve, number: signal.Signals) -> None:
    served = serve()
    async with connected(served.port) as parked, connected(served.port) as idle:
        told = await ask(parked, "connect", application="echo")
        await ask(parked, "poll", token=told["token"], cursor=0, hold=0)
        await ask(idle, "poll", token=told["token"], cursor=0, hold=0)
        await park(parked, told)
        served.process.send_signal(number)
        answer = await parked.answer()
        assert (answer.status, answer.header("connection")) == (200, "close")
        assert answer.json["messages"] == []
        assert 1 <= answer.json["retry"] <= 1.1  # one client: nothing to spread
        assert await is_over(parked)
        assert await is_over(idle)
    if number is signal.SIGTERM:
        assert await asyncio.to_thread(served.ended) == (0, "")
    else:
        await asyncio.to_thread(served.wait)


@BOTH
@pytest.mark.gen_test
async def test_sends_under_way_are_finished(
    serve: Serve, number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The rest of a body has one second otherwise, in which a busy machine may not let this test send it.
    (tmp_path / "sitecustomize.py").write_text("from thywill.http import server\nserver.BODY_SECONDS = 240\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    served = serve()
    async with connected(served.port) as coming:
        told = await ask(coming, "connect", application="echo")
        body = json.dumps({"token": told["token"], "messages": [[1, "hello"]]}).encode()
        whole = request("/thywill/send", method="POST", body=body)
        await coming.send(whole[:-5])
        async with connected(served.port) as beside:
            await ask(beside, "poll", token=told["token"], cursor=0, hold=0)
            served.process.send_signal(number)
            await logged(served, "stopping: asking 1 client to")
            # It waits no longer for connections that bring nothing.
            assert await is_over(beside)
        await coming.send(whole[-5:])
        answer = await coming.answer()
        assert (answer.json, answer.header("connection")) == ({"received": 1}, "close")
        assert await is_over(coming)


@BOTH
@pytest.mark.gen_test
@pytest.mark.parametrize("kind", STREAMS)
async def test_streams_end_cleanly(serve: Serve, kind: type[SockJS], number: signal.Signals) -> None:
    served = serve()
    async with connected(served.port) as stream:
        told = await ask(stream, "connect", application="echo")
    owned, unowned = kind(served.port, told["token"]), kind(served.port, "")
    try:
        await owned.attach(0)
        assert (await owned.receive())["messages"] == []
        # A session without a token ends after 10 s, and a restart is first rehearsed, which may take longer.
        if number is signal.SIGTERM:
            await unowned.open()
        served.process.send_signal(number)
        assert "retry" in await owned.receive()
        await until(lambda: owned.closed)
        assert owned.closed == (4103, "the server is about to stop")
        if number is signal.SIGTERM:
            assert (await unowned.receive())["error"]["code"] == "draining"
            await until(lambda: unowned.closed)
            assert unowned.closed == owned.closed
        # It does not wait for the time that requests under way are given.
        if number is signal.SIGTERM:
            assert await asyncio.to_thread(served.ended) == (0, "")
        else:
            await asyncio.to_thread(served.wait)
    finally:
        await owned.close()
        await unowned.close()


@pytest.mark.gen_test
async def test_requests_that_do_not_end_are_cut_after_the_time_out(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THYWILL_SERVER_STOP_TIMEOUT", "0.5")
    served = serve()
    async with connected(served.port) as stuck:
        await stuck.send(b"POST /thywill/send HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n12")
        async with connected(served.port) as beside:
            for _ in range(2):  # what was sent before has been read by the second answer
                await beside.ask("/thywill/health")
        served.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(ConnectionResetError, Ended):
            await stuck.rest()
    assert await asyncio.to_thread(served.ended) == (0, "")


@BOTH
@pytest.mark.gen_test
async def test_a_hook_that_never_ends_does_not_hold_up_the_end(
    serve: Serve, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THYWILL_SERVER_STOP_TIMEOUT", "0.5")
    served = serve("--applications", "tests.support.stubborn")
    async with connected(served.port) as stream:
        told = await ask(stream, "connect", application="stubborn")
        await ask(stream, "send", token=told["token"], messages=[[1, "hello"]])
        begun = await ask(stream, "poll", token=told["token"], cursor=0)
        assert [message[1] for message in begun["messages"]] == ["begun"]
        served.process.send_signal(number)
    if number is signal.SIGTERM:
        assert await asyncio.to_thread(served.ended) == (0, "")
    else:
        await asyncio.to_thread(served.wait)
    name = f"stubborn.on_message for {told['client']}"
    assert any(name in line and "abandoned" in line for line in served.lines("ERROR"))
