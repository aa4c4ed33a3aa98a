"""The real nginx before the server, with settings of a test's own."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

from tests.browsers.programs import require

CONFIG = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream thywill {{ server 127.0.0.1:{upstream}; keepalive 16; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://thywill;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      {settings}
    }}
  }}
}}
"""

RIGHT = 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_read_timeout 60s;'
BUFFERING = """proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering on; proxy_buffers 8 64k; proxy_buffer_size 64k; proxy_ignore_headers X-Accel-Buffering;
      gzip on; gzip_types *; gzip_proxied any;"""


class Nginx:
    """A running nginx.

    Args:
        folder: for all that it writes.
        upstream: the server's port.
        settings: what stands in its ``location``.
    """

    def __init__(self, folder: Path, upstream: int, settings: str) -> None:
        program = require("nginx", "nginx-light")
        self.port = _free_port()
        text = CONFIG.format(folder=folder, upstream=upstream, port=self.port, settings=settings)
        config = folder / "nginx.conf"
        config.write_text(text)
        command = [program, "-p", str(folder), "-c", str(config), "-e", str(folder / "nginx.log")]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self._wait()

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://127.0.0.1:{self.port}/"

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, "nginx does not answer"
                time.sleep(0.02)
            else:
                return


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port
