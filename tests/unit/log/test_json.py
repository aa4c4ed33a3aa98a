"""Log lines as JSON."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Start
from tests.support.hub_fakes import World
from tests.support.logs import running
from tests.support.serving import until
from thywill.client import Client
from thywill.config import Settings
from thywill.errors import SettingsError
from thywill.log.base import LogSettings
from thywill.log.console import ConsoleLog
from thywill.log.file import FileLog, FileSettings

pytestmark = pytest.mark.gen_test

hub = logging.getLogger("thywill.hub.hub")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def lines(text: str) -> list[dict[str, Any]]:
    """Return the objects in ``text``, without their times."""
    found = [json.loads(line) for line in text.splitlines()]
    assert all(TIME.fullmatch(each.pop("time")) for each in found)
    return found


def rotated(folder: Path) -> list[Path]:
    """Return the log's files."""
    return sorted(folder.glob("thywill.log*"))


async def written(folder: Path, *arguments: Any, **options: Any) -> list[dict[str, Any]]:
    """Return what a file holds after one warning."""
    async with running(FileLog(FileSettings(format="json"), folder)):
        hub.warning(*arguments, **options)
    return lines((folder / "thywill.log").read_text(encoding="utf-8"))


async def test_a_line_is_an_object(tmp_path: Path) -> None:
    assert await written(tmp_path, "%d messages", 3) == [
        {"level": "warning", "logger": "thywill.hub.hub", "message": "3 messages"}
    ]


async def test_the_console_writes_it_without_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", stream)
    async with running(ConsoleLog(LogSettings(format="json"), tmp_path)):
        hub.warning("look")
    assert lines(stream.getvalue())[0]["message"] == "look"


async def test_text_from_browsers_stays_in_its_line(tmp_path: Path) -> None:
    text = 'a "quote"\n{"forged": 1}\x1b[31m\u2028\u202e'
    [line] = await written(tmp_path, "%s", text)
    assert line["message"] == text
    assert (tmp_path / "thywill.log").read_bytes().isascii()


async def test_the_client_has_a_field(tmp_path: Path) -> None:
    world = World()
    live = world.create()
    [line] = await written(tmp_path, "%s connects to %s", live, "chat")
    assert (line["client"], line["message"]) == (live.id, f"{live.id} connects to chat")


async def test_an_applications_handle_is_a_client_too(tmp_path: Path) -> None:
    world = World()
    handle = Client(world.create(), world.actions, 1000)
    [line] = await written(tmp_path, "%s has won", handle)
    assert line["client"] == handle.id


async def test_a_line_may_name_its_client_aside(tmp_path: Path) -> None:
    [line] = await written(tmp_path, "a frame refused", extra={"client": "c1"})
    assert line["client"] == "c1"


async def test_a_traceback_has_a_field(tmp_path: Path) -> None:
    [line] = await written(tmp_path, "it failed", exc_info=RuntimeError("broken"))
    assert line["trace"] == "RuntimeError: broken"


async def test_rotated_files_hold_whole_lines(tmp_path: Path) -> None:
    async with running(FileLog(FileSettings(format="json", max_bytes=1000, backups=3), tmp_path)):
        for number in range(40):
            hub.info("line %d", number)
    files = rotated(tmp_path)
    assert len(files) == 4
    assert all(file.stat().st_size <= 1000 for file in files)
    numbers = [int(line["message"].split()[1]) for file in files for line in lines(file.read_text())]
    assert sorted(numbers) == list(range(40 - len(numbers), 40))


async def test_a_format_that_is_none_is_refused() -> None:
    settings = Settings({"log": {"format": "xml"}}, "settings")
    with pytest.raises(SettingsError, match=r"\[log\] format"):
        settings.section("log", FileSettings)


async def broken(*_: Any) -> None:
    raise RuntimeError("broken")


async def unsendable(client: Client, _data: Any) -> None:
    await client.send(object())


async def test_a_hook_that_fails_names_its_client(start: Start, tmp_path: Path) -> None:
    running = await start(log={"component": "file", "format": "json", "level": "error"})
    client = await running.connect()
    running.probe.do_odd = unsendable  # type: ignore[attr-defined]
    await client.send({"raise": "no"}, {"odd": 1})
    await until(lambda: len(running.probe.messages) == 2)
    running.probe.on_disconnect = broken  # type: ignore[method-assign]
    await running.ask("leave", {"token": client.token})
    log = tmp_path / "thywill.log"
    await until(lambda: log.read_text().count("\n") == 3)
    found = lines(log.read_text())
    assert [line["client"] for line in found] == [client.id] * 3
    assert [line["message"].partition(": ")[0] for line in found] == [
        f"the hook probe.on_message failed on message 1 of {client.id}",
        f"probe.on_message for {client.id}",
        f"the hook probe.on_disconnect failed ({client.id})",
    ]
    assert all("Traceback" in line["trace"] for line in found)


async def test_a_server_logs_clients_and_no_token_or_message(start: Start, tmp_path: Path) -> None:
    running = await start(log={"component": "file", "format": "json", "level": "info"})
    client = await running.connect()
    await client.send({"echo": "a secret of two"})
    await client.receive()
    await running.ask("poll", {"token": "forged", "cursor": 0})
    await running.ask("leave", {"token": client.token})
    log = tmp_path / "thywill.log"
    await until(lambda: "is gone" in log.read_text())
    about = [line["message"] for line in lines(log.read_text()) if line.get("client") == client.id]
    assert [text.split()[1] for text in about] == ["connects", "of"]
    assert client.token not in log.read_text()
    assert "a secret of two" not in log.read_text()
