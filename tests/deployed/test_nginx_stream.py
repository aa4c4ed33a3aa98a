"""``conf/nginx-stream.conf`` in the real nginx: TLS ends there, HTTP is ours, PROXY headers say who asks."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import run_here, wait_for
from tests.support.proxied import STREAM, Nginx, installed_stream
from tests.support.served import Served
from thywill.commands import remedies

APPLICATIONS = ("--applications", "tests.support.probe,apps.echo")
KNOWING = {"THYWILL_SERVER_PROXY_PROTOCOL": "https"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Served, Nginx]]:
    served = Served(tmp_path, *APPLICATIONS, environment=KNOWING)
    nginx = Nginx(tmp_path, served.port, None, STREAM, installed_stream)
    yield served, nginx
    nginx.stop()
    served.kill()


class Asking:
    """One connection to nginx, from an address of this machine."""

    def __init__(self, nginx: Nginx, address: str) -> None:
        context = ssl._create_unverified_context()
        self._connection = http.client.HTTPSConnection(
            "127.0.0.1", nginx.port, context=context, source_address=(address, 0), timeout=60
        )

    def ask(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        method, data = ("GET", None) if body is None else ("POST", json.dumps(body))
        self._connection.request(method, f"/{path}", data, headers)
        answer = self._connection.getresponse()
        self.headers = answer.headers
        text = answer.read()
        return answer.status, json.loads(text) if answer.headers.get_content_subtype() == "json" else text

    def close(self) -> None:
        self._connection.close()


def test_the_server_knows_the_browser_and_its_scheme(site: tuple[Served, Nginx]) -> None:
    served, nginx = site
    for address in ("127.0.0.7", "127.0.0.8"):
        asking = Asking(nginx, address)
        for _ in range(3):
            status, seen = asking.ask("thywill/echo", **{"X-Forwarded-For": "203.0.113.1"})
            assert (status, seen["scheme"], seen["forwarded_for"]) == (200, "https", "ignored")
        status, told = asking.ask("thywill/connect", {"application": "probe"})
        assert status == 200
        assert "; Secure" in asking.headers["Set-Cookie"]
        assert (
            asking.ask("thywill/poll", {"token": told["token"], "cursor": told["cursor"], "hold": 0})[0]
            == 200
        )
        asking.close()
        wait_for(lambda text=f"connects to probe from {address}": text in served.log.read_text())


def test_messages_get_through_on_kept_connections(site: tuple[Served, Nginx]) -> None:
    _, nginx = site
    polling, sending = Asking(nginx, "127.0.0.7"), Asking(nginx, "127.0.0.7")
    _, told = polling.ask("thywill/connect", {"application": "echo"})
    token, cursor = told["token"], told["cursor"]
    for number in range(1, 6):
        assert sending.ask("thywill/send", {"token": token, "messages": [[number, f"n{number}"]]})[0] == 200
        _, answer = polling.ask("thywill/poll", {"token": token, "cursor": cursor})
        assert [data for _, data in answer["messages"]] == [f"n{number}"]
        cursor = answer["cursor"]
    polling.close()
    sending.close()


def test_programs_on_the_machine_need_no_header(site: tuple[Served, Nginx]) -> None:
    served, _ = site
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.request("GET", "/thywill/health")
    assert connection.getresponse().status == 200
    connection.close()


def test_nobody_gets_in_as_this_machine(site: tuple[Served, Nginx]) -> None:
    served, nginx = site
    asking = Asking(nginx, "127.0.0.7")
    assert asking.ask("thywill/health")[0] == 200
    asking._connection.sock.sendall(
        b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    assert b" 400 " in asking._connection.sock.recv(100)
    asking.close()
    assert "Traceback" not in served.log.read_text()


def test_doctor_finds_nothing(site: tuple[Served, Nginx], tmp_path: Path) -> None:
    _, nginx = site
    done = run_here("doctor", nginx.secure_address, "--insecure", "--json", folder=tmp_path)
    found = json.loads(done.stdout)
    assert [each for each in found["findings"] if each["level"] == "problem"] == []


@pytest.mark.parametrize(
    ("text", "subject", "remedy"),
    [
        (STREAM, "address", remedies.EXPECT_HEADER),
        (STREAM.replace("proxy_protocol on;", ""), "scheme", remedies.STREAM),
    ],
    ids=["a header that is not expected", "no header"],
)
def test_doctor_finds_what_does_not_fit(tmp_path: Path, text: str, subject: str, remedy: str) -> None:
    with ExitStack() as ending:
        served = Served(tmp_path, *APPLICATIONS)
        ending.callback(served.kill)
        nginx = Nginx(tmp_path, served.port, None, text, installed_stream)
        ending.callback(nginx.stop)
        done = run_here("doctor", nginx.secure_address, "--insecure", "--json", folder=tmp_path)
    found = json.loads(done.stdout)["findings"]
    (problem,) = (each for each in found if each["subject"] == subject and each["level"] == "problem")
    assert problem["remedy"] == remedy
