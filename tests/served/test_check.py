"""``run.py check``: right settings, wrong ones, and things that they name and that cannot be used."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.gate.environment import ROOT
from tests.support.command import run_here
from tests.support.rights import nobody
from tests.support.served import COMMAND, Served
from thywill.commands import check as checking
from thywill.commands import nginx, places
from thywill.commands.report import Finding, Level, Report
from thywill.config import ServerSettings
from thywill.errors import SettingsError

Check = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """A function that runs the command with a settings file."""

    def run(text: str = "", *options: str) -> subprocess.CompletedProcess[str]:
        config = tmp_path / "thywill.toml"
        config.write_text(text)
        data = [] if "--data" in options else ["--data", str(tmp_path / "data")]
        port = [] if "--port" in options else ["--port", "0"]
        return run_here("check", "--config", str(config), *data, *port, *options, folder=tmp_path)

    return run


def test_all_is_well(check: Check, tmp_path: Path) -> None:
    result = check("[server]\nmax_clients = 100\n", "--applications", "apps.echo")
    assert (result.returncode, result.stderr) == (0, "")
    assert "ok       settings: every setting is right; applications: echo\n" in result.stdout
    for subject in ("data", "secret", "database", "port", "descriptors"):
        assert f"ok       {subject}: " in result.stdout
    assert result.stdout.splitlines()[-1].startswith("0 problems, ")
    assert [path.name for path in tmp_path.iterdir()] == ["thywill.toml"]  # it has made nothing


def test_the_command_in_a_process_of_its_own(tmp_path: Path) -> None:
    command = [*COMMAND, "check", "--data", str(tmp_path / "data"), "--port", "0", "--applications"]
    for application, status in (("apps.echo", 0), ("apps.nothing", 1)):
        result = subprocess.run([*command, application], capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (status, "")
        assert result.stdout.splitlines()[-1].startswith(f"{status} problem")


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("[server]\nprot = 1", [], "[server] prot: is no setting here; did you mean 'port'?"),
        ("[server", [], "is not TOML"),
        ("", ["--port", "99999"], "--port: [server] port: expected 'int' <= 65535"),
        ("", ["--applications", "apps.nothing"], "there is no package 'apps.nothing'"),
        ("", ["--database", "oracle://x"], "--database: [database] url: "),
        ("[server]\ntrusted_proxies = ['10.0.0.0/99']", [], "'10.0.0.0/99' is no address, no network"),
    ],
)
def test_wrong_settings(check: Check, text: str, options: list[str], told: str) -> None:
    result = check(text, *options)
    assert (result.returncode, result.stderr) == (1, "")
    (line, summary) = result.stdout.splitlines()
    assert line.startswith("problem  settings: ")
    assert told in line
    assert summary == "1 problem, 0 warnings"


def test_variables_of_kubernetes_are_named(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THYWILL_SERVER_PORT", "tcp://10.0.0.7:8080")
    monkeypatch.setenv("THYWILL_SERVER_SERVICE_HOST", "10.0.0.7")
    result = check()
    assert result.returncode == 0
    assert "warning  environment: THYWILL_SERVER_PORT and 1 more: ignored, since Kubernetes" in result.stdout


def test_a_folder_that_nobody_creates(check: Check) -> None:
    result = check("", "--database", "sqlite:////nowhere-of-the-tests/x.db")
    assert result.returncode == 1
    assert "problem  database: there is no folder /nowhere-of-the-tests\n" in result.stdout
    assert "-> sudo install -d -o thywill /nowhere-of-the-tests" in result.stdout


# Releases side by side, with a link that leads to one of them.


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The link to the second of two releases."""
    for name in ("1", "2"):
        folder = tmp_path / "site" / "releases" / name
        folder.mkdir(parents=True)
        (folder / "run.py").touch()
    link = tmp_path / "site" / "current"
    link.symlink_to("releases/2")
    return link


def test_data_that_the_next_release_would_not_find(release: Path) -> None:
    for folder in (release, release.resolve()):  # systemd's WorkingDirectory= resolves links
        link = places.release_link(folder)
        assert link == release
        told = places.release_problem(link, folder / "var")
        assert told is not None
        assert "so the next release begins anew: name a folder outside" in told
        assert "\n" not in told
    report = Report()
    places.check_release(release, release / "var", report)
    (finding,) = report.findings
    assert (finding.level, finding.subject) == (Level.WARNING, "release")


