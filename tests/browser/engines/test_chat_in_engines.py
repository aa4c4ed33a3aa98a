"""The chat in every engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.engines.base import Engine
from tests.browser.engines.scenario import CHOICES, Times, run, steadily
from tests.support.threaded_server import ThreadedServer

# The first use of an engine may install it.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.mark.parametrize("transport", CHOICES)
def test_the_chat_works(
    launch_engine: Callable[[], Engine],
    tmp_path: Path,
    transport: str,
    record_property: Callable[[str, object], None],
) -> None:
    engine = launch_engine()
    record_property("engine", engine.name)
    record_property("transport", transport)
    reason = engine.no_chat or engine.cannot.get(transport)
    if reason:
        pytest.skip(reason)

    def trial(engine: Engine) -> Times:
        with ThreadedServer(tmp_path, {"client_interface.transport_in_address": True}) as server:
            return run(engine, server, transport)

    times = steadily(launch_engine, trial)
    record_property("connected", times.connected)
    record_property("message", times.message)
