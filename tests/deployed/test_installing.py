"""The commands of ``conf/README.md``, from a fresh machine to production, run in a folder of a test."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gate.environment import ROOT
from tests.support.proxied import free_port

README = (ROOT / "conf" / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## From a fresh Debian machine to production")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"```sh\n(.*?)```", SECTION, flags=re.DOTALL)

NOTE = 'echo "$(basename "$0") $*" >> "$NOTES"\n'
STANDING_IN = {
    "sudo": '[ "$1" = -u ] && shift 2\nexec "$@"\n',
    "apt-get": NOTE,
    "adduser": NOTE + 'mkdir -p "$HOME_OF_THYWILL"\n',
    "git": NOTE,
    "python3": NOTE
    + 'mkdir -p "$3/bin"; ln -s "$PYTHON" "$3/bin/python"; ln -s "$(dirname "$0")/pip" "$3/bin/pip"\n',
    "pip": NOTE,
    "systemctl": NOTE,
    "certbot": NOTE,
    "nginx": NOTE,
}
"""What takes the place of programs that change the machine: they write down their calls."""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with what a fresh machine has, and the project in it."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, script in STANDING_IN.items():
        (programs / name).write_text(f"#!/bin/bash\n{script}")
        (programs / name).chmod(0o755)
    for folder in ("etc/nginx", "etc/systemd/system", "srv/thywill"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("run.py", "requirements.txt", "conf", "static", "apps", "thywill"):
        source, target = ROOT / name, tmp_path / "srv" / "thywill" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return tmp_path


def run(block: str, machine: Path) -> subprocess.CompletedProcess[str]:
    """Run commands as they are, but for the places of files."""
    script = re.sub(r"(?<![\w.])/(etc|srv|var/lib)/", rf"{machine}/\1/", block)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("THYWILL_")},
        "PATH": f"{machine / 'programs'}:/usr/bin:/bin",
        "NOTES": str(machine / "notes"),
        "PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if "site-packages" in path),
        "HOME_OF_THYWILL": str(machine / "var/lib/thywill"),
        # What is at 8080 on this machine is none of the test's business.
        "THYWILL_SERVER_PORT": str(free_port()),
    }
    return subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_commands_lead_to_production(machine: Path) -> None:
    install, doctor = BLOCKS[0].split("# The way from a browser to the server.\n")
    result = run(install, machine)
    assert (result.returncode, result.stderr) == (0, "")
    assert "0 problems, " in result.stdout
    for file in ("etc/thywill/thywill.toml", "etc/systemd/system/thywill.service", "etc/nginx/nginx.conf"):
        source = ROOT / "conf" / Path(file).name
        assert (machine / file).read_text() == source.read_text()
    notes = (machine / "notes").read_text()
    for called in (
        "adduser --system --group",
        "systemctl enable --now thywill",
        "certbot certonly",
        "nginx -t",
    ):
        assert called in notes
    assert re.fullmatch(r"\S+/python \S+/run\.py doctor https://chat\.example\.org/\n", doctor)


def test_the_commands_name_files_that_are_there() -> None:
    for name in re.findall(r"/srv/thywill/(conf/\S+|run\.py|requirements\.txt)", "".join(BLOCKS)):
        assert (ROOT / name).is_file(), name


def test_it_is_a_page() -> None:
    assert len(SECTION.splitlines()) <= 60


def test_every_command_is_documented() -> None:
    for command in ("check", "doctor", "clients", "migrate"):
        assert f"`run.py {command}" in README
