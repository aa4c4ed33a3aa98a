"""nginx before the server that is measured, with the settings of ``conf/``."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.gate.environment import Unprepared, require
from tests.support.proxied import (
    ALONE,
    STREAM,
    free_port,
    installed,
    installed_stream,
    make_certificate,
    stream_module,
)
from tests.tools.bench.servers import answers, file_limit, open_many_files, wait_until

NONE, NGINX, TLS, STREAM_TLS = "none", "nginx", "nginx-tls", "stream-tls"
THROUGH = (NONE, NGINX, TLS, STREAM_TLS)
WITH_TLS = (TLS, STREAM_TLS)
CLIENTS_PER_ADDRESS = 50
"""As many requests of one address as ``conf/nginx.conf`` passes on at once (``delay`` of ``limit_req``). Of
more it passes on one in each millisecond, so that server and nginx would wake up three times as often."""
SPARE_FILES = 3000
"""Descriptors of a worker that are not its clients', and room for those that get more of them than others."""

# The load generator speaks no TLS: this one does, in the browsers' place, and is not measured. Each client
# has a connection of its own, from its own address. In nginx's ``http`` they would share connections, so that
# a client's requests would come from another address each time, as no browser's do.
BROWSERS = """
load_module {module};
{alone}
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections {files}; }}
stream {{
  server {{
    listen 127.0.0.1:{port} reuseport backlog=4096;
    proxy_pass 127.0.0.1:{upstream};
    proxy_ssl on;
    proxy_ssl_session_reuse off;
    proxy_bind $remote_addr;
    proxy_timeout 600s;
  }}
}}
"""


class Running:
    """An nginx of a test.

    Raises:
        Unprepared: it did not start.
    """

    def __init__(self, folder: Path, text: str, port: int) -> None:
        self.port = port
        config, log = folder / "nginx.conf", folder / "nginx.log"
        config.write_text(text)
        command = [require("nginx", "nginx-light"), "-p", str(folder), "-c", str(config), "-e", str(log)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL, preexec_fn=open_many_files)
        if not wait_until(lambda: answers(port), self._process):
            self.stop()
            raise Unprepared(f"nginx does not start: {log.read_text()[-500:]}")

    @property
    def pids(self) -> list[int]:
        """Its processes."""
        first = self._process.pid
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


def workers(clients: int) -> int:
    """Return how many workers hold ``clients`` here, with two descriptors for each; two at least."""
    return max(2, -(-2 * clients // (file_limit() - SPARE_FILES)))


def text_of_front(folder: Path, upstream: int, ports: tuple[int, int], clients: int) -> str:
    """Return ``conf/nginx.conf`` with the folders and ports of a trial, and with its limits raised."""
    secure, plain = ports
    make_certificate(folder)
    text = installed(folder, upstream, secure, plain, free_port())
    # The workers share connections evenly, and accept many at once.
    many = "reuseport backlog=4096;"
    changes = {
        "worker_processes auto;": f"worker_processes {workers(clients)};",
        "worker_connections 4096;": f"worker_connections {file_limit()};",
        f"listen 127.0.0.1:{secure} ssl http2;": f"listen 127.0.0.1:{secure} ssl http2 {many}",
        f"listen 127.0.0.1:{plain};": f"listen 127.0.0.1:{plain} {many}",
    }
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def text_of_stream(folder: Path, upstream: int, port: int, clients: int) -> str:
    """Return ``conf/nginx-stream.conf`` likewise."""
    make_certificate(folder)
    text = installed_stream(folder, upstream, port, 0, free_port(), STREAM)
    changes = {
        "worker_processes auto;": f"worker_processes {workers(clients)};",
        "worker_connections 4096;": f"worker_connections {file_limit()};",
        f"listen 127.0.0.1:{port} ssl;": f"listen 127.0.0.1:{port} ssl reuseport backlog=4096;",
    }
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def text_of_browsers(folder: Path, upstream: int, port: int, clients: int) -> str:
    """Return the settings of the nginx that speaks TLS for the load generator."""
    return BROWSERS.format(
        alone=ALONE,
        module=stream_module(),
        folder=folder,
        workers=workers(clients),
        files=file_limit(),
        upstream=upstream,
        port=port,
    )


@contextlib.contextmanager
def between(through: str, folder: Path, upstream: int, clients: int) -> Iterator[tuple[int, list[int]]]:
    """Put nginx before the server at ``upstream``.

    Args:
        through: one of ``THROUGH``.
        folder: for what it writes.
        clients: how many it has to hold.

    Returns:
        The port to go to, and the processes of nginx that are measured.
    """
    if through == NONE:
        yield upstream, []
        return
    secure, plain = free_port(), free_port()
    with contextlib.ExitStack() as ending:
        if through == STREAM_TLS:
            front = Running(folder, text_of_stream(folder, upstream, secure, clients), secure)
        else:
            front = Running(folder, text_of_front(folder, upstream, (secure, plain), clients), plain)
        ending.callback(front.stop)
        port = plain
        if through in WITH_TLS:
            (folder / "browsers").mkdir()
            port = free_port()
            text = text_of_browsers(folder / "browsers", secure, port, clients)
            ending.callback(Running(folder / "browsers", text, port).stop)
        yield port, front.pids
