"""One word for one thing: no two classes of the package have the same name."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.gate.environment import ROOT
from tests.rules.modules import find_modules

# Migrations keep the tables of earlier versions, under the names that these had.
HISTORY = "thywill.database.migrations"


def shared_names(root: Path) -> dict[str, list[str]]:
    """Return the names that several classes have, with their modules; classes within classes do not count."""
    homes: dict[str, list[str]] = defaultdict(list)
    for name, module in sorted(find_modules(root).items()):
        if name.startswith("thywill") and not name.startswith(HISTORY):
            for each in classes_in(module.tree):
                homes[each.name].append(name)
    return {name: found for name, found in homes.items() if len(found) > 1}


def classes_in(node: ast.AST) -> Iterator[ast.ClassDef]:
    """Yield the classes of a module, those within functions too, but not those within classes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield child
        else:
            yield from classes_in(child)


def test_no_two_classes_have_one_name() -> None:
    assert shared_names(ROOT) == {}


def test_a_name_of_two_classes_is_found(tmp_path: Path) -> None:
    for name in ("one", "other", "database/migrations/0001_old"):
        path = tmp_path / "thywill" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"class Same:\n    class Meta: pass\nclass Only{name[:2]}: \n    class Meta: pass")
    assert shared_names(tmp_path) == {"Same": ["thywill.one", "thywill.other"]}
