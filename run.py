"""thywill's command line: ``python run.py`` serves the applications; ``--help`` lists the options."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
CONFIG = ROOT / "conf" / "thywill.toml"

OPTIONS: dict[str, tuple[str, type, str]] = {
    "--address": ("server.address", str, "the address to listen on; 0.0.0.0 for every network"),
    "--port": ("server.port", int, "the port to listen on; 0 for a free one"),
    "--http": ("server.http", str, "the HTTP server: fast or tornado"),
    "--data": ("server.data", str, "the folder for the files that the server writes"),
    "--database": ("database.url", str, "where client records are kept, such as sqlite:///thywill.db"),
    "--log": ("log.component", str, "where the log goes: console or file"),
    "--log-level": ("log.level", str, "the least urgent lines that are logged: debug, info, warning, error"),
}
"""The settings that people change at the prompt: option, place in the settings file, type, help."""


def parse_arguments(arguments: list[str]) -> tuple[Path, bool, dict[str, Any]]:
    """Return the settings file, whether it has to exist, and the settings given at the prompt."""
    parser = argparse.ArgumentParser(
        prog="run.py", description="Serve real-time applications over plain HTTP."
    )
    parser.add_argument("--config", type=Path, help="the settings file (default: conf/thywill.toml)")
    parser.add_argument(
        "--applications", metavar="NAMES", help="packages with applications, divided by commas"
    )
    for option, (place, kind, text) in OPTIONS.items():
        parser.add_argument(
            option, dest=place, type=kind, help=f"{text} (default: see {place} in the settings)"
        )
    options = vars(parser.parse_args(arguments))
    config, applications = options.pop("config"), options.pop("applications")
    overrides = {place: value for place, value in options.items() if value is not None}
    if applications is not None:
        overrides["application_interface.applications"] = [name.strip() for name in applications.split(",")]
    return config or CONFIG, config is not None, overrides


async def serve(config: Path, required: bool, overrides: dict[str, Any]) -> None:
    """Serve until SIGINT or SIGTERM."""
    from thywill.config import read
    from thywill.server import Service

    service = Service(read(config, required=required, overrides=overrides), ROOT)
    stopped = asyncio.create_task(until_told_to_stop())
    started = asyncio.create_task(service.start())
    await asyncio.wait({started, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not started.done():
        started.cancel()
        await asyncio.gather(started, return_exceptions=True)
        return
    await started
    print(f"thywill serves on {service.address} (end it with Ctrl-C)", flush=True)
    spare_the_collector()
    await stopped
    await service.stop()


async def until_told_to_stop() -> None:
    """Wait for SIGINT or SIGTERM; a second one ends the process at once, whatever it waits for."""
    told = asyncio.Event()

    def stop() -> None:
        if told.is_set():
            os._exit(1)
        told.set()

    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt instead
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop)
    await told.wait()


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
    config, required, overrides = parse_arguments(arguments)
    try:
        import thywill.server  # noqa: F401 - fails here, in one line, where a requirement is missing
        from thywill.errors import SettingsError
    except ModuleNotFoundError as error:
        command = f"{sys.executable} -m pip install -r {ROOT / 'requirements.txt'}"
        print(f"{error.name} is not installed. Install what thywill needs with: {command}", file=sys.stderr)
        return 1
    raise_descriptor_limit()
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(serve(config, required, overrides))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
