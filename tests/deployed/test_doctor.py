"""``run.py doctor`` through the real nginx, set up well and badly, and against what is not thywill."""

from __future__ import annotations

import asyncio
import errno
import json
import ssl
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Start
from tests.support import proxied
from tests.support.command import run_here
from tests.support.proxied import DEFAULTS, FORWARDED, KEPT, PASS, RIGHT, Nginx, free_port, make_certificate
from tests.support.served import COMMAND
from tests.support.serving import Running
from tests.support.shared_queue import SHARED
from tests.support.upstreams import for_two
from thywill.commands import front, remedies, streams
from thywill.commands.doctor import Examination, examine
from thywill.commands.http_client import HttpClient, explain
from thywill.commands.report import Level, Report
from thywill.core import probe
from thywill.monitoring.figures import Figures

pytestmark = pytest.mark.gen_test

LONG = {"longpoll": {"hold": 240.0}, "sockjs": {"hold": 240.0}}
SHORT = {"longpoll": {"hold": 3.0}, "sockjs": {"hold": 3.0}}
PATIENCE = 240
Examine = Callable[..., Awaitable[Report]]


@pytest.fixture(autouse=True)
def unhurried(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each answer the time that it needs on a busy machine, and leave out what takes time on its own."""
    monkeypatch.setattr(streams, "PROMPT", 60.0)
    monkeypatch.setattr(streams, "ENDING", 60.0)
    monkeypatch.setattr(streams, "SLACK", 60.0)
    if "silence" not in request.fixturenames:
        monkeypatch.setattr(streams, "probe_silence", nothing_to_see)


@pytest.fixture
def silence() -> None:
    """Let the test look how long an answer may be silent, which takes as long as the hold."""


async def nothing_to_see(http: HttpClient, hold: float, seconds: float) -> Report:
    return Report()


@pytest.fixture
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take for held back what has not come after 5 s: a stream that is held back takes twice as long."""
    monkeypatch.setattr(streams, "PROMPT", 5.0)


def found(report: Report, level: Level) -> dict[str, str]:
    """Return the remedies of what was found, by subject."""
    return {each.subject: each.remedy for each in report.findings if each.level is level}


@pytest.fixture
def behind(start: Start, tmp_path: Path) -> Iterator[Examine]:
    """A function that examines a server behind nginx with the settings that it takes."""
    started: list[Nginx] = []

    async def run(settings: str | None, path: str = "", *, push: object = LONG, **server: object) -> Report:
        running = await start(server=server, push=push)
        nginx = Nginx(tmp_path, int(running.base.rstrip("/").rpartition(":")[2]), settings)
        started.append(nginx)
        return await examine(Examination(nginx.secure_address + path, patience=PATIENCE, insecure=True))

    yield run
    for nginx in started:
        nginx.stop()


@pytest.mark.parametrize("settings", [RIGHT, None], ids=["right", "conf/nginx.conf"])
async def test_all_is_well(behind: Examine, settings: str | None) -> None:
    report = await behind(settings)
    assert [each.text for each in report.findings if each.level is not Level.GOOD] == []
    assert report.status == 0
    assert {each.subject for each in report.findings} == {
        *("address", "host", "scheme", "addresses", "keep-alive", "connect", "cookie", "servers", "files"),
        "origins",
        *("size", "longpoll", "longpoll jsonp", "xhr", "jsonp", "xhr-streaming", "eventsource", "htmlfile"),
    }


async def test_an_answer_may_be_silent(behind: Examine, silence: None) -> None:
    report = await behind(RIGHT, push=SHORT)
    (found,) = (each for each in report.findings if each.subject == "silence")
    assert (found.level, found.text) == (Level.GOOD, "an answer may be silent for the hold of 3 s")


STREAMS = {"xhr-streaming", "eventsource", "htmlfile"}


async def test_buffering_is_named(behind: Examine, prompt: None) -> None:
    report = await behind(f"location / {{ {PASS} {KEPT} {proxied.HOLDING} }}")
    warnings = found(report, Level.WARNING)
    assert set(warnings) == STREAMS
    assert all(remedy.startswith("proxy_buffering off;") for remedy in warnings.values())
    assert report.status == 0


async def test_compression_is_named(behind: Examine, prompt: None) -> None:
    report = await behind(proxied.BUFFERING)
    warnings = found(report, Level.WARNING)
    assert set(warnings) == STREAMS
    assert all(remedy.startswith("gzip off;") for remedy in warnings.values())


async def test_connections_that_are_not_kept_are_named(behind: Examine) -> None:
    report = await behind(DEFAULTS)
    assert found(report, Level.WARNING)["keep-alive"] == (
        'proxy_http_version 1.1;\nproxy_set_header Connection "";'
    )


async def test_a_read_timeout_below_the_hold_is_named(behind: Examine, silence: None) -> None:
    settings = RIGHT.replace("proxy_read_timeout 60s", "proxy_read_timeout 5s")
    report = await behind(settings, push={})
    assert found(report, Level.PROBLEM)["silence"].startswith("proxy_read_timeout 60s;")
    assert report.status == 1


async def test_a_missing_scheme_is_named(behind: Examine) -> None:
    report = await behind(RIGHT.replace("proxy_set_header X-Forwarded-Proto $scheme;", ""))
    problems = found(report, Level.PROBLEM)
    assert set(problems) == {"scheme", "cookie"}
    assert set(problems.values()) == {"proxy_set_header X-Forwarded-Proto $scheme;"}


async def test_a_proxy_that_is_not_trusted_is_named(behind: Examine) -> None:
    report = await behind(RIGHT, trusted_proxies=["192.0.2.1"])
    assert "[server] trusted_proxies" in found(report, Level.PROBLEM)["scheme"]


async def test_a_missing_address_is_named(behind: Examine) -> None:
    report = await behind(RIGHT.replace(FORWARDED.splitlines()[0], ""))
    assert found(report, Level.WARNING) == {
        "addresses": "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
    }


async def test_a_missing_host_is_named(behind: Examine) -> None:
    report = await behind(RIGHT.replace("proxy_set_header Host $http_host;", ""))
    problems = found(report, Level.PROBLEM)
    assert problems["host"] == problems["connect"] == "proxy_set_header Host $http_host;"


async def test_a_host_without_its_port_is_named(behind: Examine) -> None:
    report = await behind(RIGHT.replace("$http_host", "$host"))
    assert found(report, Level.PROBLEM)["host"] == "proxy_set_header Host $http_host;"


async def test_a_path_of_its_own(behind: Examine) -> None:
    settings = RIGHT.replace("location /", "location /live/").replace("http://thywill;", "http://thywill/;")
    report = await behind(settings, "live")
    assert found(report, Level.PROBLEM) == found(report, Level.WARNING) == {}


async def test_a_path_that_is_not_taken_away_is_named(behind: Examine) -> None:
    report = await behind(RIGHT.replace("location /", "location /live/"), "live/")
    assert found(report, Level.PROBLEM)["address"].startswith(
        "location /live/ { proxy_pass http://thywill/; }"
    )


async def test_headers_that_nginx_adds_are_named(behind: Examine) -> None:
    report = await behind("add_header Access-Control-Allow-Origin * always; " + RIGHT)
    assert "no add_header Access-Control-" in found(report, Level.PROBLEM)["origins"]


async def test_a_cookie_that_is_lost_is_named(behind: Examine) -> None:
    report = await behind(RIGHT.replace("proxy_buffering", "proxy_hide_header Set-Cookie; proxy_buffering"))
    assert "proxy_hide_header" in found(report, Level.PROBLEM)["cookie"]


async def test_a_body_that_is_too_large_for_the_proxy_is_named(behind: Examine) -> None:
    report = await behind("client_max_body_size 1k; " + RIGHT)
    assert found(report, Level.PROBLEM)["size"] == "client_max_body_size 1m;"


async def test_files_from_the_wrong_folder_are_named(behind: Examine, tmp_path: Path) -> None:
    report = await behind(f"location /static/ {{ alias {tmp_path}/nothing/; }} {RIGHT}")
    assert "location /static/" in found(report, Level.PROBLEM)["files"]


async def test_an_absent_server_is_distinguished_from_a_proxy(tmp_path: Path) -> None:
    nginx = Nginx(tmp_path, free_port(), RIGHT)
    report = await examine(Examination(nginx.address))
    nginx.stop()
    (problem,) = report.findings
    assert problem.text == "the proxy answers 502: it does not reach thywill"
    assert "systemctl status thywill" in problem.remedy


async def test_without_a_proxy_all_is_well(start: Start) -> None:
    running: Running = await start(push=LONG)
    report = await examine(Examination(running.base, patience=PATIENCE))
    assert found(report, Level.PROBLEM) == found(report, Level.WARNING) == {}


async def test_other_origins(start: Start) -> None:
    running = await start(push=LONG, client_interface={"origins": ["https://a.example"]})
    for origin, status in (("https://a.example", 0), ("https://b.example", 1)):
        report = await examine(Examination(running.base, patience=PATIENCE, origin=origin))
        assert report.status == status
    assert found(report, Level.PROBLEM)["origins"] == (
        '[client_interface] origins = ["https://b.example"] in conf/thywill.toml'
    )


async def test_the_address_of_an_application_is_distinguished_from_a_path(start: Start) -> None:
    running = await start()
    report = await examine(Examination(f"{running.base}probe/", patience=PATIENCE))
    (problem,) = report.findings
    assert problem.text == (
        "thywill answers, but /probe/ is not its list of applications; leave an application's name out"
    )
    assert problem.remedy == f"run.py doctor {running.base}"


async def test_refusals_that_doctor_provokes_are_not_shown_as_trouble(start: Start) -> None:
    running = await start()
    await examine(Examination(running.base, patience=PATIENCE, origin="https://elsewhere.example"))
    assert set(running.service.meter.errors) == {probe.COUNTED}
    assert Figures(running.service.watch)._trouble() == []
    await running.ask("poll", {"token": "forged", "cursor": 0})
    assert Figures(running.service.watch)._trouble() == [("refused: bad_token", 1)]


async def test_an_application_that_is_not_there(start: Start) -> None:
    running = await start()
    report = await examine(Examination(running.base, patience=PATIENCE, application="prob"))
    problems = [each for each in report.findings if each.level is Level.PROBLEM]
    assert [(each.subject, each.text) for each in problems] == [("connect", "there is no application prob")]
    assert problems[0].remedy == "--application probe"


@pytest.mark.parametrize(
    ("folders", "remedy"), [(("one", "two"), remedies.SAME_FILE), (("one", "one"), remedies.SHARED)]
)
async def test_two_servers_that_do_not_belong_together(
    start: Start, tmp_path: Path, folders: tuple[str, str], remedy: str
) -> None:
    """With different secrets, or with queues of their own."""
    queue = {"component": SHARED}
    ports = []
    for folder in folders:
        running = await start(server={"data": str(tmp_path / folder)}, queue=queue)
        ports.append(int(running.base.rstrip("/").rpartition(":")[2]))
    nginx = Nginx(tmp_path, ports[0], None, for_two(ports[1]))
    http, report = HttpClient(nginx.address, insecure=True), Report()
    await front.check_pages(http, front.Installation(seen={"scheme": "http"}), report, "probe")
    http.close()
    nginx.stop()
    assert found(report, Level.PROBLEM)["servers"] == remedy


async def test_sessions_that_meet_several_servers_are_named(start: Start, tmp_path: Path) -> None:
    """As on one port for several processes, where nothing can find the server of a SockJS session."""
    ports = []
    for _ in range(2):
        running = await start(queue={"component": SHARED})
        ports.append(int(running.base.rstrip("/").rpartition(":")[2]))
    text = for_two(ports[1]).replace("proxy_pass http://thywill_sockjs;", "proxy_pass http://thywill;")
    nginx = Nginx(tmp_path, ports[0], None, text)
    http = HttpClient(nginx.address, insecure=True)
    outcomes = [await streams.SockJSProbe(http, each, 60.0).run() for each in ("xhr", "xhr_streaming")]
    http.close()
    nginx.stop()
    assert outcomes == [streams.ELSEWHERE] * 2


async def test_little_patience_leaves_the_silence_out(start: Start, silence: None) -> None:
    running = await start()
    report = await examine(Examination(running.base, patience=60))
    assert found(report, Level.WARNING) == {"silence": "--patience 40"}


# What is not thywill.


async def fake(answer: bytes) -> tuple[asyncio.Server, str]:
    """Return a server that says the same to everybody, and its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        if not answer:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@pytest.mark.parametrize(
    ("answer", "text", "remedy"),
    [
        (b"HTTP/1.0 200 OK\r\nServer: A\r\n\r\n<h1>It works", "is not thywill: 200 by A", "with its path"),
        (b"HTTP/1.0 404 Not Found\r\n\r\n", "is not thywill: 404", "with its path"),
        (b'HTTP/1.0 200 OK\r\n\r\n["ok"]', "is not thywill: 200", "with its path"),
        (
            b"HTTP/1.0 301 Moved\r\nLocation: https://a.example/thywill/health\r\n\r\n",
            "sends elsewhere, to https://a.example/",
            "run.py doctor https://a.example/",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "closed without an answer in HTTP", "the address and its port"),
    ],
)  # fmt: skip
async def test_another_server_than_thywill_is_recognized(answer: bytes, text: str, remedy: str) -> None:
    server, url = await fake(answer)
    report = await examine(Examination(url, patience=PATIENCE))
    server.close()
    (problem,) = report.findings
    assert text in problem.text
    assert remedy in problem.remedy
    assert "\n" not in problem.text
    assert report.status == 1


async def test_a_server_that_never_answers_is_reported() -> None:
    server, url = await fake(b"")
    command = [*COMMAND, "doctor", url, "--patience", "0.5"]
    result = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    server.close()
    assert result.returncode == 1
    assert "time: some checks did not end within 0.5 s" in result.stdout


async def test_a_stream_that_comes_only_with_its_end_is_held_back() -> None:
    server, url = await fake(b'HTTP/1.0 200 OK\r\n\r\np("o")p("bad_token")')
    http = HttpClient(url, insecure=False)
    outcome = await streams.SockJSProbe(http, "htmlfile", prompt=60).run()
    http.close()
    server.close()
    assert outcome.effect is streams.Effect.LATE


async def test_nobody_is_there() -> None:
    port = free_port()
    report = await examine(Examination(f"http://127.0.0.1:{port}/"))
    (problem,) = report.findings
    assert "nothing listens there" in problem.text
    assert problem.remedy.startswith(f"python run.py --port {port} on this machine")


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("http://localhost:8080/", "python run.py --port 8080 on this machine; "),
        ("http://[::1]:81/chat/", "python run.py --port 81 on this machine; "),
        ("http://192.0.2.1:8080/", "python run.py --port 8080 on that machine, "),
        ("http://chat.example.org/", "systemctl status nginx thywill (nginx -t "),
        ("http://127.0.0.1:80/", "systemctl status nginx thywill (nginx -t "),
        ("https://127.0.0.1:8443/", "systemctl status nginx thywill (nginx -t "),
    ],
)
def test_what_starts_the_missing_server(url: str, remedy: str) -> None:
    found = explain(ConnectionRefusedError(errno.ECONNREFUSED, "refused"), url)
    assert found.remedy.startswith(remedy)


async def test_a_name_that_is_not_known() -> None:
    report = await examine(Examination("http://nowhere.invalid/"))
    (problem,) = report.findings
    assert "the name nowhere.invalid is not known" in problem.text


async def test_a_certificate_that_nobody_signed(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context)
    report = await examine(Examination(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
    server.close()
    (problem,) = report.findings
    assert "its certificate is refused: self-signed certificate" in problem.text
    assert "ssl_certificate " in problem.remedy


async def test_no_tls_where_it_was_asked_for(start: Start) -> None:
    running = await start()
    report = await examine(Examination(running.base.replace("http:", "https:")))
    (problem,) = report.findings
    assert "this port does not speak TLS" in problem.text


# The command.


async def doctor(*arguments: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(run_here, "doctor", *arguments, folder=Path.cwd())


@pytest.mark.parametrize(
    "url", ["chat.example.org", "ftp://a/", "http://", "http://a:99999/", "http://[::1/"]
)
async def test_an_address_that_is_none_is_a_mistake_of_use(url: str) -> None:
    result = await doctor(url)
    assert result.returncode == 2
    assert result.stderr == f"{url!r} is no address: write it as https://chat.example.org/\n"


async def test_json_for_scripts() -> None:
    result = await doctor(f"http://127.0.0.1:{free_port()}", "--json")
    told = json.loads(result.stdout)
    assert (result.returncode, told["ok"], told["findings"][0]["level"]) == (1, False, "problem")
