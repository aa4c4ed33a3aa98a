"""``run.py`` as its user sees it: one line when it works, one line when it does not."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.gate.environment import ROOT
from tests.support.served import COMMAND, Served
from thywill.commands.options import COMMANDS


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    # On a busy machine a hook may seem slow.
    served = Served(tmp_path, environment={"THYWILL_APPLICATION_INTERFACE_SLOW_HOOK": "0"})
    yield served
    served.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_and_ends_cleanly(server: Served, number: signal.Signals) -> None:
    with urlopen(server.address) as response:
        page = response.read().decode()
    assert 'href="echo/"' in page
    assert 'href="chat/"' in page
    assert server.stop(number) == (0, "")
    *others, last = server.log.read_text().splitlines()
    # The front page has a client of its own, for its figures.
    assert "stopping: asking 1 client to come back later" in last
    # Before it the database's schema is new, and the machine may be a small one.
    assert [line for line in others if "applied migration" not in line] == []


def test_nobody_else_can_read_its_files(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Served(tmp_path, "--data", str(data), "--log", "file", "--queue", "database") as server:
        with urlopen(f"{server.address}chat/"):
            pass
        found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (data, *data.iterdir())}
    assert {"data", "secret", "thywill.db", "thywill.log"} <= set(found)
    assert [name for name, mode in found.items() if mode & 0o077] == []


def finish(*options: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options], capture_output=True, text=True, timeout=120, check=False, cwd=folder
    )


def test_help_names_the_options() -> None:
    text = finish("--help").stdout
    for option in ("--config", "--port", "--address", "--http", "--data", "--applications", "--log-level"):
        assert option in text


def test_help_names_the_commands() -> None:
    text = finish("--help").stdout
    for command in ("serve", "check", "doctor", "clients", "migrate"):
        assert f"run.py {command}" in text
        told = finish(command, "--help")
        assert (told.returncode, told.stderr) == (0, "")
        assert ("--json" in told.stdout) == (command != "serve")


@pytest.mark.parametrize(
    "options", [["chek"], ["--prot", "1"], ["check", "--prot", "1"], ["doctor"], ["clients", "--limit", "x"]]
)
def test_a_wrong_option_or_setting_ends_with_2(options: list[str]) -> None:
    result = finish(*options)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("run.py")
    assert "--help lists the options" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_misspelt_option_is_told_which_one_is_meant() -> None:
    assert "--prot 1; did you mean --port? (run.py --help" in finish("--prot", "1").stderr


def test_the_error_of_an_unknown_command_names_the_others() -> None:
    error = finish("chek").stderr.splitlines()[-1]
    assert error == (
        f"run.py: error: there is no command 'chek'; did you mean check? Commands are: "
        f"{', '.join(COMMANDS)} (run.py --help lists the options)"
    )


def test_an_application_of_the_current_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "hello").mkdir()
    (tmp_path / "hello" / "__init__.py").write_text(
        "from thywill import Application\nclass Hello(Application):\n    title = 'Hello'\n"
    )
    with Served(tmp_path, "--applications", "hello") as server, urlopen(server.address) as response:
        assert 'href="hello/"' in response.read().decode()


def test_two_applications_of_one_name_are_named_by_their_packages(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name / "m1"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(
            "from thywill import Application\nclass M(Application):\n    pass\n"
        )
    result = finish("--applications", "one.m1,two.m1", "--data", str(tmp_path / "data"), folder=tmp_path)
    assert result.returncode == 2
    assert "two have the name 'm1', one.m1 and two.m1: rename one of the packages\n" in result.stderr


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = finish("--port", str(port), "--data", str(tmp_path))
    assert result.returncode == 2
    assert result.stderr == (
        f"127.0.0.1:{port} is in use: stop what listens there, or choose another with --port\n"
    )


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--config", "nowhere.toml"], "nowhere.toml: there is no such settings file"),
        (["--http", "slow"], "--http: [server] http: invalid enum value 'slow'; use one of fast, tornado"),
        (["--queue", "databse"], "--queue: [queue] component: 'databse' is no component; choose memory, "),
        (["--applications", "apps.nothing"], "there is no package 'apps.nothing'\n"),
        (["--applications", "chat"], "there is no package 'chat'; did you mean apps.chat?\n"),
        (["--applications", "apps.ecko"], "there is no package 'apps.ecko'; did you mean apps.echo?\n"),
        (["--address", "192.0.2.1"], "cannot listen on 192.0.2.1:"),
        (
            ["--data", "/proc/nowhere"],
            "--data: [server] data: the folder /proc/nowhere cannot be created: No such file or directory;"
            " let the user of the service write there (chown), or name another folder with --data",
        ),
        (["--database", "oracle://x"], "[database] url"),
        (
            ["--database", "sqlite:////nowhere-of-the-tests/x.db"],
            "--database: [database] url: there is no folder /nowhere-of-the-tests: create it, or name another"
            " file\n",
        ),
    ],
)
def test_mistakes_at_the_prompt_are_one_line(tmp_path: Path, options: list[str], error: str) -> None:
    result = finish("--port", "0", *([] if "--data" in options else ["--data", str(tmp_path)]), *options)
    assert result.returncode == 2
    assert result.stdout == ""
    assert error in result.stderr
    assert result.stderr.count("\n") == 1
    assert not Path("/nowhere-of-the-tests").exists()


def test_without_the_requirements_it_says_how_to_install_them(tmp_path: Path) -> None:
    error = without_the_requirements(tmp_path)
    assert "is not installed. Install the packages with: " in error
    assert "-m pip install -r " in error


def test_where_the_readme_was_followed_it_names_the_python_that_has_them(tmp_path: Path) -> None:
    venv.create(tmp_path / ".venv", with_pip=False, symlinks=True)
    assert f"packages: {tmp_path / '.venv' / 'bin' / 'python'} run.py" in without_the_requirements(tmp_path)


def without_the_requirements(folder: Path) -> str:
    """Run thywill by a Python that has none of its packages; return the one line that it says."""
    venv.create(folder / "bare", with_pip=False, symlinks=True)
    shutil.copy(ROOT / "run.py", folder)
    (folder / "thywill").symlink_to(ROOT / "thywill")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [folder / "bare" / "bin" / "python", folder / "run.py"]
    result = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    return result.stderr
