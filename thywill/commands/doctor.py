"""``run.py doctor URL``: finds what proxies and networks do to requests between a browser and the server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from thywill.commands import front, streams
from thywill.commands.http_client import HttpClient, Unreachable
from thywill.commands.report import Report
from thywill.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Examination:
    """The options of an examination.

    Args:
        url: the address at which browsers find the server.
        patience: seconds for the whole examination.
        application: the application to connect to, or None for the first in the list.
        origin: another origin whose pages should be allowed, or None.
        insecure: whether to go on with a wrong certificate.
    """

    url: str
    patience: float = 40.0
    application: str | None = None
    origin: str | None = None
    insecure: bool = False

    def check(self) -> None:
        """Check the options.

        Raises:
            SettingsError: the URL or the patience is wrong.
        """
        try:
            parts = urlsplit(self.url)
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address:
            raise SettingsError(f"{self.url!r} is no address: write it as https://chat.example.org/")
        if not self.patience > 0:
            raise SettingsError("--patience must be more than 0 seconds")


def run(options: Mapping[str, Any]) -> int:
    """Print what was found and return the exit status.

    Args:
        options: the options of the command, by name.

    Raises:
        SettingsError: the URL or the patience is wrong.
    """
    names = ("url", "patience", "application", "origin", "insecure")
    wanted = Examination(**{name: options[name] for name in names})
    wanted.check()
    return asyncio.run(examine(wanted)).show(as_json=options["json"])


async def examine(wanted: Examination) -> Report:
    """Return a report, after ``wanted.patience`` seconds at the latest."""
    report = Report()
    http = HttpClient(wanted.url, insecure=wanted.insecure)
    try:
        await asyncio.wait_for(_examine(http, wanted, report), wanted.patience)
    except TimeoutError:
        text = f"some checks did not end within {wanted.patience:g} s"
        report.problem("time", text, f"--patience {wanted.patience * 2:.0f}")
    finally:
        http.close()
    return report


async def _examine(http: HttpClient, wanted: Examination, report: Report) -> None:
    began = time.monotonic()
    if not await front.find_server(http, report):
        return
    known = front.Installation()
    try:
        await front.check_requests(http, known, report)
        await front.check_pages(http, known, report, wanted.application)
    except Unreachable as error:
        report.problem("address", f"it answers now and then: {error.reason}", error.remedy)
        return
    left = wanted.patience - (time.monotonic() - began)
    parts = await asyncio.gather(
        _safely(front.probe_files(http)),
        _safely(front.probe_origins(http, wanted.origin)),
        _safely(front.probe_size(http, known.message)),
        _safely(streams.probe_transports(http, known.push, known.hold)),
        _safely(streams.probe_silence(http, known.hold, left)),
    )
    for part in parts:
        report.findings += part.findings


async def _safely(probe: Awaitable[Report]) -> Report:
    try:
        return await probe
    except Unreachable as error:
        report = Report()
        report.problem("address", f"it answers now and then: {error.reason}", error.remedy)
        return report
