"""A restart in place: no connection is refused, and a new program that fails does not end the service."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.parked import ask, connected, park
from tests.support.served import UNLIMITED, Serve, Served, page, serving
from tests.support.serving import until

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")

RESTARTS = 5


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """A function that starts a server."""
    with serving(tmp_path) as start:
        yield start


def restart(served: Served) -> None:
    """Restart ``served`` and wait until it serves again where it did."""
    address = served.address
    served.process.send_signal(signal.SIGHUP)
    served.wait()
    assert served.address == address


# No connection is refused.


class Visitor(threading.Thread):
    """A browser that asks for pages as fast as it can, and records errors and its longest wait.

    Args:
        port: the server's.
        keep: whether it keeps its connection for as long as the server does.
    """

    def __init__(self, port: int, *, keep: bool) -> None:
        super().__init__()
        self.port = port
        self.keep = keep
        self.over = threading.Event()
        self.troubles: list[str] = []
        self.waits: list[float] = []

    def run(self) -> None:
        connection = self._connection()
        while not self.over.is_set():
            begin = time.monotonic()
            try:
                connection = self._visit(connection)
            except (OSError, http.client.HTTPException) as error:
                self.troubles.append(repr(error))
                connection = self._connection()
            self.waits.append(time.monotonic() - begin)
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def _visit(self, connection: http.client.HTTPConnection) -> http.client.HTTPConnection:
        connection.request("GET", "/echo/")
        answer = connection.getresponse()
        if answer.status != 200 or b"thywill-bootstrap" not in answer.read():
            self.troubles.append(f"answered {answer.status}")
        if self.keep and not answer.will_close:
            return connection
        connection.close()
        return self._connection()


@contextlib.contextmanager
def visitors(port: int) -> Iterator[list[Visitor]]:
    found = [Visitor(port, keep=keep) for keep in (False, True)]
    for each in found:
        each.start()
    try:
        yield found
    finally:
        for each in found:
            each.over.set()
            each.join()


def test_no_connection_is_refused_or_reset_while_it_restarts(serve: Serve, tmp_path: Path) -> None:
    config = tmp_path / "unlimited.toml"
    config.write_text(UNLIMITED)
    served = serve("--log-level", "error", "--config", str(config))
    with visitors(served.port) as found:
        for _ in range(RESTARTS):
            seen = [len(visitor.waits) for visitor in found]
            restart(served)
            # Each was served by the one before and by the one after.
            while any(len(visitor.waits) < before + 10 for visitor, before in zip(found, seen, strict=True)):
                time.sleep(0.01)
    print(f"pages: {sum(len(each.waits) for each in found)}, longest wait:", end=" ")
    print(f"{max(max(each.waits) for each in found):.2f} s")
    assert [visitor.troubles for visitor in found] == [[], []]
    assert served.stop() == (0, "")


# A restart that would fail.


BROKEN = {
    "no TOML": ("[server", "is not TOML"),
    "a setting that does not exist": ("[server]\nprot = 1", "[server] prot: is no setting here"),
    "an application that is not there": (
        '[application_interface]\napplications = ["apps.nothing"]',
        "there is no package 'apps.nothing'",
    ),
    "an application that fails": (
        '[application_interface]\napplications = ["novel"]',
        "SyntaxError",
    ),
    "a log that cannot be written": (
        '[log]\ncomponent = "file"\npath = "/proc/nowhere/thywill.log"',
        "[log] path: cannot write /proc/nowhere",
    ),
    "an address of another machine": ('[server]\naddress = "192.0.2.1"', "cannot listen on 192.0.2.1:"),
}


@pytest.mark.gen_test
@pytest.mark.parametrize(("text", "error"), BROKEN.values(), ids=BROKEN)
async def test_a_restart_that_would_fail_is_one_line_and_the_service_goes_on(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, error: str
) -> None:
    (tmp_path / "novel").mkdir()
    (tmp_path / "novel" / "__init__.py").write_text("class Novel(:\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("THYWILL_PUSH_LONGPOLL_HOLD", "240")  # longer than the new program needs to fail
    settings = tmp_path / "settings.toml"
    settings.write_text("")
    served = serve("--config", str(settings))
    async with connected(served.port) as parked:
        told = await ask(parked, "connect", application="echo")
        await park(parked, told)
        settings.write_text(text)
        served.process.send_signal(signal.SIGHUP)
        await until(lambda: served.lines("ERROR"))
        (line,) = served.lines("ERROR")
        assert "not restarted, the service goes on as it was: " in line
        assert error in line
        assert "Traceback" not in served.log.read_text()
        async with connected(served.port) as other:
            await ask(other, "send", token=told["token"], messages=[[1, "still here"]])
        assert [text for _, text in (await parked.answer()).json["messages"]] == ["still here"]
        settings.write_text("")
        served.process.send_signal(signal.SIGHUP)
        await asyncio.to_thread(served.wait)
    assert served.lines("ERROR") == [line]


# What a restart changes.


def test_it_takes_new_settings_and_new_code(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "novel"
    (package / "static").mkdir(parents=True)
    program = "from thywill import Application\nclass Novel(Application):\n    title = {!r}\n"
    (package / "__init__.py").write_text(program.format("The first title"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    served = serve("--applications", "novel")
    assert "The first title" in page(served.port, "/novel/")
    (package / "__init__.py").write_text(program.format("Another"))
    restart(served)
    assert "Another" in page(served.port, "/novel/")
