"""The steps of the test command, and how their outcomes are counted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from tests.gate import es3
from tests.gate.environment import (
    PYTHON,
    ROOT,
    VENV,
    MissingProgram,
    Unprepared,
    in_ci,
    prepare_node,
    require,
)

PYTEST = (str(PYTHON), "-m", "pytest", "-c", "tests/pytest.ini", "--rootdir=.")
IN_PARALLEL = ("-n", "3", "--dist", "loadfile", "--no-loadscope-reorder", "--durations=15")
"""Three files at a time, since most tests wait for a browser, a server or a deadline; the long ones first."""
ALONE = ("--last-failed", "--last-failed-no-failures=none")
MOST_ALONE = 3
"""How many failed tests run again alone. On a busy machine a test may fail for want of time; if more fail,
the cause is another one."""
TESTS_FAILED = 1
"""The exit status of pytest if all tests have run and some failed. After any other, some may not have run."""
JUNIT_COUNTS = ("tests", "failures", "errors", "skipped")


@dataclass(frozen=True)
class Outcome:
    """How a step ended: what passed and failed in it, and a note for the summary."""

    passed: int
    failed: int
    note: str = ""


@dataclass(frozen=True)
class Step:
    """One named part of the test command; what it prints goes to the file that it is given."""

    name: str
    run: Callable[[IO[str]], Outcome]


def call(command: list[str], out: IO[str]) -> int:
    """Run ``command`` at the repository's root, its output in ``out``; return its exit status."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=out, stderr=subprocess.STDOUT)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()  # Ctrl-C reaches the process too; it first ends the programs that it started
        raise


def environment() -> dict[str, str]:
    """Return the variables of a step, which keeps compiled Python in ``.venv``.

    Compiling all tests takes longer than importing them, and servers under test start anew very often.
    """
    return {**os.environ, "PYTHONPYCACHEPREFIX": str(VENV / "pycache"), "PYTHONDONTWRITEBYTECODE": ""}


def tool(name: str, *arguments: str) -> Step:
    """Return a step that runs a Python tool of ``.venv`` and passes with its exit status 0."""
    return Step(
        f"{name} {arguments[0]}", lambda out: single(call([str(PYTHON), "-m", name, *arguments], out) == 0)
    )


def single(passed: bool) -> Outcome:
    return Outcome(1, 0) if passed else Outcome(0, 1)


def missing(error: MissingProgram) -> Outcome:
    """Return the outcome of a step that lacks a program: a failure in CI, elsewhere a skip."""
    return Outcome(0, 1 if in_ci() else 0, str(error))


def es3_gate(out: IO[str]) -> Outcome:
    try:
        prepare_node()
    except MissingProgram as error:
        return missing(error)
    except Unprepared as error:
        return Outcome(0, 1, str(error))
    found = es3.problems(ROOT)
    for line in found:
        print(line, file=out, flush=True)
    return Outcome(0, 1, f"{len(found)} problems") if found else single(True)


