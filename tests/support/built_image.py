"""Builds ``conf/Dockerfile`` without docker: in the place of its base image is this machine's own system.

Each stage is an overlay over the root of this machine: everything can be read, and what a stage writes is in
a folder of the test. Every instruction is executed as it stands, ``RUN`` by a shell that sees the stage as
its root. It needs root, and Debian's Python, which takes the place of the image's.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.gate.environment import ROOT, VENV, alone_in, require, run_or_explain
from tests.support.dockerfile import instructions

BASE_PYTHON = "/usr/bin/python3"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WHEELS = VENV / "wheels"
PACKAGES = ("-r", str(ROOT / "requirements.txt"), "redis[hiredis]", "setuptools", "wheel")


KEPT_OUT = shutil.ignore_patterns("__pycache__", "compiled")
"""What ``conf/Dockerfile.dockerignore`` keeps out of the folders that it sends."""


@cache
def can_build() -> bool:
    """Return whether this user may mount an overlay in a namespace of its own."""
    if os.geteuid() or not Path(BASE_PYTHON).exists() or shutil.which("unshare") is None:
        return False
    script = "d=$(mktemp -d) && mkdir $d/u $d/w $d/m && mount -t overlay overlay -o "
    script += "lowerdir=/,upperdir=$d/u,workdir=$d/w $d/m; s=$?; umount $d/m; rm -r $d; exit $s"
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], check=False, capture_output=True)
    return done.returncode == 0


def prepare_wheels() -> Path:
    """Download the packages that the Dockerfile installs, unless they are there; return their folder."""
    stamp, wanted = WHEELS / "downloaded", (ROOT / "requirements.txt").read_text()
    with alone_in(WHEELS):
        if not stamp.exists() or stamp.read_text() != wanted:
            command = [BASE_PYTHON, "-m", "pip", "download", "-q", "-d", str(WHEELS), *PACKAGES]
            run_or_explain(command, "pip could not download the packages of the image")
            stamp.write_text(wanted)
    return WHEELS


@dataclass
class Stage:
    """One stage of the image, and then a container of it.

    Args:
        folder: for what it writes.
    """

    folder: Path
    workdir: str = "/"
    user: str = "0:0"
    env: dict[str, str] = field(default_factory=dict)
    entrypoint: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("upper", "work", "root"):
            (self.folder / name).mkdir(parents=True)
        (self.path("/usr/local/bin")).mkdir(parents=True)
        self.path("/usr/local/bin/python").symlink_to(BASE_PYTHON)

    def path(self, inside: str) -> Path:
        """Return where a file is that this stage has written."""
        return self.folder / "upper" / inside.lstrip("/")

    def command(self, words: list[str], env: Mapping[str, str], mounts: str = "") -> list[str]:
        """Return the command that runs ``words`` in this stage, as process 1.

        Args:
            words: what to run there.
            env: further variables of its environment.
            mounts: what to mount after the root, ``proc`` and ``dev``.
        """
        root, layers = self.folder / "root", f"lowerdir=/,upperdir={self.folder}/upper"
        script = f"""set -e
            mount -t overlay overlay -o {layers},workdir={self.folder}/work {root}
            mount -t proc proc {root}/proc
            mount --rbind /dev {root}/dev
            {mounts}
            exec chroot --userspec={self.user} {root} \\
                env -C {self.workdir} -i {_assigned(env)} {shlex.join(words)}
            """
        return [require("unshare", "util-linux"), *UNSHARE, "sh", "-c", script]

    def run(self, command: str, wheels: Path) -> None:
        """Execute a line of the Dockerfile; pip finds the packages in ``wheels``."""
        env = {"PATH": PATH, **self.env, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
        subprocess.run(self.command(["/bin/sh", "-c", command], env), check=True)

    def copy(self, source: Path, target: str) -> None:
        """Copy a file or the contents of a folder; a target with a slash at its end is a folder."""
        goal = self.path(str(Path(self.workdir) / target))
        if source.is_dir():
            ignored = KEPT_OUT if source.is_relative_to(ROOT) else None
            shutil.copytree(source, goal, symlinks=True, dirs_exist_ok=True, ignore=ignored)
            return
        goal = goal / source.name if target.endswith("/") else goal
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, goal)


UNSHARE = ("--mount", "--pid", "--fork", "--kill-child")


def _assigned(env: Mapping[str, str]) -> str:
    return shlex.join(f"{name}={value}" for name, value in env.items())


def build(folder: Path, wheels: Path) -> Stage:
    """Execute all instructions; return the last stage.

    Args:
        folder: for what the stages write.
        wheels: the folder of ``prepare_wheels``.
    """
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    for name, rest in instructions():
        if name == "FROM":
            label = rest.partition(" AS ")[2] or "last"
            stage = stages[label] = Stage(folder / label)
            continue
        assert stage is not None
        if name == "RUN":
            stage.run(rest, wheels)
        elif name == "COPY":
            _copy(stages, stage, rest)
        else:
            _set(stage, name, rest)
    assert stage is not None
    return stage


def _copy(stages: Mapping[str, Stage], stage: Stage, rest: str) -> None:
    words = rest.split()
    origin = stages[words.pop(0).partition("=")[2]] if words[0].startswith("--from=") else None
    for source in words[:-1]:
        stage.copy(origin.path(source) if origin else ROOT / source, words[-1])


def _set(stage: Stage, name: str, rest: str) -> None:
    if name == "ENV":
        stage.env.update(re.findall(r"(\w+)=(\S+)", rest))
    elif name == "WORKDIR":
        stage.workdir = rest
        stage.path(rest).mkdir(parents=True, exist_ok=True)
    elif name == "USER":
        stage.user = rest
    elif name == "ENTRYPOINT":
        stage.entrypoint = json.loads(rest)
    elif name == "HEALTHCHECK":
        stage.health = json.loads(rest.partition("CMD ")[2])
