"""``run.py --dev``: changes of files are seen, and pages are told what the log says."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.serving import until
from thywill.component import Configuration
from thywill.development import component, files
from thywill.development.component import Development
from thywill.development.files import WatchedFiles
from thywill.development.notices import Notices
from thywill.errors import NotLocal
from thywill.http.message import Reply
from thywill.http.request import Request

log = logging.getLogger("tests.development")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "static").mkdir()
    (tmp_path / "__init__.py").write_text("a = 1")
    (tmp_path / "static" / "page.js").write_text("1")
    return tmp_path


def touch(path: Path, text: str) -> None:
    """Write ``path`` with a time of its own, however coarse the clock of the disk is."""
    path.write_text(text)
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))


def test_code_and_pages_are_told_apart(folder: Path) -> None:
    watched = WatchedFiles([folder])
    before = watched.stamp()
    assert watched.stamp() == before
    touch(folder / "static" / "page.js", "22")
    after = watched.stamp()
    assert (after.code == before.code, after.pages == before.pages) == (True, False)
    touch(folder / "other.py", "b = 1")
    assert watched.stamp().code != before.code
    assert watched.stamp().pages == after.pages


def test_compiled_and_hidden_files_do_not_count(folder: Path) -> None:
    watched = WatchedFiles([folder, folder / "missing"])
    before = watched.stamp()
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.py").write_text("")
    (folder / ".new.py").write_text("")
    assert watched.stamp() == before


def record(level: int, text: str) -> logging.LogRecord:
    return logging.LogRecord("x", level, "x.py", 1, text, (), None)


def test_a_page_gets_each_notice_once_and_a_new_page_the_latest() -> None:
    now = [100.0]
    notices = Notices(lambda: now[0])
    notices.handle(record(logging.WARNING, "one"))
    now[0] += 10
    notices.handle(record(logging.ERROR, "two"))
    assert [(notice.level, notice.text) for notice in notices.after(0)] == [
        ("WARNING", "one"),
        ("ERROR", "two"),
    ]
    assert [notice.text for notice in notices.after(1)] == ["two"]
    assert [notice.text for notice in notices.after(None)] == ["two"]
    assert notices.after(notices.count) == []


class FakeReply(Reply):
    def send(self, status: int, body: bytes, head: bytes = b"") -> None:
        self.status, self.body = status, body


def ask(development: Development, path: str, peer: str = "127.0.0.1") -> Any:
    reply = FakeReply()
    target = path.encode()
    request = Request()
    request.method, request.target, request.path = b"GET", target, target.partition(b"?")[0]
    request.host, request.peer = b"localhost:8080", peer
    development.endpoints()[request.path](request, reply)
    return reply.body


@pytest.mark.gen_test
async def test_pages_are_told_of_changes_and_warnings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(component, "CHECK_EVERY", 0.005)
    changes: list[int] = []
    development = Development(lambda: changes.append(1))
    development.watch([folder])
    await development.start()
    first = json.loads(ask(development, "/thywill/dev"))
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        log.exception("the hook failed")
    second = json.loads(ask(development, f"/thywill/dev?after={first['after']}"))
    (notice,) = second["notices"]
    assert notice["text"].startswith("the hook failed\nTraceback")
    assert "ZeroDivisionError" in notice["text"]

    def version() -> str:
        return str(json.loads(ask(development, "/thywill/dev?after=9"))["version"])

    touch(folder / "static" / "page.js", "2")
    await until(lambda: version() != first["version"])
    assert changes == []
    touch(folder / "__init__.py", "a = 22")
    await until(lambda: changes)
    await development.stop()
    assert changes == [1]


@pytest.mark.gen_test
async def test_a_change_right_after_the_start_is_seen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(component, "CHECK_EVERY", 0.005)
    changes: list[int] = []
    development = Development(lambda: changes.append(1))
    development.watch([folder])
    touch(folder / "__init__.py", "a = 22")  # the code is loaded, and a slow start follows
    await development.start()
    await until(lambda: changes)
    await development.stop()


def test_only_browsers_on_this_machine_are_answered() -> None:
    development = Development(lambda: None)
    for path in ("/thywill/dev", "/thywill/dev.js"):
        with pytest.raises(NotLocal):
            ask(development, path, peer="192.0.2.1")
    assert b"XMLHttpRequest" in ask(development, "/thywill/dev.js")


def test_each_page_loads_the_script() -> None:
    configuration = Configuration({})
    Development(lambda: None).bootstrap(None, configuration)
    assert configuration.scripts == ["/thywill/dev.js"]


def test_the_wait_for_a_change_ends_when_the_file_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    def write(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) < 3:
            touch(folder / "__init__.py", "x" * len(looks))

    monkeypatch.setattr(files.time, "sleep", write)
    watched = WatchedFiles([folder])
    watched.wait(watched.stamp())
    assert len(looks) == 3
