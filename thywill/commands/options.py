"""The commands and options that the command line understands."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from thywill.core.nearest import closest

DEFAULT = "serve"
"""The command of a command line that names none."""
REHEARSAL = "--rehearse"
"""Makes ``serve`` build the server without starting it, to find out whether a restart would succeed."""
APPLICATIONS = "application_interface.applications"
MISSPELT = re.compile(r"unrecognized arguments: (--[^ =]+).*")
"""Matches the error of argparse about an unknown option."""


class SettingOption(NamedTuple):
    """An option that overrides a setting.

    Args:
        name: the option.
        place: the setting, as "section.key".
        kind: the type of the value.
        help: one line for ``--help``.
    """

    name: str
    place: str
    kind: type
    help: str


SETTINGS = (
    SettingOption("--address", "server.address", str, "the address to listen on; 0.0.0.0 for every network"),
    SettingOption("--port", "server.port", int, "the port to listen on; 0 for a free one"),
    SettingOption("--processes", "server.processes", int, "how many servers share the port"),
    SettingOption("--http", "server.http", str, "the HTTP server: fast or tornado"),
    SettingOption("--data", "server.data", str, "the folder for the files that the server writes"),
    SettingOption(
        "--database", "database.url", str, "where client records are kept, such as sqlite:///thywill.db"
    ),
    SettingOption(
        "--queue",
        "queue.component",
        str,
        "where messages wait: memory, database to outlive a restart, or redis for several servers",
    ),
    SettingOption("--log", "log.component", str, "where the log goes: console or file"),
    SettingOption(
        "--log-level", "log.level", str, "the least urgent lines that are logged: debug, info, warning, error"
    ),
)
"""The settings that people change at the prompt."""
ALL = (*(option.name for option in SETTINGS), "--applications")
STORED = ("--data", "--database")


def places() -> dict[str, str]:
    """Return the option that stands for each setting, by the setting's place ("server.port")."""
    return {option.place: option.name for option in SETTINGS} | {APPLICATIONS: "--applications"}


@dataclass(frozen=True, slots=True)
class Command:
    """The options of a command.

    Args:
        settings: the options that override settings, by name.
        help: one line for ``--help``.
        add_options: adds the options that no other command has.
    """

    settings: tuple[str, ...]
    help: str
    add_options: Callable[[argparse.ArgumentParser], None]


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(REHEARSAL, action="store_true", help="only test whether the server could start")
    parser.add_argument(
        "--dev", action="store_true", help="for developers: reload changed files, show errors in the page"
    )


def _add_check(parser: argparse.ArgumentParser) -> None:
    _add_json(parser)
    parser.add_argument("--nginx", type=Path, metavar="FILE", help="check nginx's settings in FILE too")


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    _add_json(parser)
    parser.add_argument("url", help="where browsers find the server, such as https://chat.example.org/")
    parser.add_argument(
        "--patience", type=float, default=40.0, metavar="SECONDS", help="for all checks (default: 40)"
    )
    parser.add_argument(
        "--application", help="the application to connect to (default: the first in the list)"
    )
    parser.add_argument("--origin", help="another origin whose pages should be allowed")
    parser.add_argument("--insecure", action="store_true", help="go on although the certificate is wrong")


def _add_clients(parser: argparse.ArgumentParser) -> None:
    # Imported here, since the module may be compiled: the place of compiled modules is set after the import
    # of this module.
    from thywill.core.lifecycle import State

    _add_json(parser)
    parser.add_argument(
        "--state", choices=sorted(each.value for each in State), help="only clients with this state"
    )
    for name in ("application", "address", "transport"):
        parser.add_argument(f"--{name}", help=f"only clients with this {name}")
    parser.add_argument(
        "--seen", type=float, metavar="SECONDS", help="only clients seen in the last so many seconds"
    )
    parser.add_argument("--limit", type=int, default=1000, help="how many at most (default: 1000)")
    _add_url(parser)


def _add_servers(parser: argparse.ArgumentParser) -> None:
    _add_json(parser)
    _add_url(parser)


