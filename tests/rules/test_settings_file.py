"""``conf/thywill.toml`` holds every setting with its default, and no other."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from typing import Any

import msgspec
import pytest

from tests.gate.environment import ROOT
from tests.support.settings_file import documented
from thywill.server import COMPONENTS

TEXT = (ROOT / "conf" / "thywill.toml").read_text(encoding="utf-8")
CHOOSING = {"component", "components"}


def with_alternatives() -> dict[str, Any]:
    """Return the file with the commented settings of components that are not chosen switched on."""
    return tomllib.loads(re.sub(r"^# (?=\w+ = )", "", TEXT, flags=re.MULTILINE))


def at(values: dict[str, Any], section: str) -> dict[str, Any]:
    for name in section.split("."):
        values = values[name]
    return {
        key: value for key, value in values.items() if key not in CHOOSING and not isinstance(value, dict)
    }


@pytest.mark.parametrize(("section", "classes"), documented().items(), ids=documented().keys())
def test_every_setting_is_documented_with_its_default(section: str, classes: list[type[Any]]) -> None:
    expected: dict[str, Any] = {}
    for each in classes:
        defaults = each()
        values = {field.name: getattr(defaults, field.name) for field in dataclasses.fields(each)}
        expected.update({name: value for name, value in values.items() if not isinstance(value, dict)})
    assert at(with_alternatives(), section) == msgspec.to_builtins(expected)


def test_the_components_named_are_the_defaults() -> None:
    values = tomllib.loads(TEXT)
    for kind, known in COMPONENTS.items():
        chosen = values[kind].get("component", values[kind].get("components"))
        assert chosen in (next(iter(known)), list(known))


def test_every_setting_has_its_reason_beside_it() -> None:
    bare = [line for line in TEXT.splitlines() if re.match(r"(# )?\w+ = [^#]*$", line)]
    assert [line.split(" ")[0] for line in bare if "component" not in line] == ["#"]
