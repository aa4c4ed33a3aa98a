"""The service: its messages to systemd, its unit, and settings from the environment."""

from __future__ import annotations

import re
import resource
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import require
from tests.gate.environment import ROOT
from tests.support.served import COMMAND, Served
from thywill.config import SECTIONS, ServerSettings
from thywill.process import descriptors, systemd
from thywill.process.systemd import notify

UNIT = (ROOT / "conf" / "thywill.service").read_text(encoding="utf-8")
TEMPLATE = (ROOT / "conf" / "thywill@.service").read_text(encoding="utf-8")


def value(name: str) -> str:
    found = re.search(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    assert found, name
    return found[1]


# The unit.


@pytest.mark.parametrize(("name", "text"), [("thywill.service", UNIT), ("thywill@8081.service", TEMPLATE)])
def test_systemd_takes_the_unit(tmp_path: Path, name: str, text: str) -> None:
    program = require("systemd-analyze", "systemd")
    unit = tmp_path / name
    unit.write_text(text.replace("/srv/thywill/.venv/bin/python", "/bin/true").replace("/srv/thywill", "/"))
    result = subprocess.run(
        [program, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_the_unit_agrees_with_the_settings() -> None:
    settings = ServerSettings()
    assert int(value("LimitNOFILE")) >= descriptors.needed(settings.max_clients)
    assert float(value("TimeoutStopSec")) > settings.stop_timeout
    _, script, option, _ = value("ExecStart").split()
    assert (Path(script).name, option) == ("run.py", "--config")
    for name in re.findall(r"THYWILL_([A-Z_]+)=", UNIT):
        assert name.lower().startswith(SECTIONS)


def test_the_template_differs_in_the_port_alone() -> None:
    ours = {line for line in TEMPLATE.splitlines() if line and not line.startswith("#")}
    plain = {line for line in UNIT.splitlines() if line and not line.startswith("#")}
    command = f"ExecStart={value('ExecStart')}"
    described = f"Description={value('Description')}"
    assert plain - ours == {command, described}
    assert ours - plain == {f"{command} --port %i", described.replace("thywill", "thywill at port %i", 1)}


# What systemd is told.


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket of a service manager."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(120)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield sock


def test_it_says_when_it_is_ready_and_when_it_stops(manager: socket.socket, tmp_path: Path) -> None:
    served = Served(tmp_path)
    assert manager.recv(1000) == f"READY=1\nSTATUS=serves on {served.address}".encode()
    served.process.send_signal(signal.SIGHUP)
    assert manager.recv(1000).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    assert manager.recv(1000).startswith(b"READY=1\n")
    served.wait()
    assert served.stop()[0] == 0
    assert manager.recv(1000) == b"STOPPING=1"


def test_a_manager_that_does_not_read_stops_nobody(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd, "TIMEOUT", 0.01)
    sent = 0
    while notify("READY=1"):
        sent += 1
    assert manager.recv(100) == b"READY=1"
    assert sent > 1


def test_a_name_without_a_file() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("")  # the kernel chooses one
        name = sock.getsockname().decode().replace("\0", "@")
        assert notify("READY=1", environment={"NOTIFY_SOCKET": name})
        assert sock.recv(100) == b"READY=1"


@pytest.mark.parametrize("place", ["", "/nowhere/notify"])
def test_nobody_listens(place: str) -> None:
    assert not notify("READY=1", environment={"NOTIFY_SOCKET": place})


# File descriptors.


def test_too_few_descriptors_are_said_with_the_number_that_is_needed(tmp_path: Path) -> None:
    assert descriptors.shortage(1000, allowed=1150) is None
    assert "max_clients = 1000 needs 1150 file descriptors, but only 1149 are allowed" in str(
        descriptors.shortage(1000, allowed=1149)
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = descriptors.needed(100_000) - 1
    if hard != resource.RLIM_INFINITY:
        few = min(few, hard)
    command = [
        "bash",
        "-c",
        f'ulimit -n {few} && exec "$@"',
        "bash",
        *COMMAND,
        "check",
        "--data",
        str(tmp_path),
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert f"needs 105100 file descriptors, but only {few} are allowed" in result.stdout
    assert "raise LimitNOFILE in the service unit" in result.stdout
    assert soft <= hard or hard == resource.RLIM_INFINITY


# The environment.


def refused(*options: str) -> str:
    result = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=120, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_settings_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THYWILL_APPLICATION_INTERFACE_APPLICATIONS", "apps.echo")
    monkeypatch.setenv("THYWILL_LOG_COMPONENT", "file")
    monkeypatch.setenv("THYWILL_LOG_PATH", str(tmp_path / "elsewhere.log"))
    secret = tmp_path / "url"
    secret.write_text("sqlite:///from_a_file.db\n")
    monkeypatch.setenv("THYWILL_DATABASE_URL_FILE", str(secret))
    served = Served(tmp_path)
    assert served.stop() == (0, "")
    assert (tmp_path / "elsewhere.log").exists()
    assert (tmp_path / "from_a_file.db").exists()


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("THYWILL_SERVER_PORT", "99999", "THYWILL_SERVER_PORT: [server] port: expected 'int' <= 65535"),
        ("THYWILL_SERVER_PROT", "80", "THYWILL_SERVER_PROT: is no setting; did you mean THYWILL_SERVER_PO"),
        ("THYWILL_DATABASE_URL", "oracle://x", "THYWILL_DATABASE_URL: [database] url: "),
        ("THYWILL_PUSH_LONGPOLL_HOLD", "soon", "THYWILL_PUSH_LONGPOLL_HOLD: [push.longpoll] hold: expected"),
        ("THYWILL_DATABASE_URL_FILE", "/nowhere/url", "THYWILL_DATABASE_URL_FILE: /nowhere/url cannot be "),
        ("THYWILL_LOG_LEVEL", "loud", "THYWILL_LOG_LEVEL: [log] level = 'loud'"),
    ],
)  # fmt: skip
def test_a_mistake_is_blamed_on_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, error: str
) -> None:
    monkeypatch.setenv(name, text)
    assert refused("--data", str(tmp_path)).startswith(error)


def test_a_mistake_is_blamed_on_its_option(tmp_path: Path) -> None:
    assert refused("--port", "99999").startswith("--port: [server] port: expected 'int' <= 65535")
    assert refused("--database", "oracle://x", "--data", str(tmp_path)).startswith(
        "--database: [database] url: "
    )


def test_a_mistake_is_blamed_on_its_file(tmp_path: Path) -> None:
    config = tmp_path / "thywill.toml"
    config.write_text('[log]\nlevel = "loud"\n')
    options = ("--config", str(config), "--data", str(tmp_path))
    assert refused(*options).startswith(f"{config}: [log] level = 'loud'")
