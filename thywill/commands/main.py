"""``run.py``'s command line: finds the command, reads the settings, runs it, and returns its exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thywill.commands import check, clients, doctor, migrate, options, serve
from thywill.commands.places import release_link
from thywill.config import Settings, read
from thywill.errors import SettingsError
from thywill.process import standard
from thywill.process.descriptors import raise_limit

PRIVATE = 0o077
"""The umask: files with messages and secrets are readable for the server's user alone."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a command.

    Args:
        options: its options by name, those of settings by their place ("server.port").
        folder: the folder of the project, as it was named at the prompt.
    """

    options: Mapping[str, Any]
    folder: Path

    @property
    def root(self) -> Path:
        """The folder of the project, without links."""
        return self.folder.resolve()

    def read_settings(self) -> Settings:
        """Return the settings of the prompt, the environment and the file, as they are now.

        Raises:
            SettingsError: the file cannot be read, or is not TOML.
        """
        config, places = self.options["config"], options.places()
        return read(
            config or self.root / "conf" / "thywill.toml",
            required=config is not None,
            overrides={place: self.options[place] for place in places if self.options.get(place) is not None},
            options=places,
            environment=os.environ,
        )


def _serve(call: Call) -> int:
    if call.options["rehearse"]:
        return serve.rehearse(call.read_settings, call.root)
    return serve.run(call.read_settings, call.root, release_link(call.folder))


def _check(call: Call) -> int:
    return check.run(call.read_settings, call.root, call.options, release_link(call.folder))


def _doctor(call: Call) -> int:
    return doctor.run(call.options)


def _clients(call: Call) -> int:
    return clients.run(call.options, call.read_settings(), call.root)


def _migrate(call: Call) -> int:
    return migrate.run(call.options, call.read_settings(), call.root)


RUN: dict[str, Callable[[Call], int]] = {
    "serve": _serve,
    "check": _check,
    "doctor": _doctor,
    "clients": _clients,
    "migrate": _migrate,
}


def main(arguments: list[str], folder: Path) -> int:
    """Run the command that ``arguments`` name and return its exit status.

    Args:
        arguments: the command line without the program's name.
        folder: the folder of the project.
    """
    os.umask(PRIVATE)
    standard.open_closed()
    standard.never_fail("stderr")
    standard.escape_unknown()
    name, chosen = options.parse(arguments)
    raise_limit()
    try:
        return RUN[name](Call(chosen, folder))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
