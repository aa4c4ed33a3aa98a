"""A pytest plugin that writes the names by which ``-k`` can select the tests of each file."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest
from _pytest.mark import KeywordMatcher

TARGET = "TESTS_NAMES"
"""The environment variable that names the file to write."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    names: dict[str, set[str]] = defaultdict(set)
    for item in items:
        names[str(item.path)] |= KeywordMatcher.from_item(item)._names
    Path(os.environ[TARGET]).write_text(json.dumps({path: sorted(found) for path, found in names.items()}))
