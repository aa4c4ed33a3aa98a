"""Which test files can hold a test that ``pytest -k`` asks for, read off their sources without an import.

Importing all test files takes longer than most tests. An expression such as ``wire and not sockjs`` is about
names: those of folders, of the file, of classes and functions, of marks, and the ids of parameters. All but
the ids stand in the file. An id is one of

- a value that is written down, in the file or where a name leads to: ``["fast", "tornado"]``, ``KINDS``;
- the name of a class or function, or the argument's name with a number: ``case3``;
- computed, as in ``[str(path) for path in FILES]``. Then only an import could tell: the file is always read.

So a file is left out only if none of its tests can match. ``test_selection.py`` holds this to every name in
the project's own tests.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import operator
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import cache, cached_property
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from _pytest.mark.expression import Expression

# Names that pytest and hypothesis give to any test.
ADDED = "gen_test parametrize skip skipif usefixtures timeout browser is_hypothesis_test hypothesis runtest"
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Pow: operator.pow,
}
NAMES = re.compile(r"^ *(?:async )?(?:def|class) (\w+)|^(\w+)\b.* = |\bmark\.(\w+)", re.MULTILINE)
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
OPERATORS = ("and", "or", "not", "True", "False", "None")


class Computed(Exception):
    """The ids of a parameter cannot be determined without importing the file."""


class Source:
    """A Python file of the project.

    Args:
        path: the file.
        root: the repository's root, where dotted names begin.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path
        self.root = root
        self.text = path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def names(self) -> str:
        """The names that the file itself gives to tests: of functions, classes, variables and marks."""
        return " ".join(name for found in NAMES.findall(self.text) for name in found if name)

    @cached_property
    def ids(self) -> str:
        """What the ids of the file's parameters are made of, fixtures' parameters included.

        Raises:
            Computed: that cannot be read off.
        """
        if "parametrize" not in self.text and "params=" not in self.text:
            return ""
        return " ".join(text for node in outside_of_functions(self.tree) for text in self._ids_made_by(node))

    def _ids_made_by(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Call):
            for value in parameter_values(node):
                if isinstance(value, ast.Name) and isinstance(self.find(value.id)[1], Definition | type):
                    raise Computed("a function makes the ids")
                yield self._ids_of(value)

    def _ids_of(self, node: ast.expr | None) -> str:
        match node:
            case ast.Tuple(elts=values) | ast.List(elts=values) | ast.Set(elts=values):
                return " ".join(self._ids_of(value) for value in values)
            case ast.Dict(keys=keys, values=values):
                return " ".join(self._ids_of(value) for value in [*keys, *values])
            case ast.Starred(value=value):
                return self._ids_of(value)
            case ast.Name(id=name):
                return self._ids_of_found(*self.find(name))
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                return self._ids_of_attribute(name, attribute)
            case ast.Call():
                return self._ids_of_call(node)
        return written(self._value_of(node))

    def _ids_of_found(self, source: Source, found: Any) -> str:
        if isinstance(found, ast.expr):
            return source._ids_of(found)
        if isinstance(found, ast.ClassDef):
            return source._ids_of_class(found)
        return found.name if isinstance(found, Definition) else written(found)

    def _ids_of_class(self, found: ast.ClassDef) -> str:
        """Return the name of a class, and its attributes: ``lambda kind: kind.name`` makes ids of them."""
        values = (node.value for node in found.body if isinstance(node, ast.Assign))
        texts = [
            each.value for each in values if isinstance(each, ast.Constant) and isinstance(each.value, str)
        ]
        bases = [base.id for base in found.bases if isinstance(base, ast.Name)]
        return " ".join([found.name, *texts, *(self._ids_of_base(base) for base in bases)])

    def _ids_of_base(self, name: str) -> str:
        source, found = self.find(name)
        return source._ids_of_class(found) if isinstance(found, ast.ClassDef) else ""

    def _ids_of_attribute(self, name: str, attribute: str) -> str:
        source, found = self.find(name)
        if isinstance(found, ast.ClassDef):
            # A member of an enumeration, or a method.
            values = (node.value for node in found.body if isinstance(node, ast.Assign))
            return f"{found.name}.{attribute} {' '.join(source._ids_of(value) for value in values)}"
        if isinstance(found, Source):
            return found._ids_of_found(*found.find(attribute))
        if isinstance(found, ModuleType):
            return written(getattr(found, attribute))
        raise Computed(f"{name}.{attribute}")

    def _ids_of_call(self, call: ast.Call) -> str:
        if ast.unparse(call.func) == "pytest.param":
            named = [each.value for each in call.keywords if each.arg == "id"]
            return " ".join(self._ids_of(value) for value in named or call.args)
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("keys", "items", "values"):
            return self._ids_of(call.func.value)
        if isinstance(call.func, ast.Name):
            found = self.find(call.func.id)[1]
            if isinstance(found, ast.ClassDef) or found in (range, object, len):
                return ""  # numbers, or an object, whose id is the argument's name with a number
            if found is float:
                return self._ids_of(call.args[0])
        raise Computed(ast.unparse(call))

    def _value_of(self, node: ast.expr | None) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._value_of(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                return ARITHMETIC[type(op)](self._value_of(left), self._value_of(right))
            case ast.Call(func=ast.Name(id="len"), args=[argument]):
                return len(self._value_of(argument))
            case ast.JoinedStr(values=values):
                return "".join(str(self._value_of(value)) for value in values)
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return self._value_of(value)
            case ast.Name(id=name):
                source, found = self.find(name)
                return source._value_of(found if isinstance(found, ast.expr) else None)
        raise Computed(ast.unparse(node) if node else "")

    def find(self, name: str) -> tuple[Source, Any]:
        """Return what ``name`` stands for at the top of the file, and the file where that is written down.

        That is an expression, a definition, another file of the project, or something of Python's library.

        Raises:
            Computed: it comes from another package, or is assigned in another way.
        """
        if re.search(rf"^{name}(\.|\[| .=)", self.text, re.MULTILINE):
            raise Computed(f"{name} is changed after its assignment")
        for node in self.tree.body:
            match node:
                case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef() if node.name == name:
                    return self, node
                case ast.Assign(targets=[ast.Name(id=target)]) if target == name:
                    return self, node.value
                case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr()) if target == name:
                    return self, node.value
                case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                    for each, value in zip(targets, values, strict=True):
                        if isinstance(each, ast.Name) and each.id == name:
                            return self, value
                case ast.Import(names=names) | ast.ImportFrom(names=names, level=0):
                    for alias in names:
                        if (alias.asname or alias.name) == name:
                            return self._imported(getattr(node, "module", None), alias.name)
        if hasattr(builtins, name):
            return self, getattr(builtins, name)
        raise Computed(name)

    def _imported(self, module: str | None, name: str) -> tuple[Source, Any]:
        """Return what ``import name`` brings, or ``from module import name``."""
        top = (module or name).split(".")[0]
        if top in sys.stdlib_module_names:
            found = importlib.import_module(module or name)
            return self, getattr(found, name) if module else found
        file = self._file(f"{module}.{name}" if module else name)
        if file is not None:
            return self, source_of(file, self.root)
        file = self._file(module) if module else None
        if file is None:
            raise Computed(name)
        return source_of(file, self.root).find(name)

    def _file(self, module: str) -> Path | None:
        path = self.root.joinpath(*module.split("."))
        found = (file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists())
        return next(found, None)


