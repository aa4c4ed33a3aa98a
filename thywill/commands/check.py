"""``run.py check``: checks the settings, and whether everything that they name can be reached.

It creates no file and changes nothing, so it may run beside a server, and before the first start.
"""

from __future__ import annotations

import asyncio
import http.client
import ipaddress
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from thywill.client_interface.base import ClientInterface
from thywill.commands import nginx, places
from thywill.commands.databases import pending, sqlite_file
from thywill.commands.report import Report
from thywill.component import Choice
from thywill.config import ServerSettings, Settings
from thywill.core.text import counted
from thywill.database.base import Database, DatabaseUnavailable
from thywill.errors import SettingsError
from thywill.log.base import Log
from thywill.process import compiled, descriptors
from thywill.process.secret import SECRET_BYTES
from thywill.process.sockets import bare, describe, listen
from thywill.push.base import Push
from thywill.queue.base import Queue
from thywill.server import COMPONENTS, Service

USUAL = 60.0
"""Seconds of silence after which proxies, nginx among them, usually cut a response."""
PROBE = 2.0
"""Seconds within which a server that listens on the port has to answer."""
LOCAL = ("127.0.0.1", "::1", "localhost")


def run(
    read: Callable[[], Settings],
    root: Path,
    options: Mapping[str, Any],
    link: Path | None = None,
    *,
    warning: str | None = None,
) -> int:
    """Print what is right and what is wrong, and return the exit status.

    Args:
        read: returns the settings, or raises a ``SettingsError``.
        root: the folder of the project.
        options: the options of the command, by name.
        link: the symbolic link to the release that is served, or None.
        warning: why compiled modules are not used, or None.
    """
    report = asyncio.run(examine(read, root, link, options["nginx"], warning))
    return report.show(as_json=options["json"])


async def examine(
    read: Callable[[], Settings],
    root: Path,
    link: Path | None,
    nginx_file: Path | None,
    warning: str | None = None,
) -> Report:
    """Return a report on the settings and on everything that they name.

    Args:
        read: returns the settings, or raises a ``SettingsError``.
        root: the folder of the project.
        link: the symbolic link to the release that is served, or None.
        nginx_file: nginx's settings, or None.
        warning: why compiled modules are not used, or None.
    """
    report = Report()
    try:
        settings = read()
    except SettingsError as error:
        report.problem("settings", str(error))
        return report
    service = _rehearse(settings, root, report)
    if service is not None:
        _check_form(warning, report)
        await _check_all(settings, service, root, link, nginx_file, report)
    return report


async def _check_all(
    settings: Settings,
    service: Service,
    root: Path,
    link: Path | None,
    nginx_file: Path | None,
    report: Report,
) -> None:
    ignored = settings.ignored()
    if ignored:
        report.warn("environment", ignored)
    server = settings.section("server", ServerSettings)
    choice = Choice(settings, COMPONENTS)
    folder = root / server.data
    _check_files(choice, folder, link, report)
    await _check_database(settings, choice, folder, report)
    await _check_queue(settings, service.queue, report)
    _check_port(server, report)
    _check_limits(server, report)
    _check_processes(server, report)
    _check_network(server, choice, report)
    if nginx_file is not None:
        hold = max(push.settings.hold for push in choice.several("push", Push))
        shared = choice.one("queue", Queue).kind.shared  # type: ignore[type-abstract]
        report.findings += nginx.examine(nginx_file, server, hold, shared=shared).findings


def _check_form(warning: str | None, report: Report) -> None:
    if warning is not None:
        text, _, remedy = warning.rpartition(": ")
        report.warn("compiled", text, remedy)
    elif compiled.form() == "compiled":
        report.good("compiled", "the compiled modules fit these sources, and are used")
    else:
        report.good("compiled", "no module is compiled; python run.py compile makes messages cheaper")


def _rehearse(settings: Settings, root: Path, report: Report) -> Service | None:
    """Build a whole server, which writes nothing and is not started."""
    try:
        service = Service(settings, root, secret=secrets.token_bytes(SECRET_BYTES))
        settings.check_variables()
    except SettingsError as error:
        report.problem("settings", str(settings.with_origin(error)))
        return None
    pages = service.client_interface.dependencies.pages.values()
    names = ", ".join(page.name for page in pages if not page.is_front)
    report.good("settings", f"every setting is right; applications: {names or 'none'}")
    return service


