"""``run.py``'s command line: finds the command, reads the settings, runs it, and returns its exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thywill.commands import options
from thywill.config import ServerSettings, Settings, read
from thywill.errors import SettingsError
from thywill.process import compiled, standard
from thywill.process.descriptors import raise_limit
from thywill.process.sockets import Inherited, inherit

DEVELOPMENT = {"client_interface.transport_in_address": True, "server.processes": 1}
"""The settings that ``--dev`` changes."""
PRIVATE = 0o077
"""The umask: only the server's user can read files with messages and secrets."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a command.

    Args:
        options: its options by name; an option that sets a setting, by the setting's place ("server.port").
        folder: the folder of the project, as it was named at the prompt.
    """

    options: Mapping[str, Any]
    folder: Path

    @property
    def root(self) -> Path:
        """The folder of the project, with symbolic links resolved."""
        return self.folder.resolve()

    def use_compiled(self) -> str | None:
        """Let imports find the compiled modules; return why they are not used, or None."""
        return compiled.use(self.root / "thywill")

    @property
    def config(self) -> Path:
        """The file with the settings. It has to exist only if it was named at the prompt."""
        return self.options["config"] or self.root / "conf" / "thywill.toml"

    def read_settings(self) -> Settings:
        """Return the settings of the prompt, the environment and the file, as they are now.

        Raises:
            SettingsError: the file cannot be read, or is not TOML.
        """
        places = options.places()
        return read(
            self.config,
            required=self.options["config"] is not None,
            overrides=self._overrides(places),
            options=places,
            environment=os.environ,
        )

    def _overrides(self, places: Iterable[str]) -> dict[str, Any]:
        chosen = {place: self.options[place] for place in places if self.options.get(place) is not None}
        return {**DEVELOPMENT, **chosen} if self.options.get("dev") else chosen


# Each command imports its modules itself, since the parent of several servers has to stay small.


def _serve(call: Call) -> int:
    inherited = inherit(os.environ)
    is_child = inherited is not None and inherited.parent is not None
    if call.options["rehearse"]:
        return _rehearse(call)
    if call.options["dev"]:
        return _develop(call, inherited)
    if not is_child and call.read_settings().section("server", ServerSettings).processes > 1:
        from thywill.commands import processes

        return processes.run(call.read_settings, inherited)
    warning = call.use_compiled()
    from thywill.commands import places, serve

    link = places.release_link(call.folder)
    return serve.run(call.read_settings, call.root, link, inherited, warning=warning)


def _rehearse(call: Call) -> int:
    if not call.options["dev"]:
        call.use_compiled()
    from thywill.commands import serve

    return serve.rehearse(call.read_settings, call.root)


def _develop(call: Call, inherited: Inherited | None) -> int:
    from thywill.commands import dev

    return dev.run(call.read_settings, call.root, inherited)


def _check(call: Call) -> int:
    warning = call.use_compiled()
    from thywill.commands import check, places

    link = places.release_link(call.folder)
    return check.run(call.read_settings, call.root, call.options, link, warning=warning)


def _doctor(call: Call) -> int:
    from thywill.commands import doctor

    return doctor.run(call.options)


def _clients(call: Call) -> int:
    from thywill.commands import clients

    return clients.run(call.options, call.read_settings(), call.root)


def _servers(call: Call) -> int:
    from thywill.commands import servers

    return servers.run(call.options, call.read_settings(), call.root)


def _publish(call: Call) -> int:
    from thywill.commands import publish

    return publish.run(call.options, call.read_settings(), sys.stdin)


def _migrate(call: Call) -> int:
    from thywill.commands import migrate

    return migrate.run(call.options, call.read_settings(), call.root)


def _new(call: Call) -> int:
    from thywill.commands import new

    return new.run(call.options["name"], call.root, call.config)


def _compile(call: Call) -> int:
    from thywill.commands import compilation

    return compilation.run(call.root)


RUN: dict[str, Callable[[Call], int]] = {
    "serve": _serve,
    "check": _check,
    "doctor": _doctor,
    "clients": _clients,
    "servers": _servers,
    "publish": _publish,
    "migrate": _migrate,
    "new": _new,
    "compile": _compile,
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
