"""What only the console log or only the file log does."""

from __future__ import annotations

import errno
import io
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gate.environment import ROOT
from tests.support.logs import record, running
from tests.support.rights import forbidden_folder
from thywill.errors import SettingsError
from thywill.log.base import LogSettings
from thywill.log.console import ConsoleLog
from thywill.log.file import FileHandler, FileLog, FileSettings

hub = logging.getLogger("thywill.hub.hub")


# The console.


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "coloured"),
    [
        (Terminal, {"TERM": "xterm"}, True),
        (Terminal, {"TERM": "dumb"}, False),
        (Terminal, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (io.StringIO, {"TERM": "xterm"}, False),
    ],
)
@pytest.mark.gen_test
async def test_only_a_terminal_gets_colours(monkeypatch, tmp_path, stream, environment, coloured):
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", stream())
    async with running(ConsoleLog(LogSettings(), tmp_path)):
        hub.warning("look")
    assert ("\033[33m" in sys.stderr.getvalue()) == coloured


@pytest.mark.gen_test
async def test_a_closed_terminal_disturbs_nobody(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    async with running(ConsoleLog(LogSettings(), tmp_path)):
        sys.stderr.close()
        hub.warning("nobody reads this")


# The file.


def read_all(path: Path) -> list[str]:
    return [
        line for file in sorted(path.parent.glob(path.name + "*")) for line in file.read_text().splitlines()
    ]


@pytest.fixture
def target(tmp_path: Path) -> Iterator[FileHandler]:
    """Return a handler for ``test.log`` that rotates at 1,000 bytes, with a plain format."""
    handler = FileHandler(tmp_path / "test.log", 1000, 3)
    yield handler
    handler.close()


@pytest.mark.gen_test
async def test_a_file_is_rotated_by_its_size(tmp_path):
    async with running(FileLog(FileSettings(max_bytes=2000, backups=3), tmp_path)):
        for number in range(200):
            hub.info("line %d", number)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["thywill.log", "thywill.log.1", "thywill.log.2", "thywill.log.3"]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())
    assert (tmp_path / "thywill.log").read_text().endswith("line 199\n")
    assert "line 0\n" not in "".join(read_all(tmp_path / "thywill.log"))


@pytest.mark.gen_test
async def test_a_file_without_a_limit_is_not_rotated(tmp_path):
    async with running(FileLog(FileSettings(max_bytes=0), tmp_path)):
        for number in range(200):
            hub.info("line %d", number)
    assert [path.name for path in tmp_path.iterdir()] == ["thywill.log"]


@pytest.mark.gen_test
async def test_a_file_is_appended_to(tmp_path):
    (tmp_path / "thywill.log").write_text("before\n")
    async with running(FileLog(FileSettings(), tmp_path)):
        hub.info("after")
    assert len((tmp_path / "thywill.log").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"max_bytes": -1}, "[log] max_bytes is -1, but must be 0 or more"),
        ({"backups": 0}, "[log] backups is 0, but must be 1 or more"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings, line):
    with pytest.raises(SettingsError) as caught:
        FileSettings(**settings)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("taken/thywill.log", "taken: File exists"),
        ("folder", "folder: Is a directory"),
        ("/proc/nothing/thywill.log", "/proc/nothing: No such file or directory"),
    ],
)
@pytest.mark.gen_test
async def test_a_file_that_cannot_be_written_is_refused(tmp_path, path, reason):
    (tmp_path / "taken").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SettingsError) as caught:
        await FileLog(FileSettings(path=path), tmp_path).start()
    where = reason if path.startswith("/") else f"{tmp_path}/{reason}"
    expected = f"[log] path: cannot write {where}; change its rights or name another file"
    assert str(caught.value) == expected


@pytest.mark.gen_test
async def test_a_folder_without_rights_is_refused():
    with forbidden_folder() as folder, pytest.raises(SettingsError) as caught:
        await FileLog(FileSettings(), folder).start()
    assert f"cannot write {folder}/thywill.log: Permission denied" in str(caught.value)


