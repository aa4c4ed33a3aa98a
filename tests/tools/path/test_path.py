"""The files that one message goes through are few; ``python3 -m tests.tools.path`` shows them."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

from tests.gate.environment import ROOT
from tests.tools.path.trace import Count, Trace
from tests.tools.path.trial import trace_message

MOST_FILES = 20
MOST_CHANGES = 40
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


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


def functions_in(file: Path) -> set[str]:
    """Return the functions of a module, and the methods of its classes as ``Class.method``."""
    names = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, FUNCTION):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, FUNCTION)}
    return names


def test_the_path_in_the_readme_has_functions_that_are_there() -> None:
    text = (ROOT / "thywill" / "README.md").read_text(encoding="utf-8")
    (path,) = re.findall(r"### The path, function by function\n.*?```\n(.*?)```", text, flags=re.DOTALL)
    stretches = re.split(r"^(\S+\.py) ", path, flags=re.MULTILINE)[1:]
    assert len(stretches) >= 20
    for file, functions in zip(stretches[::2], stretches[1::2], strict=True):
        module = next(each for each in (ROOT / "thywill" / file, ROOT / file) if each.exists())
        assert {each.strip() for each in functions.split(",")} <= functions_in(module), file


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
