"""Two servers on one database: the second waits, then takes over or ends with a line that names the owner."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import free_port, wait_for
from tests.support.served import COMMAND, Serve, ask, serving

QUEUES = ["memory", "database"]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """A function that starts a server."""
    with serving(tmp_path) as start:
        yield start


@pytest.mark.parametrize("queue", QUEUES)
def test_a_second_server_ends_with_a_line_that_names_the_owner(
    serve: Serve, tmp_path: Path, queue: str
) -> None:
    first = serve("--queue", queue)
    port = free_port()
    command = [*COMMAND, "--port", str(port), "--data", str(tmp_path), "--queue", queue]
    environment = os.environ | {"THYWILL_QUEUE_TAKEOVER": "0.5"}
    ended = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 2
    *_, line = ended.stderr.splitlines()
    owner = f"process {first.process.pid} on {socket.gethostname()}, {first.address}"
    assert f"thywill.db belongs to another server: {owner}. End that one, or name another database" in line
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    told = ask(first.port, "connect", {"application": "echo"})
    assert ask(first.port, "send", {"token": told["token"], "messages": [[1, "x"]]}) == {"received": 1}


class Reader:
    """A page that gets one message after another."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token, self.cursor = port, token, 0
        self.messages: list[Any] = []

    def next(self) -> Any:
        while not self.messages:
            answer = ask(self.port, "poll", {"token": self.token, "cursor": self.cursor})
            self.messages, self.cursor = answer["messages"], answer["cursor"]
        return self.messages.pop(0)[1]


@pytest.mark.parametrize("queue", QUEUES)
def test_a_rolling_deploy_is_an_orderly_takeover(serve: Serve, tmp_path: Path, queue: str) -> None:
    first = serve("--queue", queue)
    token = ask(first.port, "connect", {"application": "echo"})["token"]
    ask(first.port, "poll", {"token": token, "cursor": 0, "hold": 0})
    assert ask(first.port, "send", {"token": token, "messages": [[1, "x"]]}) == {"received": 1}
    port = free_port()
    started: list[Any] = []
    patient = {"THYWILL_QUEUE_TAKEOVER": "120"}
    second = threading.Thread(
        target=lambda: started.append(serve("--queue", queue, port=port, environment=patient))
    )
    second.start()
    waits = f"belongs to another server: process {first.process.pid}"
    wait_for(lambda: waits in first.log.read_text() or not second.is_alive())
    assert second.is_alive(), first.log.read_text()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    assert first.stop(signal.SIGTERM) == (0, "")
    second.join()
    answer = ask(port, "send", {"token": token, "messages": [[2, "y"]]})
    if queue == "database":
        assert answer == {"received": 2}
        page = Reader(port, token)
        assert [page.next(), page.next()] == ["x", "y"]
    else:
        assert answer["error"]["code"] == "gone"


@pytest.mark.parametrize("queue", QUEUES)
def test_after_a_kill_the_next_server_waits_for_nobody(serve: Serve, queue: str) -> None:
    first = serve("--queue", queue)
    first.kill()
    second = serve("--queue", queue)
    assert "belongs to another server" not in second.log.read_text()
    assert ask(second.port, "connect", {"application": "echo"})["token"]


def test_a_server_that_waits_can_be_stopped(serve: Serve, tmp_path: Path) -> None:
    serve()
    log = tmp_path / "second.log"
    with log.open("w") as errors:
        command = [*COMMAND, "--port", "0", "--data", str(tmp_path)]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=errors)
    wait_for(lambda: "belongs to another server" in log.read_text() or process.poll() is not None)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=120)[0] == b""
    assert process.returncode == 0
