"""Which part of the project may import which. Imports for type hints count, too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gate.environment import ROOT
from tests.rules.modules import Module, find_modules, imports_of, is_below, part_of

# The parts of thywill/ from the bottom up, and the other parts that each may import.
ENGINE = {"core", "errors"}
COMPONENTS = {"application_interface", "client_interface", "database", "log", "push", "queue"}
AUTHORS = {"application", "client"}  # what authors work with
BELOW_COMPONENTS = {"component", "config", "handlers", "http", "hub", "wire", *AUTHORS, *ENGINE}
COMPONENT = BELOW_COMPONENTS | COMPONENTS  # of another component only its contract, its base.py

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "core": {"errors"},
    "config": ENGINE,
    "http": ENGINE,
    "wire": {"http", *ENGINE},
    "hub": ENGINE,
    "handlers": ENGINE,
    "client": {"hub", *ENGINE},  # what hooks are given
    "application": {"client", "component", "handlers", "hub", *ENGINE},  # what authors subclass
    "component": {"config", *ENGINE},
    "application_interface": COMPONENT,
    "client_interface": {"tickets", *COMPONENT},
    "database": COMPONENT,
    "log": COMPONENT,
    "push": COMPONENT,
    "queue": COMPONENT,
    "monitoring": COMPONENT,
    "development": {"monitoring", *COMPONENT},  # run.py --dev
    "publishing": COMPONENT,
    "tickets": set(),  # for programs that have no package of the server
    "publisher": set(),  # for programs that have no package of the server
    "process": {"errors"},
    "server_arguments": {"process", *COMPONENT},
    "server": {
        "development",
        "monitoring",
        "process",
        "publishing",
        "server_arguments",
        "thywill",
        *COMPONENT,
    },
    "commands": {"development", "monitoring", "process", "publisher", "publishing", "server", *COMPONENT},
    "testing": {"monitoring", "server", *COMPONENT},  # an application without sockets, for its tests
    "cuttable": {"component", "errors", "handlers", *AUTHORS},
    "thywill": {"component", "core", "cuttable", "errors", "handlers", *AUTHORS},  # what authors import
    "apps": {"testing", "thywill"},
    "run": {"commands"},
}
# The one module that imports and names concrete components.
COMPOSITION_ROOT = "thywill.server"

# The core has no clock, loop, socket, random source or log: time and chance are its arguments.
IMPURE = {
    "asyncio", "logging", "os", "random", "secrets", "select", "selectors", "signal", "socket", "ssl",
    "subprocess", "threading", "time", "tornado", "uuid", "uvloop",
}  # fmt: skip

# A package from outside, and the only part of thywill that may import it.
ONLY_IN = {
    "sockjs": "thywill.push.sockjs",
    "peewee": "thywill.database",
    "playhouse": "thywill.database",
    "redis": "thywill.queue.redis",
    "httptools": "thywill.http",
    "prometheus_client": "thywill.monitoring",
    "markdown_it": "thywill.client_interface",
}

CONCRETE = re.compile(rf"thywill\.({'|'.join(sorted(COMPONENTS))})\.(?!base\b)\w+")


def problems(root: Path) -> list[str]:
    """Return a line for every import below ``root`` that is not allowed."""
    modules = find_modules(root)
    found = []
    for module in modules.values():
        if module.part not in MAY_IMPORT:
            found.append(f"{module.path.relative_to(root)}: {module.part} has no row in MAY_IMPORT")
            continue
        lines = [*bad_imports(module, modules), *named_components(module)]
        found += [f"{module.path.relative_to(root)}:{line}: {reason}" for line, reason in lines]
    return sorted(found)


def bad_imports(module: Module, modules: dict[str, Module]) -> Iterator[tuple[int, str]]:
    for statement in imports_of(module, modules):
        inside = statement.target.split(".")[0] in ("thywill", "apps", "run", "tests")
        reason = refuse_own(module, statement.target) if inside else refuse_foreign(module, statement.target)
        if reason:
            yield statement.line, reason


def refuse_own(module: Module, target: str) -> str | None:
    """Return why ``module`` may not import ``target``, a module of the project."""
    part = part_of(target)
    if part != module.part and part not in MAY_IMPORT[module.part]:
        return f"{module.part} must not import {target}"
    if part == "apps" and module.name.split(".")[:2] != target.split(".")[:2]:
        return f"an application must not import another, {target}"
    return refuse_component(module, target)


def refuse_component(module: Module, target: str) -> str | None:
    concrete = CONCRETE.match(target)
    if concrete is None or module.name == COMPOSITION_ROOT:
        return None
    own = is_below(module.name, f"thywill.{concrete[1]}")
    return None if own else f"only {COMPOSITION_ROOT} may import the component {target}"


def refuse_foreign(module: Module, target: str) -> str | None:
    """Return why ``module`` may not import ``target``, a package from outside."""
    package = target.split(".")[0]
    if module.part == "core" and package in IMPURE:
        return f"core is pure and must not import {target}"
    home = ONLY_IN.get(package)
    if home and not is_below(module.name, home):
        return f"only {home} may import {package}"
    return None


def named_components(module: Module) -> Iterator[tuple[int, str]]:
    """Find the dotted paths of components in strings, which a loader would turn into imports."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            path = node.value.replace(":", ".")
            reason = refuse_component(module, path) if re.fullmatch(r"[\w.]+", path) else None
            if reason:
                yield node.lineno, reason