def _add_url(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", help="the server to ask (default: that of the settings, on this machine)")


def _add_publish(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("application", help="the name of the application")
    parser.add_argument("channel", help="the channel, or another receiver with one of the options below")
    parser.add_argument(
        "json", help='the data, such as \'{"text": "Hello"}\'; - reads it from the standard input'
    )
    receivers = parser.add_mutually_exclusive_group()
    for name in ("client", "session", "user"):
        text = f"CHANNEL is the id of a {name}"
        receivers.add_argument(f"--{name}", dest="receiver", action="store_const", const=name, help=text)
    parser.set_defaults(receiver="channel")
    parser.add_argument("--url", help="the address of the server (default: [server] address and port)")
    parser.add_argument("--key", help="the key (default: the first in [publishing.keys] for the application)")
    parser.add_argument("--id", help="an id of the message: messages with the same id are sent once")
    parser.add_argument(
        "--timeout", type=float, default=10.0, metavar="SECONDS", help="for all tries (default: 10)"
    )


def _add_new(parser: argparse.ArgumentParser) -> None:
    _add_config(parser)
    parser.add_argument("name", help="its name, such as board; it is served at /board/")


def _add_nothing(parser: argparse.ArgumentParser) -> None:
    """The command has no options."""


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, help="the settings file (default: conf/thywill.toml)")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")


COMMANDS = {
    "serve": Command(ALL, "Serve real-time applications over plain HTTP.", _add_serve),
    "check": Command(
        ALL, "Check the settings, and whether everything that they name can be reached.", _add_check
    ),
    "doctor": Command(
        (),
        "Find what proxies do to requests of browsers, and print the line that mends each problem.",
        _add_doctor,
    ),
    "clients": Command(
        (*STORED, "--queue"),
        "List the clients in the database, or of all servers that share a queue; the last seen come first.",
        _add_clients,
    ),
    "servers": Command(
        ("--address", "--port"), "List the servers that run and share the queue.", _add_servers
    ),
    "publish": Command(
        ("--address", "--port"),
        "Publish a message to the pages of an application, through a running server.",
        _add_publish,
    ),
    "new": Command(
        (), "Make a new application in apps/, with a page and a test, and switch it on.", _add_new
    ),
    "migrate": Command(STORED, "Bring the database's schema up to date.", _add_json),
    "compile": Command(
        (),
        "Compile the modules that every message passes: the server then needs less CPU.",
        _add_nothing,
    ),
}


class Parser(argparse.ArgumentParser):
    """Prints only one line and ends with status 2 if an option is wrong; ``--help`` prints the rest."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, which option may be meant, and how to get help; exit."""
        if (misspelt := MISSPELT.fullmatch(message)) is not None:
            close = closest(misspelt[1], self._option_string_actions)
            message += f"; did you mean {close}?" if close else ""
        self.exit(2, f"{self.prog}: error: {message} ({self.prog} --help lists the options)\n")


def parse(arguments: list[str]) -> tuple[str, dict[str, Any]]:
    """Return the command that the command line names, and its options.

    The options are by name; an option that sets a setting is by the setting's place ("server.port"). Ends the
    process with status 2 if the command line is wrong, as argparse does.
    """
    word = arguments[0] if arguments and not arguments[0].startswith("-") else None
    name = word or DEFAULT
    if name not in COMMANDS:
        make_parser(DEFAULT).error(_unknown(name))
    return name, vars(make_parser(name).parse_args(arguments[1:] if word else arguments))


def _unknown(name: str) -> str:
    close = closest(name, COMMANDS)
    meant = f"; did you mean {close}?" if close else "."
    return f"there is no command {name!r}{meant} Commands are: {', '.join(COMMANDS)}"


def make_parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of a command's options."""
    command = COMMANDS[name]
    others = "\n".join(f"  run.py {other:8} {each.help}" for other, each in COMMANDS.items())
    parser = Parser(
        prog="run.py" if name == DEFAULT else f"run.py {name}",
        description=command.help,
        epilog=f"commands, each with its own --help:\n{others}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if command.settings:
        _add_config(parser)
    if "--applications" in command.settings:
        parser.add_argument(
            "--applications",
            dest=APPLICATIONS,
            metavar="NAMES",
            type=lambda names: [each.strip() for each in names.split(",")],
            help="packages of applications, with commas between them",
        )
    for option in SETTINGS:
        if option.name in command.settings:
            about = f"{option.help} (default: see {option.place} in the settings)"
            parser.add_argument(option.name, dest=option.place, type=option.kind, help=about)
    command.add_options(parser)
    return parser
