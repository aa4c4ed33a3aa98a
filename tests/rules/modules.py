"""The project's modules, and what each of them imports, read from the sources without importing anything."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Module:
    """A module of the project, by its dotted name."""

    name: str
    path: Path
    is_package: bool

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))

    @property
    def part(self) -> str:
        return part_of(self.name)


@dataclass(frozen=True)
class Import:
    """An import statement: its line, and the module that it names."""

    line: int
    target: str


def part_of(name: str) -> str:
    """Return the part that the module ``name`` is in: the name below ``thywill``, or ``apps`` or ``run``."""
    names = name.split(".")
    return names[1] if names[0] == "thywill" and len(names) > 1 else names[0]


def is_below(name: str, parent: str) -> bool:
    return name == parent or name.startswith(f"{parent}.")


def find_modules(root: Path) -> dict[str, Module]:
    """Return every module of run.py, apps/ and thywill/ by its name."""
    paths = [*root.glob("run.py"), *root.glob("thywill/**/*.py"), *root.glob("apps/**/*.py")]
    modules = (make_module(path, root) for path in paths)
    return {module.name: module for module in modules}


def make_module(path: Path, root: Path) -> Module:
    names = path.relative_to(root).with_suffix("").parts
    is_package = names[-1] == "__init__"
    return Module(".".join(names[:-1] if is_package else names), path, is_package)


def imports_of(module: Module, modules: Iterable[str]) -> Iterator[Import]:
    """Yield every import of ``module``, also those within functions and under ``if TYPE_CHECKING``."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (Import(node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = absolute(node, module)
            found = {f"{source}.{alias.name}" for alias in node.names} & set(modules)
            yield from (Import(node.lineno, name) for name in sorted(found) or [source])


def absolute(node: ast.ImportFrom, module: Module) -> str:
    if node.level == 0:
        return node.module or ""
    package = module.name.split(".")
    above = node.level - 1 if module.is_package else node.level
    return ".".join([*package[: len(package) - above], *([node.module] if node.module else [])])
