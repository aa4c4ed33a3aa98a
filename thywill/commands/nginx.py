"""``run.py check --nginx FILE``: checks whether nginx's settings fit the server's, and name existing files.

It reads single directives, not nginx's whole language, and does not follow ``include``. ``nginx -t`` and
``run.py doctor`` find the rest.
"""

from __future__ import annotations

import re
from pathlib import Path

from thywill.commands.report import Report
from thywill.config import ServerSettings

COMMENT = re.compile(r"(?:^|(?<=\s))#.*", re.MULTILINE)
DIRECTIVE = re.compile(r"(?:^|(?<=[;{}]))\s*([a-z_]+)\s+([^;{}]+);", re.MULTILINE)
CERTBOT = "sudo certbot certonly --webroot -w /var/www/html -d NAME, or another path"
LIMITS = "limit_req and limit_conn as in conf/nginx.conf"
DEFAULT_SIZE = 1024 * 1024
"""nginx's default for client_max_body_size."""
UNITS = {"k": 1024, "m": 1024**2, "g": 1024**3}
SECONDS = {"s": 1, "m": 60, "h": 3600}
STREAM = re.compile(r"^\s*stream\s*\{", re.MULTILINE)
STREAM_TIMEOUT = 600.0
"""nginx's default for proxy_timeout, in seconds."""
UPSTREAM = re.compile(r"\bupstream\s+(\S+)\s*\{([^}]*)\}")
CONNECTIONS_OF_CLIENT = 2
"""The connections of a worker that a parked client takes: one to its browser and one to the server."""
KEPT = 1024
"""How many connections to keep is advised where the file does not say how many clients a worker has."""
ENOUGH = 0.9
"""The part of the clients of a worker for which nginx has to keep connections: fewer is worth a warning."""
FILES = ("ssl_certificate", "ssl_certificate_key", "ssl_dhparam", "ssl_trusted_certificate")


