"""Real database servers: errors at the start, and TLS."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.browser.drivers import require
from tests.support.databases import PASSWORD, DatabaseServer, MariaDB
from tests.support.records import refusal, running, saved
from thywill.database.peewee import PeeweeDatabase, PeeweeSettings

KINDS = ["mariadb", "postgresql"]


@pytest.fixture
def server(database_server: DatabaseServer) -> DatabaseServer:
    """Each server in turn."""
    return database_server


@pytest.fixture(autouse=True)
def _no_password_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level("DEBUG")
    yield
    assert PASSWORD not in caplog.text
    assert quote(PASSWORD, safe="") not in caplog.text


REFUSED = [
    ({"password": "sesame"}, ["refuses the user or the password"] * 2),
    ({"user": "nobody"}, ["refuses the user or the password"] * 2),
    (
        {"port": 1},
        ["does not answer (Connection refused): check that it runs", "does not answer: check that"],
    ),
    ({"host": "nowhere.invalid"}, ["does not answer (", "does not answer: check that it runs"]),
    (
        {"name": "nothing"},
        ["has no such database, or does not let this user into it", "has no such database"],
    ),
    ({"options": "ssl_verify=true"}, ["cannot be reached by TLS: SSL is required", "knows no option"]),
    ({"options": "sslmode=require"}, ["knows no option", "cannot be reached by TLS: "]),
]


@pytest.mark.parametrize(("changes", "expected"), REFUSED, ids=[str(changes) for changes, _ in REFUSED])
@pytest.mark.gen_test
async def test_a_start_that_is_not_possible_says_why(server, tmp_path, changes, expected):
    words = expected[KINDS.index("mariadb" if isinstance(server, MariaDB) else "postgresql")]
    others = {key: value for key, value in changes.items() if key != "name"}
    url = server.url(changes.get("name") or server.make_database(), **others)
    with pytest.raises(Exception, match="\\[database\\] url: ") as caught:
        await PeeweeDatabase(PeeweeSettings(url=url), tmp_path).start()
    assert words in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.gen_test
async def test_a_start_without_the_server_is_refused_and_can_be_repeated(server, tmp_path):
    database = PeeweeDatabase(PeeweeSettings(url=server.url(server.make_database())), tmp_path)
    server.stop()
    assert "does not answer" in await refusal(database)
    server.start()
    async with running(database):
        database.save(saved())
        await database.flush()


@pytest.mark.gen_test
async def test_something_else_at_the_port_is_refused(server, tmp_path):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" * 3)
        await reader.read()
        writer.close()

    other = await asyncio.start_server(talk, "127.0.0.1", 0)
    url = server.url("any", port=other.sockets[0].getsockname()[1])
    line = await refusal(PeeweeDatabase(PeeweeSettings(url=url, timeout=1.0), tmp_path))
    assert "cannot be " in line
    other.close()


@pytest.mark.gen_test
async def test_a_server_that_accepts_and_says_nothing_is_refused_in_time(server, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = server.url("any", port=mute.getsockname()[1])
        database = PeeweeDatabase(PeeweeSettings(url=url, timeout=1.0), tmp_path)
        assert "does not answer" in await refusal(database)


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.gen_test
async def test_a_database_that_cannot_be_written_is_refused(server, tmp_path, fresh):
    name = server.make_database()
    database = PeeweeDatabase(PeeweeSettings(url=server.url(name)), tmp_path)
    if not fresh:
        await database.migrate()
    maria = isinstance(server, MariaDB)
    server.execute(
        "SET GLOBAL read_only = 1"
        if maria
        else f"ALTER DATABASE {name} SET default_transaction_read_only = on"
    )
    try:
        assert "is read-only: name a server that can be written" in await refusal(database)
    finally:
        if maria:
            server.execute("SET GLOBAL read_only = 0")


@pytest.mark.gen_test
async def test_a_user_who_may_only_read_is_refused(server, tmp_path):
    name = server.make_database()
    server.revoke(name)
    line = await refusal(PeeweeDatabase(PeeweeSettings(url=server.url(name)), tmp_path))
    assert "does not let this user change this database" in line


@pytest.mark.gen_test
async def test_an_encoding_that_cannot_hold_all_languages_is_refused(servers, tmp_path):
    server = servers.get("postgresql")
    url = server.url(server.make_database("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"))
    line = await refusal(PeeweeDatabase(PeeweeSettings(url=url), tmp_path))
    assert "its encoding is LATIN1" in line
    assert "create the database with ENCODING 'UTF8'" in line


@pytest.mark.gen_test
async def test_a_socket_of_the_system_will_do(server, tmp_path):
    name = server.make_database()
    user = "root" if isinstance(server, MariaDB) else "boss"
    url = f"{server.scheme}://{user}@{quote(server.socket, safe='')}:{server.port}/{name}"
    async with running(PeeweeDatabase(PeeweeSettings(url=url), tmp_path)) as database:
        database.save(saved())
        await database.flush()


def make_certificates(folder: Path) -> None:
    """Make an authority, a certificate of it for 127.0.0.1, and another authority."""
    openssl = require("openssl", "openssl")

    def run(command: str) -> None:
        subprocess.run([openssl, *command.split()], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "other"):
        run(f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem")
    run("req -newkey rsa:2048 -nodes -subj /CN=server -keyout server.key -out server.csr")
    (folder / "names").write_text("subjectAltName = IP:127.0.0.1")
    run("x509 -req -days 2 -CA ca.pem -CAkey ca.key -in server.csr -extfile names -out server.pem")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.gen_test
async def test_tls_accepts_only_the_right_server(kind, servers, tmp_path):
    make_certificates(tmp_path)
    server = servers.with_tls(kind, tmp_path / "server.pem", tmp_path / "server.key")
    right, other = (
        ("ssl_ca=ca.pem", "ssl_ca=other.pem")
        if kind == "mariadb"
        else ("sslmode=verify-full&sslrootcert=ca.pem", "sslmode=verify-full&sslrootcert=other.pem")
    )
    asked = (
        "SHOW STATUS LIKE 'Ssl_cipher'"
        if kind == "mariadb"
        else "SELECT 1, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    )
    try:
        name = server.make_database()
        good = PeeweeDatabase(PeeweeSettings(url=server.url(name, options=right)), tmp_path)
        async with running(good) as database:
            connection = database._thread
            rows = await connection.run(lambda: list(connection.database.execute_sql(asked)))
            assert rows[0][1]
        bad = PeeweeDatabase(PeeweeSettings(url=server.url(name, options=other)), tmp_path)
        assert "cannot be reached by TLS: " in await refusal(bad)
        wrong = server.url(name, options=right, host="localhost")
        line = await refusal(PeeweeDatabase(PeeweeSettings(url=wrong), tmp_path))
        assert "cannot be reached by TLS: " in line
    finally:
        server.close()
