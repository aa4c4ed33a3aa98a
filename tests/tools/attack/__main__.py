"""``python3 -m tests.tools.attack``: flood a server from one address, and measure what others have of it."""

from __future__ import annotations

from tests.gate.entry import enter

if __name__ == "__main__":
    enter("tests.tools.attack.__main__")

import argparse
import asyncio
import json
from pathlib import Path

from tests.gate.environment import ROOT, Unprepared
from tests.tools.attack.attack import Result, Times, as_fields, attack
from tests.tools.attack.floods import FLOODS
from tests.tools.attack.table import render

WAYS = ("direct", "nginx")


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """Return what is asked for.

    Raises:
        Unprepared: there is no such flood, or no such way.
    """
    parser = argparse.ArgumentParser(prog="python3 -m tests.tools.attack", description=__doc__)
    parser.add_argument("--floods", default=",".join(FLOODS), help="of %(default)s")
    parser.add_argument("--ways", default=",".join(WAYS), help="of %(default)s")
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout to attack")
    parser.add_argument("--seconds", type=float, default=4, help="the length of a flood (%(default)s)")
    parser.add_argument(
        "--rest", type=float, default=60, help="seconds for the memory to be back (%(default)s)"
    )
    parser.add_argument("--out", type=Path, help="a file for the results, as JSON")
    parser.add_argument("--beside", type=Path, help="the file of an earlier run, for the same table")
    chosen = parser.parse_args(arguments)
    chosen.floods = known("flood", chosen.floods, tuple(FLOODS))
    chosen.ways = known("way", chosen.ways, WAYS)
    return chosen


def known(kind: str, text: str, names: tuple[str, ...]) -> list[str]:
    """Return the names in ``text``, divided by commas.

    Raises:
        Unprepared: one of them is not among ``names``.
    """
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    for name in wanted:
        if name not in names:
            raise Unprepared(f"no {kind} is called {name!r}; there are {', '.join(names)}")
    return wanted


def main(arguments: list[str]) -> int:
    chosen = read_arguments(arguments)
    earlier = load(chosen.beside) if chosen.beside else []
    results: list[Result] = []
    times = Times(flood=chosen.seconds, after=chosen.rest)
    for way in chosen.ways:
        for name in chosen.floods:
            result = asyncio.run(attack(chosen.root, name, times, through_nginx=way == "nginx"))
            results.append(result)
            print(render([result]).splitlines()[-1], *result.reasons, flush=True)
            if chosen.out:
                chosen.out.write_text(json.dumps([as_fields(each) for each in results], indent=1))
    print(render(results, earlier))
    return 0


def load(path: Path) -> list[Result]:
    """Return the results of an earlier run."""
    return [
        Result(**{name: tuple(value) if isinstance(value, list) else value for name, value in each.items()})
        for each in json.loads(path.read_text())
    ]
