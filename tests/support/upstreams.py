"""Servers behind nginx that do what a test says, and ``conf/nginx.conf`` for several of them."""

from __future__ import annotations

import re
import socketserver
import threading
from typing import cast

from tests.support.proxied import TEXT

SINGLE = re.compile(r"^ +server 127\.0\.0\.1:8080 max_fails=0;.*\n", re.MULTILINE)
COMMENTED = re.compile(r"^( +)# (zone thywill\w* .*;|server 10\.0\.0\.1\d:8080 .*;)$", re.MULTILINE)


def for_two(port: int, failures: str = "max_fails=1") -> str:
    """Return ``conf/nginx.conf`` with the lines for several servers: 127.0.0.1:8080 and ``port`` there.

    Args:
        port: the port of the second server.
        failures: what stands in place of ``max_fails=1``.
    """
    return for_several(port).replace("max_fails=1", failures)


def for_several(*ports: int) -> str:
    """Return ``conf/nginx.conf`` for 127.0.0.1:8080 and one or two other ports there."""
    text = COMMENTED.sub(r"\1\2", SINGLE.sub("", TEXT)).replace("10.0.0.11:8080", "127.0.0.1:8080")
    for name, port in zip(("10.0.0.12:8080", "10.0.0.13:8080"), ports, strict=False):
        text = text.replace(name, f"127.0.0.1:{port}")
    return re.sub(r"^ +server 10\.0\.0\.1\d:8080 .*\n", "", text, flags=re.MULTILINE)


class Upstream(socketserver.ThreadingTCPServer):
    """Counts the requests that it gets, and gives each the same answer.

    Args:
        status: the status of its answers; 0 closes the connection instead, after the whole request.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), OneRequest)
        self.status = status
        self.paths: list[str] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return cast(int, self.server_address[1])

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        super().__exit__(*error)


class OneRequest(socketserver.StreamRequestHandler):
    """Reads one request and ends the connection."""

    def handle(self) -> None:
        upstream = cast(Upstream, self.server)
        line = self.rfile.readline().decode()
        size = 0
        while header := self.rfile.readline().strip():
            name, _, value = header.partition(b":")
            size = int(value) if name.lower() == b"content-length" else size
        self.rfile.read(size)
        if line:
            upstream.paths.append(line.split()[1])
        if upstream.status:
            head = f"HTTP/1.1 {upstream.status} X\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
            self.wfile.write(head.encode())
