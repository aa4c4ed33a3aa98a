"""thywill's command line: ``python run.py`` serves the applications; ``--help`` lists commands and options.

Every command ends with 0 where all is well, 1 where it found problems, 2 where it was asked wrongly.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thywill.config import Settings
    from thywill.process.orders import Successor

ROOT = Path(__file__).resolve().parent
CONFIG = ROOT / "conf" / "thywill.toml"

OPTIONS: dict[str, tuple[str, type, str]] = {
    "--address": ("server.address", str, "the address to listen on; 0.0.0.0 for every network"),
    "--port": ("server.port", int, "the port to listen on; 0 for a free one"),
    "--http": ("server.http", str, "the HTTP server: fast or tornado"),
    "--data": ("server.data", str, "the folder for the files that the server writes"),
    "--database": ("database.url", str, "where client records are kept, such as sqlite:///thywill.db"),
    "--queue": ("queue.component", str, "where messages wait: memory, or database to outlive a restart"),
    "--log": ("log.component", str, "where the log goes: console or file"),
    "--log-level": ("log.level", str, "the least urgent lines that are logged: debug, info, warning, error"),
}
"""The settings that people change at the prompt: option, place in the settings file, type, help."""


ALL = (*OPTIONS, "--applications")
STORED = ("--data", "--database")
STATES = ("connected", "detached", "gone")
COMMANDS: dict[str, tuple[tuple[str, ...], str]] = {
    "serve": (ALL, "Serve real-time applications over plain HTTP."),
    "check": (ALL, "Tell whether the settings are right, and whether all that they name can be reached."),
    "doctor": ((), "Tell what a browser meets between it and a running server, and the line that mends it."),
    "clients": (STORED, "List the clients in the database, those seen last first."),
    "migrate": (STORED, "Bring the database's schema up to date."),
}
"""The commands, with the options of the settings that each takes and its help. The first is the default."""


REHEARSAL = "--rehearse"


def make_parser(command: str) -> argparse.ArgumentParser:
    """Return the parser of a command's options."""
    options, text = COMMANDS[command]
    others = "\n".join(f"  run.py {name:8} {about}" for name, (_, about) in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="run.py" if command == "serve" else f"run.py {command}",
        description=text,
        epilog=f"commands, each with --help of its own:\n{others}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if options:
        parser.add_argument("--config", type=Path, help="the settings file (default: conf/thywill.toml)")
    if "--applications" in options:
        parser.add_argument(
            "--applications",
            dest="application_interface.applications",
            metavar="NAMES",
            type=lambda names: [name.strip() for name in names.split(",")],
            help="packages with applications, divided by commas",
        )
    for option, (place, kind, about) in OPTIONS.items():
        if option in options:
            about = f"{about} (default: see {place} in the settings)"
            parser.add_argument(option, dest=place, type=kind, help=about)
    if command == "serve":
        parser.add_argument(REHEARSAL, action="store_true", help="do all but serve: a restart would succeed")
    else:
        add_options(parser, command)
    return parser


def add_options(parser: argparse.ArgumentParser, command: str) -> None:
    """Add what only this command can be told."""
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    if command == "check":
        parser.add_argument("--nginx", type=Path, metavar="FILE", help="nginx's settings, looked at too")
    if command == "doctor":
        parser.add_argument("url", help="where browsers find the server, such as https://chat.example.org/")
        parser.add_argument(
            "--patience", type=float, default=40.0, metavar="SECONDS", help="for all of it (default: 40)"
        )
        parser.add_argument("--application", help="the one to connect to (default: the first in the list)")
        parser.add_argument("--origin", help="another origin whose pages are to be allowed")
        parser.add_argument("--insecure", action="store_true", help="go on with a certificate that is wrong")
    if command == "clients":
        for name in ("application", "state", "address", "transport"):
            choices = STATES if name == "state" else None
            parser.add_argument(f"--{name}", choices=choices, help=f"only those with this {name}")
        parser.add_argument("--seen", type=float, metavar="SECONDS", help="only those seen since then")
        parser.add_argument("--limit", type=int, default=1000, help="how many at most (default: 1000)")


def parse_arguments(arguments: list[str]) -> tuple[str, dict[str, Any]]:
    """Return the command and its options by name; those of settings by their place ("server.port")."""
    named = arguments[:1] in ([name] for name in COMMANDS)
    command = arguments[0] if named else "serve"
    return command, vars(make_parser(command).parse_args(arguments[named:]))


def read_settings(options: dict[str, Any]) -> Settings:
    """Return the settings of the file, the environment and the prompt."""
    from thywill.config import read

    config = options.get("config")
    places = {place: option for option, (place, _, _) in OPTIONS.items()}
    places["application_interface.applications"] = "--applications"
    overrides = {place: options[place] for place in places if options.get(place) is not None}
    return read(
        config or CONFIG,
        required=config is not None,
        overrides=overrides,
        options=places,
        environment=os.environ,
    )


async def serve(settings: Settings, anew: Callable[[], Settings]) -> Successor | None:
    """Serve until SIGINT or SIGTERM; after SIGHUP return what takes this process's place.

    Args:
        settings: what the operator chose.
        anew: reads what the operator chooses now.
    """
    from thywill.process.descriptors import shortage
    from thywill.process.orders import Orders, Successor, first, until_over
    from thywill.process.sockets import inherit
    from thywill.process.systemd import notify
    from thywill.server import Service

    orders = Orders()
    orders.watch()
    service = Service(settings, ROOT)
    settings.check_variables()
    started = asyncio.create_task(service.start(inherit(os.environ)))
    await first(started, orders.stop.wait())
    if started.cancelled():
        return None
    await started
    print(f"thywill serves on {service.address} (end it with Ctrl-C)", flush=True)
    notify("READY=1", f"STATUS=serves on {service.address}")
    too_few = shortage(service.settings.max_clients)
    if too_few:
        logging.getLogger("thywill").warning("%s", too_few)
    spare_the_collector()
    sockets = await until_over(orders, REHEARSAL, lambda: service.hand_over(anew()))
    restart = ("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
    notify(*restart if sockets else ("STOPPING=1",))
    await service.stop()
    return Successor(sockets, ours=service.bound) if sockets and not orders.stop.is_set() else None


async def rehearse(settings: Settings) -> None:
    """Build all that serving needs, applications too, and start nothing."""
    from thywill.server import Service

    service = Service(settings, ROOT)
    settings.check_variables()
    service.log.make_handler().close()


def spare_the_collector() -> None:
    """Keep the garbage collector from walking, again and again, over all that stays until the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def raise_descriptor_limit() -> None:
    """Allow as many connections as the system lets this user have: each needs a descriptor."""
    try:
        import resource
    except ImportError:  # not a Unix system
        return
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):  # some systems name a limit that they do not allow
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop where it is installed: two to three times faster than asyncio's."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def main(arguments: list[str]) -> int:
    """Run the command and return its exit status."""
    command, options = parse_arguments(arguments)
    try:
        import thywill.server  # noqa: F401 - fails here, in one line, where a requirement is missing
        from thywill.errors import SettingsError
    except ModuleNotFoundError as error:
        install = f"{sys.executable} -m pip install -r {ROOT / 'requirements.txt'}"
        print(f"{error.name} is not installed. Install what thywill needs with: {install}", file=sys.stderr)
        return 1
    raise_descriptor_limit()
    try:
        return run(command, options)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2


def run(command: str, options: dict[str, Any]) -> int:
    """Run the command and return its exit status.

    Raises:
        SettingsError: it cannot be run with these settings.
    """
    from thywill.errors import SettingsError

    if command != "serve":
        from thywill.commands import run_command

        return run_command(command, options, lambda: read_settings(options), ROOT)
    settings = read_settings(options)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            if options["rehearse"]:
                runner.run(rehearse(settings))
                return 0
            successor = runner.run(serve(settings, lambda: read_settings(options)))
    except SettingsError as error:
        raise settings.blame(error) from None
    if successor is not None:
        successor.take_over()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