def examine(file: Path, server: ServerSettings, hold: float = 0.0, *, shared: bool = True) -> Report:
    """Return a report on nginx's settings.

    Args:
        file: nginx's settings.
        server: the section ``[server]`` of ours.
        hold: for how many seconds the longest of our answers waits without a byte.
        shared: whether several servers may use our queue.
    """
    report = Report()
    try:
        text = COMMENT.sub("", file.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        report.problem("nginx", f"{file} cannot be read: {error.strerror}", "sudo, or another --nginx FILE")
        return report
    lines = _directives(text)
    for name, value in lines:
        if name in FILES:
            _check_file(name, Path(value.strip("'\"")), report)
    upstreams = [value.split()[0] for name, value in lines if name == "server"]
    if upstreams and not any(_is_here(each, server) for each in upstreams):
        text = f"its upstream is {', '.join(upstreams)}, but the settings have {server.address}:{server.port}"
        report.problem("nginx", text, f"server {server.address}:{server.port}; in upstream thywill")
    elif len(set(upstreams)) > 1 and not shared:
        servers = ", ".join(dict.fromkeys(upstreams))
        text = f"it spreads requests over {servers}, but the queue is for one server"
        report.problem("nginx", text, '[queue] component = "redis", or one server in upstream thywill')
    elif not report.status:
        _check_header(text, lines, server, report)
        if STREAM.search(text) is not None:
            _check_stream(lines, server, report)
        else:
            _check_limits(lines, server, report)
            _check_times(text, lines, server, hold, report)
            _check_kept(text, lines, server, report)
        report.good("nginx", f"{file} leads to this server, and the files that it names exist")
    return report


def _check_header(text: str, lines: list[tuple[str, str]], server: ServerSettings, report: Report) -> None:
    """Report if nginx sends PROXY headers that the server does not expect, or sends none in a ``stream``."""
    sends, expects = ("proxy_protocol", "on") in lines, bool(server.proxied_scheme)
    if sends and not expects:
        reason = "it begins connections with a PROXY header, which [server] proxy_protocol does not expect"
        report.problem("nginx", reason, '[server] proxy_protocol = "https"')
    elif STREAM.search(text) is not None and not sends:
        reason = "its stream does not pass the browsers' addresses on: all browsers have nginx's address"
        report.problem("nginx", reason, "proxy_protocol on; beside proxy_pass")


def _check_stream(lines: list[tuple[str, str]], server: ServerSettings, report: Report) -> None:
    """Report on the times and limits of a ``stream``, in which the server itself reads HTTP."""
    waits = [_seconds(value) for name, value in lines if name == "proxy_timeout"] or [STREAM_TIMEOUT]
    if min(waits) <= server.idle_timeout:
        reason = f"proxy_timeout is {min(waits):g} s, but [server] idle_timeout is {server.idle_timeout:g}"
        report.warn("nginx", reason, f"proxy_timeout {server.idle_timeout + 15:g}s;")
    if "limit_conn" not in {name for name, _ in lines}:
        report.warn("nginx", "it sets no limit for one address", "limit_conn as in conf/nginx-stream.conf")


def _check_limits(lines: list[tuple[str, str]], server: ServerSettings, report: Report) -> None:
    """Report on limits, unless the file is a part of nginx's settings without a ``proxy_pass``."""
    names = {name for name, _ in lines}
    if "proxy_pass" not in names:
        return
    sizes = [_bytes(value) for name, value in lines if name == "client_max_body_size"] or [DEFAULT_SIZE]
    if 0 not in sizes and max(sizes) < server.max_body:  # 0 is no limit
        text = (
            f"it refuses bodies of more than {max(sizes)} bytes, but [server] max_body is {server.max_body}"
        )
        report.warn("nginx", text, f"client_max_body_size {server.max_body}; in location = /thywill/send")
    buffers = [_bytes(value.split()[-1]) for name, value in lines if name == "large_client_header_buffers"]
    if buffers and max(buffers) < server.max_header:
        text = (
            f"it takes header lines of {max(buffers)} bytes, but [server] max_header is {server.max_header}"
        )
        report.warn("nginx", text, f"large_client_header_buffers 4 {server.max_header};")
    if not {"limit_req", "limit_conn"} <= names:
        report.warn("nginx", "it sets no limits for one address: one visitor can use all connections", LIMITS)


def _check_times(
    text: str, lines: list[tuple[str, str]], server: ServerSettings, hold: float, report: Report
) -> None:
    """Report if nginx closes waiting requests too early, or keeps connections longer than the server."""
    reads = [_seconds(value) for name, value in lines if name == "proxy_read_timeout"]
    if reads and min(reads) <= hold:
        reason = (
            f"proxy_read_timeout is {min(reads):g} s, but an answer may wait for {hold:g} s (hold in [push])"
        )
        report.warn("nginx", reason, "proxy_read_timeout 60s; or a shorter hold")
    kept = [
        _seconds(value)
        for _, inside in _upstreams(text, server)
        for name, value in inside
        if name == "keepalive_timeout"
    ]
    if kept and max(kept) >= server.idle_timeout:
        reason = (
            f"it keeps connections for {max(kept):g} s, but [server] idle_timeout is {server.idle_timeout:g}"
        )
        report.warn("nginx", reason, "a shorter keepalive_timeout in upstream thywill")


def _check_kept(text: str, lines: list[tuple[str, str]], server: ServerSettings, report: Report) -> None:
    """Report if nginx keeps fewer connections to the server than a worker has clients."""
    connections = [int(value) for name, value in lines if name == "worker_connections" and value.isdecimal()]
    clients = min(max(connections, default=0) // CONNECTIONS_OF_CLIENT, server.max_clients)
    for upstream, inside in _upstreams(text, server):
        kept = [value.split()[0] for name, value in inside if name == "keepalive"]
        most = max((int(number) for number in kept if number.isdecimal()), default=0)
        if not most:
            reason = f"upstream {upstream} keeps no connection to the server, so each poll needs a new one"
            report.warn("nginx", reason, f"keepalive {clients or KEPT}; in upstream {upstream}")
        elif most < ENOUGH * clients:
            reason = (
                f"a worker holds up to {clients} parked clients, but upstream {upstream} keeps {most}"
                " connections: after a message to all nginx closes the others, so that polls need new ones"
            )
            report.warn("nginx", reason, f"keepalive {clients}; in upstream {upstream}")


def _upstreams(text: str, server: ServerSettings) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the names and directives of the upstreams that lead to this server and not to another one."""
    blocks = [(name, _directives(block)) for name, block in UPSTREAM.findall(text)]
    return [
        (upstream, inside)
        for upstream, inside in blocks
        if any(name == "server" and _is_here(value.split()[0], server) for name, value in inside)
    ]


def _directives(text: str) -> list[tuple[str, str]]:
    """Return the names and values of the directives in ``text``, which has no comments."""
    return [(name, value.strip()) for name, value in DIRECTIVE.findall(text)]


def _seconds(text: str) -> float:
    number, unit = (text[:-1], text[-1]) if text[-1:].isalpha() else (text, "s")
    return float(int(number) * SECONDS.get(unit, 1)) if number.isdecimal() else float("inf")


def _bytes(text: str) -> int:
    number, unit = (text[:-1], text[-1].lower()) if text[-1:].isalpha() else (text, "")
    return int(number) * UNITS.get(unit, 1) if number.isdecimal() else 0


def _check_file(name: str, file: Path, report: Report) -> None:
    if "$" in str(file):
        return
    try:
        file.stat()
    except PermissionError:
        report.warn("nginx", f"{name} {file}: this user may not enter its folder", "sudo nginx -t checks it")
    except OSError:
        text = f"{name} {file}: there is no such file, so nginx does not start"
        report.problem("nginx", text, CERTBOT)


def _is_here(upstream: str, server: ServerSettings) -> bool:
    host, _, port = upstream.rpartition(":")
    return port == str(server.port) and bool(host)
