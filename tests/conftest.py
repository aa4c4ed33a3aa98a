"""Fixtures that several test files share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from tornado.ioloop import IOLoop

from tests.browsers import Browser, Chromium, Firefox

Launch = Callable[[type[Browser]], Browser]


@pytest.fixture
def io_loop() -> Iterator[IOLoop]:
    """A loop of its own for each test that asks for one or is marked ``gen_test``.

    The fixture of this name in pytest-tornado makes asyncio create a default loop that nobody closes.
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
    """A function that starts a browser at its first use, and again should it have crashed."""
    running: dict[type[Browser], Browser] = {}

    def launch(kind: type[Browser]) -> Browser:
        if kind in running and not running[kind].running:
            running.pop(kind).close()
        if kind not in running:
            running[kind] = kind()
        return running[kind]

    yield launch
    for browser in running.values():
        browser.close()


def fresh(browser: Browser) -> Iterator[Browser]:
    yield browser
    if browser.running:
        browser.reset()


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
