"""The URL of a database: what it may hold, and the error for everything else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thywill.database.database_url import DatabaseUrl, parse
from thywill.database.peewee import PeeweeSettings
from thywill.database.urls import make_database
from thywill.errors import SettingsError

FOLDER = Path("/nowhere")
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


def refusal(url: str, folder: Path = FOLDER) -> str:
    """Return the line with which a URL is refused; it never shows the password."""
    with pytest.raises(SettingsError) as caught:
        make_database(url, folder, 1.0)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def parsed(url: str) -> DatabaseUrl:
    scheme, _, rest = url.partition("://")
    return parse(scheme, rest, FOLDER)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("thywill.db", "write it as a URL"),
        ("", "write it as a URL"),
        ("oracle://root:secret@house/thywill", "unknown scheme 'oracle'; supported: mariadb, mysql, postg"),
        ("secret@house/a://b", "write it as a URL"),
        ("sqlite://thywill.db", "three slashes"),
        ("sqlite:///", "three slashes"),
        ("sqlite:///thywill.db?mode=ro", "no options"),
        ("sqlite:///thywill%00.db", "no %00"),
        ("mysql://root:secret@house", "name one database after the host"),
        ("mysql://root:secret@house/", "name one database after the host"),
        ("mysql://root:secret@house/a/b", "name one database after the host"),
        ("mysql://root:sec/ret@house/a", "write / ? # @ and % in a user, a password or a name as %2F"),
        ("mysql://root:sec?ret@house/a", "as %2F %3F %23 %40 %25"),
        ("mysql://root:sec#ret@house/a", "as %2F %3F %23 %40 %25"),
        ("mysql://root:secret%ff@house/a", "write % itself as %25"),
        ("mysql://root:secret%00@house/a", "nothing in it can hold %00"),
        ("mysql://root:secret@::1/a", "IPv6 address in brackets"),
        ("mysql://root:secret@house:port/a", "IPv6 address in brackets"),
        ("mysql://root:secret@house:65536/a", "there is no port 65536"),
        (f"mysql://root:secret@house:{'9' * 5000}/a", "IPv6 address in brackets"),
        ("mysql://root:secret@house/a?ssl_ca", "?name=value"),
        ("mysql://root:secret@house/a?ssl_ca=1&ssl_ca=2", "each once"),
        (
            "mysql://root:secret@house/a?sslmode=require",
            "mysql knows no option 'sslmode'; it knows",
        ),
        ("mysql://root:secret@house/a?ssl_verify=maybe", "ssl_verify must be true or false, not 'maybe'"),
        ("mysql://root:secret@house/a?ssl_ca=ca.pem", "ssl_ca: /nowhere/ca.pem cannot be read: No such file"),
        ("postgresql://root:secret@house/a?ssl_ca=x", "postgresql knows no option 'ssl_ca'; it knows host"),
        ("postgresql://root:secret@house/a?sslrootcert=/none", "sslrootcert: /none cannot be read: No such"),
    ],
)
def test_a_bad_url_is_refused(url, words):
    assert words in refusal(url)
    assert refusal(url).startswith("[database] url: ")


def test_a_place_is_read_and_shown_without_its_password():
    found = parsed("mysql://some%40body:p%C3%A4ss%2F%3A:w@house:3307/my%20data?ssl_ca=/a%20b&unix_socket=s")
    assert (found.user, found.password, found.hosts) == ("some@body", "päss/::w", (("house", 3307),))
    assert (found.name, found.options) == ("my data", {"ssl_ca": "/a b", "unix_socket": "s"})
    assert str(found) == "mysql://some@body@house:3307/my data"
    assert "ss" not in repr(found).replace("ssl", "").replace("password", "").replace("class", "")


@pytest.mark.parametrize(
    ("location", "host", "port"),
    [
        ("[::1]:3307", "::1", 3307),
        ("[2001:db8::1]", "2001:db8::1", 0),
        ("127.0.0.1:", "127.0.0.1", 0),
        ("", "", 0),
        ("%2Frun%2Fmysqld%2Fsocket", "/run/mysqld/socket", 0),
    ],
)
def test_a_host_is_a_name_an_address_or_a_socket(location, host, port):
    found = parsed(f"mysql://me@{location}/data")
    assert found.hosts == ((host, port),)


def test_several_hosts_are_tried_in_their_order():
    found = parsed("mysql://me@one,[::1]:3307,three:1/data")
    assert found.hosts == (("one", 0), ("::1", 3307), ("three", 1))
    assert str(found) == "mysql://me@one,[::1]:3307,three:1/data"
    assert "IPv6 address in brackets" in refusal("mysql://me@one,::1/data")


def test_postgresql_means_the_one_of_several_hosts_that_takes_writes():
    pytest.importorskip("psycopg")
    several = parameters("postgresql://one,[::1]:5433/data")
    assert several["host"] == "one,::1"
    assert several["port"] == "5432,5433"
    assert several["target_session_attrs"] == "read-write"
    assert parameters("postgresql://one,two/data?target_session_attrs=any")["target_session_attrs"] == "any"
    assert (
        parameters("postgresql://one/data?target_session_attrs=primary")["target_session_attrs"] == "primary"
    )


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=3, max_size=3
    )
)
def test_any_text_survives_its_escapes(texts):
    user, password, name = texts
    escaped = [quote(text, safe="") for text in texts]
    found = parsed(f"postgresql://{escaped[0]}:{escaped[1]}@host/{escaped[2]}")
    assert (found.user, found.password, found.name) == (user, password, name)


@given(st.text())
def test_every_text_is_parsed_or_refused_in_one_line(text):
    line = ""
    try:
        parse("mysql", text, FOLDER)
    except SettingsError as error:
        line = str(error)
    assert "\n" not in line


def parameters(url: str, folder: Path = FOLDER) -> dict[str, Any]:
    found: dict[str, Any] = make_database(url, folder, 5.0).connect_params
    return found


def test_the_arguments_of_the_mysql_driver(tmp_path):
    pytest.importorskip("pymysql")
    (tmp_path / "ca.pem").write_text("")
    base = {"user": "me", "password": b"\xc3\xa4", "connect_timeout": 5.0, "charset": "utf8mb4"}
    plain = parameters("mariadb://me:%C3%A4@[::1]/data")
    assert base.items() <= plain.items()
    assert (plain["host"], plain["port"]) == ("::1", 3306)
    assert not [name for name in plain if name.startswith("ssl")]
    assert parameters("mysql:///data")["host"] == "localhost"
    assert parameters("mysql://%2Frun%2Fx/data")["unix_socket"] == "/run/x"
    assert parameters("mysql:///data?unix_socket=/run/x")["unix_socket"] == "/run/x"
    verified = parameters("mysql://h/data?ssl_ca=ca.pem", tmp_path)
    assert verified["ssl_ca"] == str(tmp_path / "ca.pem")
    assert verified["ssl_verify_cert"] is verified["ssl_verify_identity"] is True
    assert "ssl_verify_cert" not in parameters("mysql://h/data?ssl_ca=ca.pem&ssl_verify=false", tmp_path)
    assert parameters("mysql://h/data?ssl_verify=true")["ssl_verify_identity"] is True
    assert parameters("mysql://h/data?ssl_disabled=true")["ssl_disabled"] is True


def test_the_arguments_of_the_postgresql_driver(tmp_path):
    pytest.importorskip("psycopg")
    (tmp_path / "ca.pem").write_text("")
    assert parameters("postgresql:///data") == {"connect_timeout": 5}
    told = parameters("postgres://me:%C3%A4@[::1]:5433/data?sslmode=verify-full&sslrootcert=ca.pem", tmp_path)
    assert told == {
        "connect_timeout": 5,
        "user": "me",
        "password": "ä",
        "host": "::1",
        "port": 5433,
        "sslmode": "verify-full",
        "sslrootcert": str(tmp_path / "ca.pem"),
    }
    assert parameters("postgresql:///data?sslrootcert=system")["sslrootcert"] == "system"
    assert parameters("postgresql:///data?host=/run/postgresql")["host"] == "/run/postgresql"
    assert parameters("postgresql://%2Frun%2Fp/data")["host"] == "/run/p"


@pytest.mark.parametrize(
    ("scheme", "module", "package"),
    [
        ("mysql", "pymysql", "PyMySQL"),
        ("mariadb", "pymysql", "PyMySQL"),
        ("postgresql", "psycopg", "psycopg[binary]"),
    ],
)
def test_a_driver_that_is_missing_is_named(monkeypatch, scheme, module, package):
    monkeypatch.setitem(sys.modules, module, None)
    for ours in ("mysql", "postgresql"):
        monkeypatch.delitem(sys.modules, f"thywill.database.{ours}", raising=False)
    line = refusal(f"{scheme}://root:secret@house/data")
    assert line == (
        f"[database] url: {scheme} needs a driver. "
        f"Install it with: {sys.executable} -m pip install '{package}'"
    )


def test_settings_do_not_show_the_password():
    assert "secret" not in repr(PeeweeSettings(url="mysql://root:secret@house/data"))