@cache
def source_of(path: Path, root: Path) -> Source:
    return Source(path, root)


def outside_of_functions(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a file, but of its functions the decorators alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for each in node.decorator_list:
                yield from ast.walk(each)
        else:
            yield node
            yield from outside_of_functions(node)


def parameter_values(call: ast.Call) -> Iterator[ast.expr]:
    """Yield the expressions that ids are made of: of ``parametrize`` and of ``fixture(params=...)``."""
    keywords = {each.arg: each.value for each in call.keywords}
    name = ast.unparse(call.func).rpartition(".")[2]
    if name == "parametrize":
        yield call.args[0]
        values = call.args[1]
    elif name == "fixture" and "params" in keywords:
        values = keywords["params"]
    else:
        return
    match keywords.get("ids"):
        case None | ast.Lambda(body=ast.Attribute(value=ast.Name())):
            yield values  # the ids are among the attributes of classes, which count anyway
        case ids:
            yield ids


def written(value: Any) -> str:
    """Return the id that pytest gives to a value; an object's is the argument's name with a number."""
    if isinstance(value, str):
        return value.encode("unicode_escape").decode("ascii")
    if isinstance(value, bytes):
        return str(value)[2:-1]
    if isinstance(value, int | float | complex | Enum | None):
        return str(value)
    return str(getattr(value, "__name__", ""))


def words_of(expression: str) -> list[str]:
    """Return the names in a ``-k`` expression, in the order of their first appearance."""
    found = re.findall(r"[\w:+\-.\[\]\\/]+", expression)
    return list(dict.fromkeys(word for word in found if word not in OPERATORS))


class Chosen:
    """The files that an expression of ``-k`` can be about.

    Args:
        expression: what stands behind ``-k``; an empty one chooses all files.
        root: the repository's root.
    """

    def __init__(self, expression: str, root: Path) -> None:
        self._expression = expression.strip()
        self._words = words_of(expression)
        self._root = root
        self._read = self._left_out = 0

    def reads(self, path: Path) -> bool:
        """Tell whether pytest has to read what is at ``path``, and count the test files."""
        if not self._expression or not re.fullmatch(r"test_.*\.py", path.name):
            return True
        needed = self.may_hold(path)
        self._read += needed
        self._left_out += not needed
        return needed

    def report(self) -> list[str]:
        """Return a line about the files that were left out, if there are any."""
        total = self._read + self._left_out
        if not self._left_out:
            return []
        return [f"{self._read} of {total} test files can match {self._expression!r}: only they are read"]

    def may_hold(self, path: Path) -> bool:
        """Tell whether a test in the file at ``path`` can match."""
        names = names_in(path, self._root)
        try:
            return self._may_hold(names) or self._may_hold(f"{names} {ids_in(path, self._root)}")
        except Computed:
            return True

    def _may_hold(self, names: str) -> bool:
        # A word that occurs there matches all of the file's tests, some or none; another matches none.
        outcomes = ((False, True) if occurs(word, names) else (False,) for word in self._words)
        chosen = (dict(zip(self._words, each, strict=True)) for each in product(*outcomes))
        return any(holds(self._expression, matching) for matching in chosen)


def holds(expression: str, matching: dict[str, bool]) -> bool:
    """Tell whether an expression holds for a test that matches those of its names.

    An invalid expression counts as true, so that pytest runs and reports it.
    """
    try:
        # mypy knows no lambda with the protocol's positional argument.
        return Expression.compile(expression).evaluate(lambda name, /, **_: matching[name])
    except (SyntaxError, KeyError, pytest.UsageError):
        return True


def names_in(path: Path, root: Path) -> str:
    """Return, in lower case, all names of tests in the file at ``path`` but the ids of their parameters."""
    return f"{path.relative_to(root)} {source_of(path, root).names} {ADDED}".lower()


def ids_in(path: Path, root: Path) -> str:
    """Return, in lower case, what the ids of parameters in the file at ``path`` are made of.

    Raises:
        Computed: that cannot be read off.
    """
    return " ".join(source_of(file, root).ids for file in [path, *conftests(path, root)]).lower()


def conftests(path: Path, root: Path) -> Iterable[Path]:
    folders = [folder for folder in path.parents if folder == root or root in folder.parents]
    return [folder / "conftest.py" for folder in folders if (folder / "conftest.py").exists()]


def occurs(word: str, text: str) -> bool:
    """Tell whether a name with ``word`` in it can come from ``text``.

    Pytest joins ids by hyphens and numbers equal ones. So each piece is looked for without its number.
    """
    pieces = (piece.rstrip("0123456789_") for piece in re.findall(r"\w+", word.lower()))
    return all(piece in text for piece in pieces)
