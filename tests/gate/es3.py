"""The ES3 gate: jshint and eslint together reject what a browser of 2001 cannot read.

One alone is not enough: jshint accepts names that no old browser has; eslint's parser accepts reserved words
as property names and trailing commas. ``python3 -m tests.gate.es3`` runs it alone.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.gate.entry import enter
from tests.gate.environment import NODE_TOOLS, ROOT, prepare_node

CONFIGURATION = Path(__file__).resolve().parent
FOLDERS = ("static/thywill", "apps/*/static", "thywill/monitoring/status/static")


def scripts(root: Path) -> list[str]:
    """Return the scripts that browsers load, as paths relative to ``root``."""
    found = {path for folder in FOLDERS for path in root.glob(f"{folder}/**/*.js")}
    return sorted(str(path.relative_to(root)) for path in found)


def problems(root: Path) -> list[str]:
    """Return what is wrong with the scripts below ``root``, a line ``file:line:column: reason`` each."""
    files = scripts(root)
    if not files:
        return [f"no scripts found in {' or '.join(FOLDERS)}"]
    return jshint(root, files) + eslint(root, files)


def jshint(root: Path, files: list[str]) -> list[str]:
    configuration = ["--config", str(CONFIGURATION / "jshint.json"), "--reporter", "unix"]
    process = run_tool(root, "jshint/bin/jshint", [*configuration, *files])
    found = [f"{line} (jshint)" for line in process.stdout.splitlines() if line.startswith(tuple(files))]
    if process.returncode != 0 and not found:
        return [failure("jshint", process)]
    return found


def eslint(root: Path, files: list[str]) -> list[str]:
    configuration = ["--config", str(CONFIGURATION / "eslint.config.mjs"), "--format", "json"]
    process = run_tool(root, "eslint/bin/eslint.js", [*configuration, *files])
    if not process.stdout.startswith("["):
        return [failure("eslint", process)]
    return [line for report in json.loads(process.stdout) for line in eslint_lines(root, report)]


def eslint_lines(root: Path, report: dict[str, Any]) -> list[str]:
    path = Path(report["filePath"]).relative_to(root)
    return [
        f"{path}:{message.get('line', 1)}:{message.get('column', 1)}: {message['message']}"
        f" (eslint {message['ruleId'] or 'parser'})"
        for message in report["messages"]
    ]


def failure(tool: str, process: subprocess.CompletedProcess[str]) -> str:
    """Return a line for a linter that failed without naming a place, so that it is not taken for a pass."""
    return f"{tool} failed: {(process.stderr or process.stdout).strip()}"


def run_tool(root: Path, script: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = ["node", str(NODE_TOOLS / "node_modules" / script), *arguments]
    return subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)


def main(_arguments: list[str]) -> int:
    """Check the scripts of this repository, print what is wrong, and return an exit status."""
    prepare_node()
    found = problems(ROOT)
    print(*(found or ["no problems"]), sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    enter("tests.gate.es3")
