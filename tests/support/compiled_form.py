"""Lets pytest use compiled modules: ``THYWILL_COMPILED=FOLDER pytest -p tests.support.compiled_form``."""

from __future__ import annotations

import os
from pathlib import Path

from tests.gate.environment import ROOT
from thywill.process import compiled

FOLDER = Path(os.environ["THYWILL_COMPILED"])

problem = compiled.use(ROOT / "thywill", FOLDER)
if problem is not None:
    raise RuntimeError(problem)
assert compiled.form() == "compiled", FOLDER
