"""The engines as fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.engines import REQUIRED, Engine

pytest.register_assert_rewrite("tests.engines.scenario")


@pytest.fixture(scope="session", params=REQUIRED, ids=lambda kind: kind.name)
def launch_engine(request: pytest.FixtureRequest) -> Iterator[Callable[[], Engine]]:
    """A function that starts an engine at its first use, and again should it have crashed; each engine in turn."""
    started: list[Engine] = []

    def launch() -> Engine:
        if not started or not started[-1].running:
            started.append(request.param())
        return started[-1]

    yield launch
    for engine in started:
        engine.close()


@pytest.fixture
def engine(launch_engine: Callable[[], Engine]) -> Engine:
    """Each engine in turn, running."""
    return launch_engine()
