"""The instructions of ``conf/Dockerfile``."""

from __future__ import annotations

import re
from typing import NamedTuple

from tests.gate.environment import ROOT

DOCKERFILE = (ROOT / "conf" / "Dockerfile").read_text(encoding="utf-8")


class Instruction(NamedTuple):
    """One instruction of the Dockerfile, its lines joined."""

    name: str
    rest: str


def instructions() -> list[Instruction]:
    """Return all instructions, in order."""
    text = "\n".join(line for line in DOCKERFILE.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", text).splitlines()
    return [Instruction(*line.split(" ", 1)) for line in joined if line.strip()]


def all_of(name: str) -> list[str]:
    """Return what follows each instruction called ``name``."""
    return [each.rest for each in instructions() if each.name == name]