def _check_files(choice: Choice, folder: Path, link: Path | None, report: Report) -> None:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        text = "root has all rights, so this check cannot see which ones the service lacks"
        report.warn("user", text, "sudo -u thywill … run.py check, as the user of the service")
    places.check_folder("data", "[server] data", folder, report)
    places.check_privacy(folder, report)
    places.check_release(link, folder, report)
    pages = choice.one("client_interface", ClientInterface).settings
    places.check_secret(folder / pages.secret_file, report)
    log = choice.one("log", Log).settings
    if hasattr(log, "path"):
        places.check_file("log", "[log] path", folder / log.path, report, data=folder)


async def _check_database(settings: Settings, choice: Choice, folder: Path, report: Report) -> None:
    chosen = choice.one("database", Database)
    file = sqlite_file(chosen.settings, folder)
    if file is not None and not places.is_there(file):
        places.check_file("database", "[database] url", file, report, data=folder)
        return
    try:
        missing = await pending(chosen.kind(chosen.settings, folder))
    except (SettingsError, DatabaseUnavailable) as error:
        located = settings.with_origin(error) if isinstance(error, SettingsError) else error
        report.problem("database", str(located))
        return
    if missing:
        text = f"it can be reached, its schema lacks {', '.join(missing)}"
        report.warn("database", text, "python run.py migrate (or a start with [database] migrate = auto)")
    else:
        report.good("database", "it can be reached, its schema is up to date")


async def _check_queue(settings: Settings, queue: Queue, report: Report) -> None:
    if not queue.shared:
        return
    try:
        warnings = await queue.warnings()
    except SettingsError as error:
        report.problem("queue", str(settings.with_origin(error)))
        return
    for line in warnings:
        text, _, remedy = line.rpartition(": ")
        report.warn("queue", text, remedy)
    if not warnings:
        report.good("queue", "it can be reached, and keeps all messages")


def _check_port(server: ServerSettings, report: Report) -> None:
    place = describe(server.address, server.port)
    try:
        for sock in listen(server.address, server.port):
            sock.close()
    except PermissionError:
        text = f"{place}: this user may not use ports below 1024"
        report.problem("port", text, "[server] port = 8080, with nginx at 80 and 443")
    except OSError as error:
        if _is_thywill(server):
            report.good("port", f"a running thywill server listens on {place}")
        else:
            reason = error.strerror or str(error)
            text = f"cannot listen on {place}: {reason}"
            report.problem("port", text, "another [server] port or address, or stop the other program")
    else:
        report.good("port", f"{place} is free")


def _is_thywill(server: ServerSettings) -> bool:
    address = bare(server.address)
    host = "127.0.0.1" if address in ("", "0.0.0.0", "::") else address  # noqa: S104
    asking = http.client.HTTPConnection(host, server.port, timeout=PROBE)
    try:
        asking.request("GET", "/thywill/health")
        return b'"status":"ok"' in asking.getresponse().read(200)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asking.close()


def _check_limits(server: ServerSettings, report: Report) -> None:
    too_few = descriptors.shortage(server.max_clients)
    if too_few:
        text, _, remedy = too_few.partition(": ")
        report.warn("descriptors", text, remedy)
    else:
        needed = descriptors.needed(server.max_clients)
        report.good(
            "descriptors", f"{needed} are enough for {counted(server.max_clients, 'client')}, and are allowed"
        )


def _check_processes(server: ServerSettings, report: Report) -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if server.processes > cores:
        text = f"{server.processes} servers on {counted(cores, 'processor')} are slower than {cores}"
        report.warn("processes", text, f"[server] processes = {cores}")
    elif server.processes > 1:
        text = f"{server.processes} servers share the port, each with its own limits; a parent watches them"
        report.good("processes", text)


def _is_everyone(proxy: str) -> bool:
    try:
        return not ipaddress.ip_network(proxy, False).prefixlen
    except ValueError:  # the name of a host, or unix:
        return False


def _check_network(server: ServerSettings, choice: Choice, report: Report) -> None:
    everyone = [each for each in server.trusted_proxies if _is_everyone(each)]
    for network in everyone:
        text = f"every address counts as a proxy ({network}): a request can claim any address"
        report.problem("proxies", text, '[server] trusted_proxies = ["ADDRESS OF THE PROXY"]')
    for push in choice.several("push", Push):
        if push.settings.hold >= USUAL:
            text = f"[push.{push.kind.name}] hold = {push.settings.hold:g}: proxies cut after {USUAL:g} s"
            report.warn("hold", text, "hold = 25, or a proxy_read_timeout that is longer than it")
    if bare(server.address) not in LOCAL:
        text = f"{server.address} can be reached past the proxy, without TLS"
        report.warn("address", text, '[server] address = "127.0.0.1", where nginx is on this machine')
