"""The files that one message goes through are few; ``python3 -m tests.tools.path`` shows them."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

from tests.gate.environment import ROOT
from tests.tools.path.trace import Count, Trace
from tests.tools.path.trial import trace_message

MOST_FILES = 20
MOST_CHANGES = 40


def test_a_message_goes_through_few_files() -> None:
    trace = trace_message(ROOT)
    print(trace.text())
    count = trace.count()
    assert count.files <= MOST_FILES
    assert count.changes <= MOST_CHANGES


def test_the_path_begins_with_bytes_and_goes_through_the_hook() -> None:
    functions = [call.function for call in trace_message(ROOT).calls]
    assert functions[0] == "Connection.data_received"
    assert functions.count("Echo.on_message") == 1


def test_the_readme_has_the_present_path() -> None:
    text = (ROOT / "thywill" / "README.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"### The path, function by function\n.*?```\n.*?```", text, flags=re.DOTALL)
    trace = trace_message(ROOT)
    why = "bring it up to date by python3 -m tests.tools.path"
    assert f"```\n{trace.text()}\n```" in section, why
    assert str(trace.count()) in " ".join(section.split()), why


def load(root: Path, name: str, text: str) -> ModuleType:
    path = root / "thywill" / f"{name}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_trace_counts_calls_files_and_changes_of_file(tmp_path: Path) -> None:
    one = load(tmp_path, "one", "def a(f):\n    b()\n    f()\n    b()\ndef b(): pass")
    two = load(tmp_path, "two", "class Two:\n    def c(self): pass")
    with Trace(tmp_path) as trace:
        one.a(two.Two().c)
        Path("elsewhere").is_absolute()
    one.b()
    assert trace.count() == Count(calls=4, files=2, changes=2)
    assert trace.text() == "one.py  a, b\ntwo.py  Two.c\none.py  b"
