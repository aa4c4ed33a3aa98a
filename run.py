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
        print(f"{error.name} is not installed. {advice()}", file=sys.stderr)
        return 1
    return main(arguments, FOLDER)


def advice() -> str:
    """Say what to do if a package is missing: use the environment that the README makes, or install it."""
    own = FOLDER / ".venv"
    if (own / "bin" / "python").exists() and Path(sys.prefix).resolve() != own.resolve():
        return f"Use the Python that has the packages: {own / 'bin' / 'python'} run.py"
    return f"Install the packages with: {sys.executable} -m pip install -r {FOLDER / 'requirements.txt'}"


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
