"""Fixtures that several test files share."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import signal
from collections.abc import Awaitable, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.ioloop import IOLoop

from tests.browser.drivers import Browser, Chromium, DriverError, Firefox
from tests.gate.environment import ROOT
from tests.gate.failures import Failures
from tests.gate.selection import Chosen
from tests.support.databases import KINDS, DatabaseServer, Servers, running_servers
from tests.support.redis_servers import Redises, running_redises
from tests.support.serving import Running, sections, stopping_at_once
from thywill.log.base import levels

Launch = Callable[[type[Browser]], Browser]
Start = Callable[..., Awaitable[Running]]


def pytest_sessionstart() -> None:
    """Treat SIGTERM like Ctrl-C, so that fixtures end the programs that they have started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        # Under nohup SIGHUP is ignored, and the tested servers would inherit that. They inherit no handler.
        signal.signal(signal.SIGHUP, lambda *_: None)


HANGS = 480
"""Seconds for one test and its fixtures, in which the time-out of pytest.ini has ended it long ago."""

CHOSEN = pytest.StashKey[Chosen]()
LONG = ("/engines/", "tests/browser/", "tests/deployed/", "tests/tools/", "tests/contracts/", "tests/served/")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[CHOSEN] = Chosen(config.option.keyword, ROOT)
    config.pluginmanager.register(Failures(config))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip test files in which no test can match ``-k``, without importing them."""
    return None if config.stash[CHOSEN].reads(collection_path) else True


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files: at the end of a run no process waits for another that has just begun one."""
    items.sort(key=lambda item: next((n for n, part in enumerate(LONG) if part in item.nodeid), len(LONG)))


def pytest_report_collectionfinish(config: pytest.Config) -> str | list[str]:
    return config.stash[CHOSEN].report()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """End the process of a test that goes on after its time-out, and print where it hangs.

    The time-out raises an exception in the test, and what the test cleans up then may hang in its turn.
    """
    faulthandler.dump_traceback_later(HANGS, exit=True)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Replace invalid characters in a test's output: parallel test processes can exchange only UTF-8."""
    report = yield
    report.sections = [(name, text.encode(errors="replace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(autouse=True)
def _levels_of_loggers() -> Iterator[None]:
    """Undo after each test what servers and commands in its process did to the levels of loggers."""
    before = {name: logging.getLogger(name).level for name in levels(logging.INFO)}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def io_loop() -> Iterator[IOLoop]:
    """A new event loop for each test that asks for one or is marked ``gen_test``.

    It replaces the fixture of pytest-tornado, which makes asyncio create a default loop that nobody closes.
    """
    loop = IOLoop(make_current=False)
    asyncio.set_event_loop(loop.asyncio_loop)
    yield loop
    cancel_tasks(loop.asyncio_loop)
    asyncio.set_event_loop(None)
    loop.close(all_fds=True)


def cancel_tasks(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.wait(tasks) if tasks else asyncio.sleep(0))


@pytest.fixture(scope="session")
def launched() -> Iterator[Launch]:
    """A function that returns a running browser; it starts one at the first use and after a crash."""
    browsers: dict[type[Browser], Browser] = {}
    with contextlib.ExitStack() as closing:

        def launch(kind: type[Browser]) -> Browser:
            if kind not in browsers or not browsers[kind].running:
                browsers[kind] = kind()
                closing.callback(browsers[kind].close)
            return browsers[kind]

        yield launch


def fresh(browser: Browser) -> Iterator[Browser]:
    yield browser
    try:
        browser.reset()
    except DriverError:
        browser.close()  # The browser hangs or has crashed. The next test starts a new one.


@pytest.fixture
def chromium(launched: Launch) -> Iterator[Browser]:
    """Headless Chromium without a page or a cookie."""
    yield from fresh(launched(Chromium))


@pytest.fixture
def firefox(launched: Launch) -> Iterator[Browser]:
    """Headless Firefox without a page or a cookie."""
    yield from fresh(launched(Firefox))


@pytest.fixture(params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest) -> Browser:
    """Each of the two browsers in turn."""
    chosen: Browser = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Real database servers, each started at its first use."""
    yield from running_servers()


@pytest.fixture(scope="session")
def redises() -> Iterator[Redises]:
    """Real Redis and Valkey servers, each started at its first use."""
    yield from running_redises()


@pytest.fixture(params=KINDS)
def database_server(request: pytest.FixtureRequest, servers: Servers) -> Iterator[DatabaseServer]:
    """Each kind of database server in turn, which the test may stop, kill or freeze."""
    yield servers.get(request.param)
    servers.mend(request.param)


@pytest.fixture(params=["fast", "tornado"])
def http(request: pytest.FixtureRequest) -> str:
    """The name of each HTTP server in turn."""
    return str(request.param)


@pytest.fixture
def start(io_loop: IOLoop, tmp_path: Path) -> Iterator[Start]:
    """A function that starts a server with the probe application; arguments change settings by section."""
    started: list[Running] = []

    async def start_one(**changes: dict[str, Any]) -> Running:
        started.append(Running(sections(tmp_path, **changes)))
        await started[-1].service.start()
        return started[-1]

    yield start_one
    with stopping_at_once():
        for running in started:
            io_loop.run_sync(running.stop)


@pytest.fixture
def running(io_loop: IOLoop, start: Start, http: str) -> Running:
    """A server with the probe application, on each HTTP server in turn."""
    running: Running = io_loop.run_sync(lambda: start(server={"http": http}))
    return running
