"""The real nginx before the server: with the settings of ``conf/nginx.conf``, and with others."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.browser.drivers.programs import provide, require
from tests.gate.environment import ROOT, MissingProgram
from tests.support.served import Served

TEXT = (ROOT / "conf" / "nginx.conf").read_text(encoding="utf-8")
"""The file that operators install."""

STREAM = (ROOT / "conf" / "nginx-stream.conf").read_text(encoding="utf-8")
"""The file that operators install if nginx only ends TLS."""
STREAM_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
"""Where Debian puts it."""

Install = Callable[[Path, int, int, int, int, str], str]

# The default user, nobody, could not read a test's folder.
ALONE = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")

OWN = """
{alone}
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream thywill {{ server 127.0.0.1:{upstream}; keepalive 16; }}
  server {{
    listen 127.0.0.1:{plain};
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/certificate.pem;
    ssl_certificate_key {folder}/key.pem;
    {settings}
  }}
}}
"""

FORWARDED = """proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;"""
PASS = f"proxy_pass http://thywill; proxy_set_header Host $http_host; {FORWARDED}"
KEPT = 'proxy_http_version 1.1; proxy_set_header Connection "";'
RIGHT = f"location / {{ {PASS} {KEPT} proxy_buffering off; proxy_read_timeout 60s; }}"
DEFAULTS = f"location / {{ {PASS} }}"
HOLDING = (
    "proxy_buffering on; proxy_buffers 8 64k; proxy_buffer_size 64k; proxy_ignore_headers X-Accel-Buffering;"
)
COMPRESSING = "gzip on; gzip_types *; gzip_proxied any;"
BUFFERING = f"location / {{ {PASS} {KEPT} {HOLDING} {COMPRESSING} }}"


class Nginx:
    """A running nginx, at a port with TLS and at one without.

    Args:
        folder: for all that it writes.
        upstream: the server's port.
        settings: what stands in its ``server``; None takes ``conf/nginx.conf`` instead, with the folders,
            ports and names of a test.
        text: that file, where it is another one.
        install: makes the changes to it; ``installed`` if there is none.
    """

    def __init__(
        self,
        folder: Path,
        upstream: int,
        settings: str | None,
        text: str = TEXT,
        install: Install | None = None,
    ) -> None:
        program = require("nginx", "nginx-light")
        self.port, self.plain_port, self.redirect_port = free_port(), free_port(), free_port()
        make_certificate(folder)
        if settings is None:
            ports = (self.port, self.plain_port, self.redirect_port)
            text = provide(lambda: (install or installed)(folder, upstream, *ports, text))
        else:
            text = OWN.format(
                alone=ALONE,
                folder=folder,
                upstream=upstream,
                port=self.port,
                plain=self.plain_port,
                settings=settings,
            )
        self.config = folder / "nginx.conf"
        self.config.write_text(text)
        self._command = [program, "-p", str(folder), "-c", str(self.config), "-e", str(folder / "nginx.log")]
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        self._wait()

    @property
    def address(self) -> str:
        """Its address without TLS."""
        return f"http://127.0.0.1:{self.plain_port}/"

    @property
    def secure_address(self) -> str:
        """Its address with TLS; the certificate is self-signed."""
        return f"https://127.0.0.1:{self.port}/"

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except ConnectionRefusedError:
                assert self._process.poll() is None, (self.config.parent / "nginx.log").read_text()
                assert time.monotonic() < deadline, "nginx does not answer"
                time.sleep(0.02)
            else:
                return


def installed(folder: Path, upstream: int, port: int, plain: int, redirect: int, text: str = TEXT) -> str:
    """Return ``conf/nginx.conf`` with the changes that a test needs, such as a port without TLS."""
    changes = {
        "user www-data;": ALONE,
        "/run/nginx.pid": f"{folder}/nginx.pid",
        "/var/log/nginx/": f"{folder}/",
        "/var/lib/nginx/": f"{folder}/",
        "worker_rlimit_nofile 65536;": "",
        "worker_connections 32768;": "worker_connections 4096;",
        "127.0.0.1:8080": f"127.0.0.1:{upstream}",
        "listen 80;": f"listen 127.0.0.1:{redirect};",
        "listen [::]:80;": "",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2; listen 127.0.0.1:{plain};",
        "listen [::]:443 ssl http2;": "",
        "chat.example.org;": "127.0.0.1;",
        "/etc/letsencrypt/live/chat.example.org/fullchain.pem": f"{folder}/certificate.pem",
        "/etc/letsencrypt/live/chat.example.org/privkey.pem": f"{folder}/key.pem",
        "    server_tokens off;": f"client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n"
        f"    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
        "    server_tokens off;",
    }
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def installed_stream(folder: Path, upstream: int, port: int, plain: int, redirect: int, text: str) -> str:
    """Return ``conf/nginx-stream.conf`` likewise; it has no port without TLS.

    Raises:
        MissingProgram: the module is not installed.
    """
    changes = {
        "modules/ngx_stream_module.so": str(stream_module()),
        "user www-data;": ALONE,
        "/run/nginx.pid": f"{folder}/nginx.pid",
        "/var/log/nginx/": f"{folder}/",
        "worker_rlimit_nofile 65536;": "",
        "worker_connections 32768;": "worker_connections 4096;",
        "127.0.0.1:8080": f"127.0.0.1:{upstream}",
        "listen 80;": f"listen 127.0.0.1:{redirect};",
        "listen [::]:80;": "",
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "listen [::]:443 ssl;": "",
        "chat.example.org;": "127.0.0.1;",
        "/etc/letsencrypt/live/chat.example.org/fullchain.pem": f"{folder}/certificate.pem",
        "/etc/letsencrypt/live/chat.example.org/privkey.pem": f"{folder}/key.pem",
        "    server_tokens off;": f"client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n"
        f"    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
        "    server_tokens off;",
    }
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def stream_module() -> Path:
    """Return where nginx's module ``stream`` is.

    Raises:
        MissingProgram: it is not installed.
    """
    if not STREAM_MODULE.exists():
        raise MissingProgram("nginx's module stream", "libnginx-mod-stream")
    return STREAM_MODULE


def make_certificate(folder: Path) -> None:
    """Make a certificate that nobody has signed, for 127.0.0.1."""
    program = require("openssl", "openssl")
    subprocess.run(
        [
            *(program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")),
        ],
        check=True,
        capture_output=True,
    )


def free_port() -> int:
    """Return a port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port


@contextmanager
def behind_nginx(folder: Path, *options: str) -> Iterator[tuple[Served, Nginx]]:
    """Run a server with these options behind an nginx with the settings of conf/."""
    served = Served(folder, *options)
    nginx = Nginx(folder, served.port, None)
    yield served, nginx
    nginx.stop()
    served.kill()