def test_data_outside_of_the_releases(release: Path, tmp_path: Path) -> None:
    assert places.release_problem(release, tmp_path / "data") is None
    (release / "var").symlink_to(tmp_path / "data")
    assert places.release_problem(release, release / "var") is None
    assert places.release_problem(None, release / "var") is None


def test_a_project_without_releases(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "run.py").touch()
    assert places.release_link(project) is None
    (tmp_path / "shortcut").symlink_to("project")
    assert places.release_link(tmp_path / "shortcut") is None
    assert places.release_link(project) is None


def test_a_variable_that_is_no_setting(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THYWILL_SERVER_PROT", "1")
    assert "THYWILL_SERVER_PROT: is no setting" in check().stdout


def test_a_port_that_is_taken(check: Check) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = check("", "--port", str(port))
    assert result.returncode == 1
    assert f"problem  port: cannot listen on 127.0.0.1:{port}: " in result.stdout


def test_a_port_that_a_thywill_has_is_right(check: Check, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    served = Served(tmp_path / "data")
    result = check("", "--port", str(served.port))
    served.stop()
    assert f"ok       port: a running thywill server listens on 127.0.0.1:{served.port}" in result.stdout
    assert "ok       database: it can be reached, its schema is up to date" in result.stdout
    assert "ok       secret: " in result.stdout


def test_a_secret_that_others_can_read(check: Check, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    secret = tmp_path / "data" / "secret"
    secret.write_bytes(b"x" * 32)
    secret.chmod(0o644)
    result = check()
    assert "warning  secret: other users can read or write" in result.stdout
    assert f"-> chmod 600 {secret}" in result.stdout
    secret.write_bytes(b"x")
    result = check()
    assert f"problem  secret: {secret} is shorter than 32 bytes" in result.stdout


def test_a_folder_that_others_can_enter(check: Check, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(0o755)
    told = f"warning  data: other users of this machine can enter {data}\n         -> chmod 700 {data}\n"
    assert told in check().stdout
    data.chmod(0o700)
    assert "other users" not in check().stdout


def test_a_file_that_is_not_a_database(check: Check, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thywill.db").write_text(
        "this is no database, and long enough to be seen as none" * 20
    )
    result = check()
    assert result.returncode == 1
    assert "problem  database: " in result.stdout
    assert "is not an SQLite database" in result.stdout


def test_folders_without_rights(tmp_path: Path) -> None:
    report = Report()
    tmp_path.chmod(0o500)
    with nobody():
        places.check_folder("data", "[server] data", tmp_path / "var" / "data", report)
        places.check_file("log", "[log] path", tmp_path / "thywill.log", report, data=tmp_path)
        places.check_secret(tmp_path / "secret", report)
    tmp_path.chmod(0o700)
    assert report.status == 1
    for finding in report.findings:
        assert finding.level is Level.PROBLEM
        assert finding.text.startswith("nothing can be written in /")
        assert finding.remedy.startswith(f"sudo install -d -o thywill {tmp_path}")


def test_the_owner_of_a_folder_that_others_use_is_not_changed() -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as closing:
        Path(folder).chmod(0o555)
        if os.geteuid() == 0:
            closing.enter_context(nobody())
        report = Report()
        places.check_file("log", "[log] path", Path(folder) / "thywill.log", report, data=Path(folder))
        (finding,) = report.findings
        assert finding.remedy == "[log] path in a folder for thywill alone: sudo install -d -o thywill FOLDER"


def test_files_without_rights() -> None:
    # Not below pytest's own folder, which is for its user alone.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "thywill.log"
        file.touch(0o400)
        report = Report()
        with ExitStack() as closing:
            if os.geteuid() == 0:
                Path(folder).chmod(0o755)
                closing.enter_context(nobody())
            places.check_file("log", "[log] path", file, report, data=file.parent)
        (finding,) = report.findings
        assert finding.text == f"{file} cannot be written"
        assert finding.remedy == f"sudo chown thywill {file} (the user of the service), or another [log] path"


def test_a_folder_that_is_a_file(check: Check, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = check("", "--data", str(tmp_path / "file"))
    assert f"problem  data: {tmp_path}/file is no folder" in result.stdout


def test_settings_that_are_unwise(check: Check) -> None:
    text = "[server]\naddress = '0.0.0.0'\ntrusted_proxies = ['0.0.0.0/0']\n[push.longpoll]\nhold = 90\n"
    result = check(text)
    assert result.returncode == 1
    assert "problem  proxies: every address counts as a proxy (0.0.0.0/0)" in result.stdout
    assert "warning  hold: [push.longpoll] hold = 90: proxies cut after 60 s" in result.stdout
    assert "warning  address: 0.0.0.0 can be reached past the proxy, without TLS" in result.stdout


def test_json_for_scripts(check: Check) -> None:
    result = check("", "--json", "--applications", "apps.nothing")
    told = json.loads(result.stdout)
    assert told["ok"] is False
    assert told["findings"][0]["subject"] == "settings"
    assert result.returncode == 1


def test_wrong_options_end_with_2(check: Check) -> None:
    assert check("", "--prot", "1").returncode == 2


# nginx's settings.


def look(text: str, tmp_path: Path, port: int = 8080) -> list[Finding]:
    file = tmp_path / "nginx.conf"
    file.write_text(text)
    return nginx.examine(file, ServerSettings(port=port), hold=25.0).findings


def test_a_certificate_that_is_missing(tmp_path: Path) -> None:
    text = f"ssl_certificate {tmp_path}/live/none.pem;\nserver 127.0.0.1:8080;"
    (finding,) = look(text, tmp_path)
    assert finding.level is Level.PROBLEM
    assert (
        finding.text
        == f"ssl_certificate {tmp_path}/live/none.pem: there is no such file, so nginx does not start"
    )


def test_an_upstream_that_leads_elsewhere(tmp_path: Path) -> None:
    (finding,) = look("upstream thywill { server 127.0.0.1:8081 max_fails=0; }", tmp_path)
    assert finding.level is Level.PROBLEM
    assert finding.remedy == "server 127.0.0.1:8080; in upstream thywill"


def test_the_settings_of_this_project_fit_each_other(tmp_path: Path) -> None:
    text = (ROOT / "conf" / "nginx.conf").read_text()
    (tmp_path / "pem").touch()
    for file in ("fullchain.pem", "privkey.pem"):
        text = text.replace(f"/etc/letsencrypt/live/chat.example.org/{file}", f"{tmp_path}/pem")
    (finding,) = look(text, tmp_path)
    assert finding.level is Level.GOOD


LIMITED = "proxy_pass http://thywill;\nlimit_conn z 10;\nlimit_req zone=z;\n"


def test_bodies_that_nginx_refuses_and_the_server_would_take(tmp_path: Path) -> None:
    (warning, good) = look(LIMITED + "client_max_body_size 8k;\nclient_max_body_size 512k;", tmp_path)
    assert (warning.level, good.level) == (Level.WARNING, Level.GOOD)
    assert warning.text == "it refuses bodies of more than 524288 bytes, but [server] max_body is 1048576"
    for size in ("", "client_max_body_size 8k;\nclient_max_body_size 1M;", "client_max_body_size 0;"):
        assert [each.level for each in look(LIMITED + size, tmp_path)] == [Level.GOOD]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("proxy_read_timeout 20s;", "proxy_read_timeout is 20 s, but an answer may wait for 25 s"),
        ("large_client_header_buffers 4 8k;", "it takes header lines of 8192 bytes, but [server] max_header"),
        (
            "upstream a { server 127.0.0.1:8080; keepalive 99; keepalive_timeout 2m; }",
            "it keeps connections for 120 s, but [server] idle_timeout",
        ),
    ],
)
def test_times_and_sizes_that_do_not_fit(tmp_path: Path, line: str, text: str) -> None:
    (warning, good) = look(LIMITED + line, tmp_path)
    assert (warning.level, good.level) == (Level.WARNING, Level.GOOD)
    assert warning.text.startswith(text)


def test_an_upstream_that_keeps_fewer_connections_than_there_are_clients(tmp_path: Path) -> None:
    text = "events { worker_connections 768; } # a comment; keepalive 9;\n" + LIMITED
    text += "upstream php { server unix:/run/php.sock; keepalive 8; keepalive_timeout 9m; }\n"
    text += "upstream thywill { server 127.0.0.1:8080; keepalive 384; }\n"
    (good,) = look(text + "upstream more { server 127.0.0.1:8080; keepalive 350; }", tmp_path)
    assert good.level is Level.GOOD
    (warning, _) = look(text + "upstream more { server 127.0.0.1:8080; keepalive 32; }", tmp_path)
    assert warning.text.startswith("a worker holds up to 384 parked clients, but upstream more keeps 32 conn")
    assert warning.remedy == "keepalive 384; in upstream more"
    (warning, _) = look(text + "upstream more { server 127.0.0.1:8080; }", tmp_path)
    assert warning.text == "upstream more keeps no connection to the server, so each poll needs a new one"


def test_a_server_of_few_clients_needs_few_connections_of_nginx(tmp_path: Path) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text(
        "events { worker_connections 4096; }\nupstream a { server 127.0.0.1:8080; keepalive 500; }\n"
        + LIMITED
    )
    (good,) = nginx.examine(file, ServerSettings(max_clients=500)).findings
    assert good.level is Level.GOOD


def test_nginx_without_limits_for_one_address(tmp_path: Path) -> None:
    (warning, _) = look("proxy_pass http://thywill;", tmp_path)
    assert warning.level is Level.WARNING
    assert warning.remedy == "limit_req and limit_conn as in conf/nginx.conf"


def test_nginx_before_several_servers_of_a_queue_that_is_of_one(tmp_path: Path) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text("upstream thywill {\nserver 10.0.0.11:8080;\nserver 10.0.0.12:8080;\n}")
    (problem,) = nginx.examine(file, ServerSettings(), shared=False).findings
    assert problem.text == (
        "it spreads requests over 10.0.0.11:8080, 10.0.0.12:8080, but the queue is for one server"
    )
    assert "spreads" not in str(nginx.examine(file, ServerSettings(), shared=True).findings)


@pytest.mark.parametrize(("processes", "level"), [(1, None), (2, "ok"), (3, "warning")])
def test_servers_and_processors(monkeypatch: pytest.MonkeyPatch, processes: int, level: str | None) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    report = Report()
    checking._check_processes(ServerSettings(processes=processes), report)
    assert [each.level.value for each in report.findings] == ([level] if level else [])


def test_nginx_settings_that_are_not_there(tmp_path: Path) -> None:
    (finding,) = nginx.examine(tmp_path / "nowhere", ServerSettings()).findings
    assert finding.text == f"{tmp_path}/nowhere cannot be read: No such file or directory"


# The report.


def test_a_report_for_people() -> None:
    report = Report()
    report.good("one", "is well")
    report.warn("two", "could be better", "do this;\nand that;")
    assert report.status == 0
    report.problem("three", "fails")
    assert report.status == 1
    assert report.as_text() == (
        "ok       one: is well\n"
        "warning  two: could be better\n"
        "         -> do this;\n"
        "         -> and that;\n"
        "problem  three: fails\n"
        "1 problem, 1 warning"
    )


STREAM = (ROOT / "conf" / "nginx-stream.conf").read_text()
EXPECTING = ServerSettings(proxy_protocol="https")


def about_stream(tmp_path: Path, text: str, server: ServerSettings) -> list[Finding]:
    """Return what ``check --nginx`` finds wrong with ``conf/nginx-stream.conf``, certificates aside."""
    file = tmp_path / "nginx.conf"
    file.write_text(re.sub(r"ssl_certificate.*;", "", text))
    return [each for each in nginx.examine(file, server, hold=25.0).findings if each.level is not Level.GOOD]


def test_nginx_that_ends_tls_alone_fits(tmp_path: Path) -> None:
    assert about_stream(tmp_path, STREAM, EXPECTING) == []


def test_a_header_that_the_server_does_not_expect(tmp_path: Path) -> None:
    (problem,) = about_stream(tmp_path, STREAM, ServerSettings())
    assert (
        problem.text
        == "it begins connections with a PROXY header, which [server] proxy_protocol does not expect"
    )
    assert problem.remedy == '[server] proxy_protocol = "https"'


def test_a_stream_that_does_not_say_who_asks(tmp_path: Path) -> None:
    for server in (ServerSettings(), EXPECTING):
        (problem,) = about_stream(tmp_path, STREAM.replace("proxy_protocol on;", ""), server)
        assert problem.remedy == "proxy_protocol on; beside proxy_pass"


def test_a_stream_that_gives_up_before_the_server(tmp_path: Path) -> None:
    text = STREAM.replace("proxy_timeout 90s;", "proxy_timeout 60s;").replace("limit_conn thywill", "# ")
    warnings = about_stream(tmp_path, text, EXPECTING)
    assert [each.remedy for each in warnings] == [
        "proxy_timeout 90s;",
        "limit_conn as in conf/nginx-stream.conf",
    ]


@pytest.mark.parametrize("fields", [{"http": "tornado"}, {"trusted_proxies": []}])
def test_where_no_header_can_be_taken(fields: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"^\[server\] proxy_protocol: "):
        ServerSettings(proxy_protocol="https", **fields)
