"""One trial: a server, the load against it, and what the load printed."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.gate.environment import Unprepared, require
from tests.tools.bench import front
from tests.tools.bench.cores import Cores, apart, run_on, together
from tests.tools.bench.plan import CAPACITY, Trial
from tests.tools.bench.servers import BENCH, Started

CLIENTS_PER_ADDRESS = 5000
PATIENCE_THROUGH = 120
"""Seconds for a step, where it may have to make thousands of TLS connections."""
LONGEST = 400
EXPECTING = {"THYWILL_SERVER_PROXY_PROTOCOL": "https"}
"""The setting of a server that learns from PROXY headers who asks."""


def build_load(folder: Path) -> Path:
    """Compile the load generator into ``folder``; return the program.

    Raises:
        MissingProgram: there is no C compiler.
        Unprepared: it did not compile.
    """
    compiler, program = require("cc", "gcc"), folder / "load"
    sources = sorted(str(path) for path in (BENCH / "load").glob("*.c"))
    built = subprocess.run(
        [compiler, "-O2", "-Wall", "-o", str(program), *sources], capture_output=True, text=True, check=False
    )
    if built.returncode:
        raise Unprepared(f"the load generator does not compile: {built.stderr[:300]}")
    return program


def run_trial(load: Path, trial: Trial) -> dict[str, Any]:
    """Return what was measured; ``failed`` in it says why a step is missing."""
    # Capacity is that of the whole machine, proxy included.
    division = together() if trial.row == CAPACITY else apart()
    with tempfile.TemporaryDirectory(prefix="thywill-bench-") as folder:
        kind = trial.kind
        if trial.through == front.STREAM_TLS:
            kind = replace(kind, environment={**kind.environment, **EXPECTING})
        server = Started(kind, Path(folder), division.server)
        try:
            with front.between(trial.through, make_folder(folder), server.port, trial.clients) as (
                port,
                pids,
            ):
                measured = run_load([str(load), *options(trial, server, port, pids)], trial, division.load)
        finally:
            server.stop()
        printed = server.log.partition("\n")[2] if trial.kind.name == "thywill" else ""
    about = {
        "server": trial.kind.name,
        "row": trial.row,
        "protocol": trial.protocol,
        "through": trial.through,
    }
    return {
        **about,
        "clients": trial.clients,
        **measured,
        **({"log": printed[-2000:]} if printed.strip() else {}),
    }


def make_folder(folder: str) -> Path:
    made = Path(folder) / "front"
    made.mkdir()
    return made


def options(trial: Trial, server: Started, port: int, fronts: list[int]) -> list[str]:
    """Return the load generator's options."""
    protocol = BENCH / "protocols" / trial.kind.protocols[trial.protocol]
    named = {
        "--port": port,
        "--clients": trial.clients,
        "--protocol": protocol,
        **({"--timeout": PATIENCE_THROUGH} if fronts else {}),
        "--sources": trial.clients // (front.CLIENTS_PER_ADDRESS if fronts else CLIENTS_PER_ADDRESS) + 1,
    }
    pairs = [*named.items(), *(("--pid", pid) for pid in server.pids), *(("--front", pid) for pid in fronts)]
    return [str(word) for pair in pairs for word in pair]


def run_load(command: list[str], trial: Trial, cores: Cores) -> dict[str, Any]:
    """Return what the load generator printed, and why it stopped early if it did."""
    try:
        done = subprocess.run(
            [*command, *trial.steps],
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST,
            preexec_fn=partial(run_on, cores),
        )
    except subprocess.TimeoutExpired as late:
        return {"steps": read_lines(late.stdout or b""), "failed": f"not done after {LONGEST} s"}
    failed = {"failed": done.stderr.strip() or f"status {done.returncode}"} if done.returncode else {}
    return {"steps": read_lines(done.stdout), **failed}


def read_lines(printed: str | bytes) -> list[dict[str, Any]]:
    text = printed.decode() if isinstance(printed, bytes) else printed
    return [json.loads(line) for line in text.splitlines() if line.endswith("}")]
