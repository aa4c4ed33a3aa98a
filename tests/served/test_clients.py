"""``run.py clients`` and ``run.py migrate``, on a database that a server has written."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from tests.support.command import run_here
from thywill.core.client_filter import ClientFilter
from thywill.core.record import ClientRecord
from thywill.database.peewee import PeeweeDatabase, PeeweeSettings

NOW = 1_700_000_000.0


class Saved:
    """A client that has been saved."""

    def __init__(self, record: ClientRecord) -> None:
        self.id = record.id
        self._record = record

    def record(self) -> ClientRecord:
        return self._record


def client(number: int, **values: object) -> ClientRecord:
    usual: dict[str, object] = {
        "id": f"client{number}",
        "session": "s",
        "application": "chat",
        "address": f"192.0.2.{number}",
        "user_agent": "test",
        "transport": "longpoll",
        "created": NOW,
        "seen": NOW + number,
        "state": "connected",
    }
    return ClientRecord(**{**usual, **values})  # type: ignore[arg-type]


async def write(folder: Path, *records: ClientRecord) -> None:
    database = PeeweeDatabase(PeeweeSettings(keep=0), folder)
    await database.start()
    for record in records:
        database.save(Saved(record))
    await database.flush()
    await database.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a database of four clients."""
    records = [
        client(1),
        client(2, state="gone", transport="sockjs xhr-streaming"),
        client(3, application="echo"),
        client(4, address="2001:db8::1", transport="\x1b[31mred"),
    ]
    asyncio.run(write(tmp_path, *records))
    return tmp_path


def run(command: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return run_here(command, "--data", str(folder), *options, folder=folder)


def test_the_table(folder: Path) -> None:
    result = run("clients", folder)
    head, *rows, total = result.stdout.splitlines()
    assert (result.returncode, total) == (0, "4 clients")
    assert head.split() == ["id", "application", "state", "address", "transport", "seen"]
    assert [row.split()[0] for row in rows] == ["client4", "client3", "client2", "client1"]
    assert "?[31mred" in rows[0]  # nothing speaks to the terminal


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--application", "echo"], [3]),
        (["--state", "gone"], [2]),
        (["--address", "2001:db8::1"], [4]),
        (["--transport", "longpoll"], [3, 1]),
        (["--transport", "xhr-streaming"], [2]),
        (["--transport", "xhr_streaming"], [2]),
        (["--transport", "sockjs xhr-streaming"], [2]),
        (["--application", "chat", "--state", "connected"], [4, 1]),
        (["--limit", "2"], [4, 3]),
        (["--transport", "longpoll", "--limit", "1"], [3]),
        (["--seen", "60"], []),
        (["--seen", "1e9"], [4, 3, 2, 1]),
    ],
)
def test_filters(folder: Path, options: list[str], ids: list[int]) -> None:
    found = json.loads(run("clients", folder, "--json", *options).stdout)
    assert [each["id"] for each in found] == [f"client{number}" for number in ids]


def test_json_has_all_of_a_record(folder: Path) -> None:
    found = json.loads(run("clients", folder, "--json", "--limit", "1").stdout)
    assert ClientRecord(**found[0]) == client(4, address="2001:db8::1", transport="\x1b[31mred")


def test_an_invalid_limit(folder: Path) -> None:
    result = run("clients", folder, "--limit", "0")
    assert (result.returncode, result.stderr) == (2, "--limit must be at least 1\n")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("chta", "did you mean 'chat'?"),
        ("zzz", "known are: calculations, chat, display, draw, echo, game, tabular, vote"),
    ],
)
def test_an_application_that_does_not_exist(folder: Path, name: str, said: str) -> None:
    result = run("clients", folder, "--application", name)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"--application: there is no application {name!r}; {said}\n"


@pytest.mark.parametrize("name", ["game", "thywill", "echo"])
def test_an_application_without_a_client_exists(folder: Path, name: str) -> None:
    result = run("clients", folder, "--application", name, "--state", "detached")
    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, "0 clients")


def test_records_of_an_application_that_is_served_no_longer(tmp_path: Path) -> None:
    asyncio.run(write(tmp_path, client(1, application="retired")))
    for state, count in (("connected", 1), ("gone", 0)):
        result = run("clients", tmp_path, "--json", "--application", "retired", "--state", state)
        assert (result.returncode, len(json.loads(result.stdout))) == (0, count)


def test_a_state_that_is_none_is_refused_with_the_choices(folder: Path) -> None:
    result = run("clients", folder, "--state", "foo")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "run.py clients: error: argument --state: invalid choice: 'foo' (choose from 'connected', 'detached',"
        " 'gone') (run.py clients --help lists the options)\n"
    )


def test_a_record_of_an_earlier_version_has_the_older_name_of_a_transport() -> None:
    assert ClientFilter(transport="xhr-streaming").fits(client(1, transport="sockjs xhr_streaming"), NOW)


def test_a_file_with_a_blank_in_its_name(tmp_path: Path) -> None:
    url = "sqlite:///a%20b.db"
    assert run("clients", tmp_path, "--database", url).stderr.startswith(
        f"there is no database {tmp_path}/a b.db"
    )
    assert run("migrate", tmp_path, "--database", url).returncode == 0
    assert (tmp_path / "a b.db").exists()
    assert run("clients", tmp_path, "--database", url).stdout.splitlines()[-1] == "0 clients"


@pytest.mark.parametrize("command", ["clients", "migrate"])
def test_a_database_that_does_not_exist(tmp_path: Path, command: str) -> None:
    (tmp_path / "thywill.db").write_text("this is no database, and long enough to be seen as none" * 20)
    result = run(command, tmp_path)
    assert result.returncode == 1
    said = result.stderr if command == "clients" else result.stdout.splitlines()[0]
    assert "is not an SQLite database: name another file" in said
    assert "Traceback" not in result.stderr


def test_migrate(tmp_path: Path) -> None:
    result = run("clients", tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith(f"there is no database {tmp_path}/thywill.db")
    assert not (tmp_path / "thywill.db").exists()
    (tmp_path / "thywill.db").touch()
    result = run("clients", tmp_path)
    assert result.returncode == 1
    assert "the database lacks migrations: apply them with `python run.py migrate`" in result.stderr
    result = run("migrate", tmp_path)
    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, "0 problems, 0 warnings")
    assert "ok       database: applied 0001_clients" in result.stdout
    told = json.loads(run("migrate", tmp_path, "--json").stdout)
    assert told["findings"][0]["text"] == "the schema was up to date"
    assert run("clients", tmp_path).returncode == 0