def test_a_full_disk_is_said_once_and_the_gap_is_counted(target, monkeypatch, capsys):
    monkeypatch.setattr(target, "_open", lambda: open("/dev/full", "w"))  # noqa: SIM115, PTH123 - the handler closes it
    target._close_stream()
    for number in range(50):
        target.handle(record(str(number)))
    monkeypatch.undo()
    target.handle(record("again"))
    target.handle(record("and again"))
    assert (
        capsys.readouterr().err == "thywill: the log cannot be written: [Errno 28] No space left on device\n"
    )
    assert Path(target.baseFilename).read_text().splitlines() == [
        "50 log lines are missing here: they could not be written",
        "again",
        "and again",
    ]


def test_a_failed_rotation_goes_on_in_the_old_file(target, monkeypatch, capsys):
    def refuse(source: str, destination: str) -> None:
        raise PermissionError(13, "Permission denied", source)

    monkeypatch.setattr(target, "rotate", refuse)
    for number in range(300):
        target.handle(record(f"line {number}"))
    assert len(Path(target.baseFilename).read_text().splitlines()) == 300
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_disk_that_is_full_at_a_rotation_is_waited_for(target, monkeypatch, capsys):
    def refuse(source: str, destination: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", source)

    with monkeypatch.context() as patch:
        patch.setattr(target, "rotate", refuse)
        for _ in range(2):
            target.handle(record("x" * 1000))
    target.handle(record("again"))
    assert len(capsys.readouterr().err.splitlines()) == 1
    written = Path(target.baseFilename).read_text()
    assert "log lines are missing here" in written
    assert written.endswith("again\n")
    assert target.maxBytes == 1000


@pytest.mark.parametrize("replace", [lambda path: path.rename(f"{path}.old"), lambda path: path.unlink()])
def test_a_log_file_that_was_moved_or_removed_is_created_again(target, replace):
    path = Path(target.baseFilename)
    target.handle(record("old"))
    replace(path)
    target.handle(record("new"))
    assert path.read_text() == "new\n"


def test_a_closed_standard_error_does_not_matter(target, monkeypatch):
    monkeypatch.setattr(target, "_open", lambda: open("/dev/full", "w"))  # noqa: SIM115, PTH123 - the handler closes it
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    sys.stderr.close()
    target._close_stream()
    target.handle(record("lost"))


def test_lines_are_written_when_a_process_ends_without_stop(tmp_path):
    script = (
        "import asyncio, logging, pathlib\n"
        "from thywill.log.file import FileLog, FileSettings\n"
        "async def main():\n"
        f"    await FileLog(FileSettings(), pathlib.Path({str(tmp_path)!r})).start()\n"
        "    for number in range(1000): logging.getLogger('thywill').info('line %d', number)\n"
        "    raise SystemExit(3)\n"
        "asyncio.run(main())\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False, capture_output=True)
    assert (ended.returncode, ended.stderr) == (3, b"")
    assert len((tmp_path / "thywill.log").read_text().splitlines()) == 1000


def test_servers_that_write_one_file_rotate_it_once(tmp_path: Path) -> None:
    path = tmp_path / "thywill.log"
    servers = [FileHandler(path, max_bytes=1000, backups=50) for _ in range(3)]
    texts = [f"{number:04d}{'x' * 46}" for number in range(300)]
    for number, text in enumerate(texts):
        servers[number % 3].emit(record(text))
    for each in servers:
        each.close()
    files = sorted(tmp_path.iterdir(), key=lambda file: int(file.suffix.strip(".log") or 0), reverse=True)
    assert "".join(file.read_text() for file in files).split() == texts
    assert [len(file.read_text().split()) for file in files[:-1]] == [19] * (len(files) - 1)


def test_a_file_that_another_server_has_rotated_is_not_rotated_again(tmp_path: Path) -> None:
    """Two servers find the file full at the same moment; the lock lets one of them rotate it."""
    path = tmp_path / "thywill.log"
    first, second = (FileHandler(path, max_bytes=1000, backups=5) for _ in range(2))
    first.emit(record("before"))
    first.doRollover()
    second.doRollover()
    second.emit(record("after"))
    for each in (first, second):
        each.close()
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["thywill.log", "thywill.log.1"]
    assert (path.read_text(), (tmp_path / "thywill.log.1").read_text()) == ("after\n", "before\n")
