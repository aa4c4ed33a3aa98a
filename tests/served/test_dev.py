"""``run.py --dev`` in its terminal: a change of the code restarts it, and a mistake in it does not end it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.command import Command
from tests.support.served import page

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no restart in place")

APPLICATION = """
from thywill import Application
class Odd(Application):
    title = "{title}"
    async def on_start(self): {start}
"""


def test_a_change_is_served_and_a_mistake_leaves_the_server_as_it_was(tmp_path: Path) -> None:
    package = tmp_path / "odd_application" / "__init__.py"
    package.parent.mkdir()

    def write(title: str, start: str = "...") -> None:
        package.write_text(APPLICATION.format(title=title, start=start))

    write("First title")
    with Command(tmp_path, "--dev", "--port", "0", "--applications", "odd_application") as command:
        port = command.serves_on()
        text = page(port, "/odd_application/")
        assert "First title" in text
        assert "/thywill/dev.js" in text
        assert '"transport_in_address":true' in text
        package.write_text("class Odd(")
        command.logs("not restarted, the service goes on as it was: ")
        assert "First title" in page(port, "/odd_application/")
        write("Fails at its start", "raise OSError('no')")
        command.logs("the next change of the code starts it again")
        assert "on_start fails: OSError: no" in command.log.read_text()
        write("Another title")
        port = command.serves_on()
        assert "Another title" in page(port, "/odd_application/")
