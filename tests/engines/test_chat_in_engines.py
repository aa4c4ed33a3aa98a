"""The chat in every engine, with the server started by its command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines import Engine
from tests.engines.scenario import AUTOMATIC, run
from tests.served import Served

pytestmark = pytest.mark.browser


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    served.kill()


@pytest.mark.parametrize("transport", [AUTOMATIC])
def test_the_chat_works(engine: Engine, server: Served, transport: str) -> None:
    run(engine, server, transport)
