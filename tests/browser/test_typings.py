"""``static/thywill/thywill.d.ts``: TypeScript accepts what pages do, and finds their mistakes."""

from __future__ import annotations

import subprocess

from tests.browser.drivers.programs import provide, require
from tests.gate.environment import NODE_TOOLS, ROOT, prepare_node

FOLDER = NODE_TOOLS / "typescript"
PACKAGES = ("typescript@5.9.3",)
OPTIONS = ("--noEmit", "--strict", "--target", "es2017", "--lib", "es2017,dom")


def test_typescript_understands_the_client() -> None:
    node = require("node", "nodejs")
    provide(lambda: prepare_node(FOLDER, PACKAGES))
    compiler = FOLDER / "node_modules" / "typescript" / "bin" / "tsc"
    files = [ROOT / "static" / "thywill" / "thywill.d.ts", ROOT / "tests" / "browser" / "typings" / "use.ts"]
    command = [node, str(compiler), *OPTIONS, *map(str, files)]
    process = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (process.returncode, process.stdout) == (0, "")
