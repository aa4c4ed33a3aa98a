"""A page of another origin in every engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.engines.base import Engine
from tests.browser.engines.foreign_site import FORCED, ForeignSite, run
from tests.browser.engines.scenario import AUTOMATIC, Times, steadily
from tests.support.threaded_server import ThreadedServer

# The first use of an engine may install it.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.mark.parametrize("transport", [AUTOMATIC, *FORCED])
def test_a_page_of_another_origin_talks(
    launch_engine: Callable[[], Engine],
    tmp_path: Path,
    transport: str,
    record_property: Callable[[str, object], None],
) -> None:
    engine = launch_engine()
    record_property("engine", engine.name)
    record_property("transport", f"{transport}, other origin")
    reason = engine.no_chat or engine.cannot.get(transport) or engine.cannot_elsewhere.get(transport)
    if reason:
        pytest.skip(reason)

    def trial(engine: Engine) -> Times:
        with ForeignSite() as site:
            origins = {"client_interface.origins": [site.origin]}
            with ThreadedServer(tmp_path, origins) as server:
                return run(engine, server, site, transport)

    times = steadily(launch_engine, trial)
    record_property("connected", times.connected)
    record_property("message", times.message)
