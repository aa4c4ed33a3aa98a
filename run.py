"""The command line: ``python run.py`` serves the applications; ``--help`` lists commands and options."""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).absolute().parent


def run(arguments: list[str]) -> int:
    """Run a command and return its exit status."""
    try:
        from thywill.commands.main import main
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("", "thywill"):
            raise
        install = f"{sys.executable} -m pip install -r {FOLDER / 'requirements.txt'}"
        print(f"{error.name} is not installed. Install what thywill needs with: {install}", file=sys.stderr)
        return 1
    return main(arguments, FOLDER)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