def client_tests(out: IO[str]) -> Outcome:
    try:
        node = require("node", "nodejs")
    except MissingProgram as error:
        return missing(error)
    files = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/browser/client/*.test.js"))
    if not files:
        return Outcome(0, 1, "there is no tests/browser/client/*.test.js")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.tap")
        status = call([node, "--test", *node_reporters(report), *files], out)
        return counted(status, *read_tap(report))


def node_reporters(report: Path) -> list[str]:
    shown = ["--test-reporter=spec", "--test-reporter-destination=stdout"]
    return [*shown, "--test-reporter=tap", f"--test-reporter-destination={report}"]


def read_tap(report: Path) -> tuple[int, int, int]:
    """Return the passed, failed and skipped tests of a report of Node's test runner."""
    text = report.read_text() if report.exists() else ""
    count = {word: int(number) for word, number in re.findall(r"^# (\w+) (\d+)$", text, re.MULTILINE)}
    failed = count.get("fail", 0) + count.get("cancelled", 0)
    return count.get("pass", 0), failed, count.get("skipped", 0) + count.get("todo", 0)


def python_tests(out: IO[str]) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        status, together = pytest_outcome(IN_PARALLEL, Path(folder), out)
        if status != TESTS_FAILED or together.failed > MOST_ALONE:
            return together
        print("\nrunning again what failed, alone:", file=out, flush=True)
        _, alone = pytest_outcome(ALONE, Path(folder), out)
        return with_those_alone(together, alone)


def pytest_outcome(options: tuple[str, ...], folder: Path, out: IO[str]) -> tuple[int, Outcome]:
    """Run pytest with ``options``, and return its exit status as well; report and cache are in ``folder``."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    status = call([*PYTEST, *options, "-o", f"cache_dir={folder / 'cache'}", f"--junit-xml={report}"], out)
    return status, counted(status, *read_junit(report))


def with_those_alone(together: Outcome, alone: Outcome) -> Outcome:
    """Return the outcome of a run after its failed tests have run again, without others beside them.

    The summary says how many have passed only then: each of them has a clock that has to be mended.
    """
    if alone.failed or alone.passed < together.failed:
        return together
    note = f"{together.note}; alone {together.failed} of {together.failed} passed: see above"
    return Outcome(together.passed + together.failed, 0, note)


def read_junit(report: Path) -> tuple[int, int, int]:
    """Return the passed, failed and skipped tests of a report of pytest."""
    if not report.exists():
        return 0, 0, 0
    suite = ElementTree.parse(report).getroot().find("testsuite")
    total, failures, errors, skipped = (
        int(suite.get(key, 0)) if suite is not None else 0 for key in JUNIT_COUNTS
    )
    return total - failures - errors - skipped, failures + errors, skipped


def counted(status: int, passed: int, failed: int, skipped: int) -> Outcome:
    """Return the outcome of a test runner; one that failed without a failed test counts as a failure."""
    if status != 0 and failed == 0:
        return Outcome(passed, 1, f"ended with status {status}")
    note = f"{passed} passed, {failed} failed"
    return Outcome(passed, failed, f"{note}, {skipped} skipped" if skipped else note)


STEPS = (
    tool("ruff", "format", "--check", "--config", "tests/ruff.toml", "."),
    tool("ruff", "check", "--config", "tests/ruff.toml", "."),
    tool("mypy", "--strict", "--config-file", "tests/mypy.ini", "thywill", "apps", "run.py"),
    Step("ES3 gate", es3_gate),
    Step("browser client", client_tests),
    Step("pytest", python_tests),
)


def run_all(steps: tuple[Step, ...]) -> bool:
    """Run the last step, which is the longest, and the others beside it; return whether all passed."""
    *beside, last = steps
    with ThreadPoolExecutor(1) as pool:
        others = pool.map(run_silently, beside)
        done = [run_step(last, sys.stdout)]
        done[:0] = others
    passed, failed = (sum(getattr(outcome, name) for outcome, _ in done) for name in ("passed", "failed"))
    lines = (summary_line(step, *each) for step, each in zip(steps, done, strict=True))
    print("\n== summary", *lines, "", f"{passed} passed, {failed} failed", sep="\n", flush=True)
    return failed == 0


def run_silently(step: Step) -> tuple[Outcome, float]:
    """Run a step beside another one, and print at its end what it said."""
    with tempfile.TemporaryFile("w+") as out:
        done = run_step(step, out)
        out.seek(0)
        print(out.read(), end="", flush=True)
    return done


def run_step(step: Step, out: IO[str]) -> tuple[Outcome, float]:
    """Return the outcome of a step, and how many seconds it took."""
    print(f"\n== {step.name}", file=out, flush=True)
    begun = time.monotonic()
    return step.run(out), time.monotonic() - begun


def summary_line(step: Step, outcome: Outcome, seconds: float) -> str:
    skipped = not outcome.failed and not outcome.passed
    word = "FAILED" if outcome.failed else "skipped" if skipped else "ok"
    return f"{word:8}{step.name:20}{seconds:6.1f} s  {outcome.note}".rstrip()


def run_pytest(arguments: list[str]) -> int:
    """Run pytest alone with ``arguments``; return its exit status."""
    print("arguments given: pytest alone runs, with them; the other steps are left out", flush=True)
    return call([*PYTEST, *arguments], sys.stdout)
