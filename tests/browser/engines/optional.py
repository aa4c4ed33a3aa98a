"""The engines that take more to install, by hand: ``python3 -m tests.browser.engines.optional``.

What is missing is skipped with the reason. Arguments go to pytest.
"""

from __future__ import annotations

import os
import sys

from tests.gate.environment import prepare_python
from tests.gate.steps import run_pytest

VARIABLE = "THYWILL_OPTIONAL_ENGINES"


def main(arguments: list[str]) -> int:
    prepare_python()
    os.environ[VARIABLE] = "1"
    return run_pytest(["tests/browser/engines", *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