def cycles(root: Path) -> list[str]:
    """Return the modules of every ring of imports, as ``a -> b -> a``."""
    modules = find_modules(root)
    graph = {name: {found.target for found in imports_of(modules[name], modules)} for name in modules}
    found: list[str] = []
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            found.append(" -> ".join([*path[path.index(name) :], name]))
        elif name in graph and name not in done:
            for target in sorted(graph[name]):
                visit(target, [*path, name])
            done.add(name)

    for name in sorted(graph):
        visit(name, [])
    return found


def test_the_direction_is_held() -> None:
    assert problems(ROOT) == []


def test_no_imports_run_in_a_ring() -> None:
    assert cycles(ROOT) == []


def test_every_row_of_the_table_is_in_use() -> None:
    assert set(MAY_IMPORT) == {module.part for module in find_modules(ROOT).values()}


def write_tree(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


REFUSED = [
    ("thywill/errors.py", "from thywill.core import inbox", "errors must not import thywill.core.inbox"),
    ("thywill/core/inbox.py", "from thywill.hub import hub", "core must not import thywill.hub.hub"),
    ("thywill/core/inbox.py", "from ..hub.hub import Hub", "core must not import thywill.hub.hub"),
    ("thywill/core/inbox.py", "import time", "core is pure and must not import time"),
    (
        "thywill/core/inbox.py",
        "def f():\n    from tornado import gen",
        "core is pure and must not import tornado",
    ),
    ("thywill/core/inbox.py", "from thywill import Client", "core must not import thywill"),
    (
        "thywill/core/inbox.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from thywill.hub.hub import Hub",
        "core must not import thywill.hub.hub",
    ),
    (
        "thywill/hub/hub.py",
        "import thywill.queue.base",
        "hub must not import thywill.queue.base",
    ),
    ("thywill/hub/hub.py", "import thywill.server", "hub must not import thywill.server"),
    ("thywill/push/longpoll.py", "from ..queue import memory", "only thywill.server may import"),
    (
        "thywill/push/longpoll.py",
        "import thywill.server",
        "push must not import thywill.server",
    ),
    ("thywill/push/longpoll.py", "import sockjs.tornado", "only thywill.push.sockjs"),
    (
        "thywill/config.py",
        "NAME = 'thywill.queue.memory.MemoryQueue'",
        "only thywill.server may import",
    ),
    ("thywill/server.py", "import apps.chat", "server must not import apps.chat"),
    ("run.py", "from thywill.hub.hub import Hub", "run must not import thywill.hub.hub"),
    ("apps/chat/__init__.py", "from thywill.hub.hub import Hub", "apps must not import thywill.hub.hub"),
    ("apps/chat/__init__.py", "import apps.echo", "an application must not import another"),
    ("thywill/novel.py", "", "novel has no row in MAY_IMPORT"),
]
ALLOWED = [
    ("thywill/core/inbox.py", "from thywill.errors import Gap\nfrom .outbox import Outbox\nimport hmac"),
    (
        "thywill/push/longpoll.py",
        "from thywill.queue.base import Queue\nfrom . import base",
    ),
    (
        "thywill/push/longpoll.py",
        "from thywill.push import polls\nfrom thywill.hub.hub import Hub",
    ),
    ("thywill/push/sockjs/session.py", "import sockjs.tornado"),
    ("thywill/server.py", "from thywill.queue.memory import MemoryQueue"),
    ("thywill/config.py", '"""Settings such as ``thywill.queue.memory``, explained."""'),
    ("apps/chat/__init__.py", "from thywill import Application"),
]
SKELETON = {
    f"thywill/{name}.py": ""
    for name in (
        "core/inbox",
        "core/outbox",
        "push/polls",
        "queue/base",
        "queue/memory",
    )
} | {"thywill/hub/hub.py": "", "thywill/server.py": ""}


@pytest.mark.parametrize(("path", "text", "reason"), REFUSED)
def test_an_import_against_the_direction_is_found(tmp_path: Path, path: str, text: str, reason: str) -> None:
    write_tree(tmp_path, {**SKELETON, path: text})
    (found,) = problems(tmp_path)
    assert found.startswith(path)
    assert reason in found


@pytest.mark.parametrize(("path", "text"), ALLOWED)
def test_an_import_along_the_direction_passes(tmp_path: Path, path: str, text: str) -> None:
    write_tree(tmp_path, {**SKELETON, path: text})
    assert problems(tmp_path) == []


def test_a_ring_is_found(tmp_path: Path) -> None:
    write_tree(
        tmp_path, {"thywill/core/a.py": "from . import b", "thywill/core/b.py": "import thywill.core.a"}
    )
    assert cycles(tmp_path) == ["thywill.core.a -> thywill.core.b -> thywill.core.a"]
