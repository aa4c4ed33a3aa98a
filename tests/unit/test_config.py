"""Settings are read once, typed, and every mistake in them is one line with its place."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest

from tests.gate.environment import ROOT
from tests.support.rights import nobody
from tests.support.settings_file import documented
from thywill.client_interface.base import ClientInterfaceSettings
from thywill.config import ServerSettings, Settings, read
from thywill.errors import SettingsError
from thywill.server import Service


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "thywill.toml"


def test_an_empty_file_gives_the_defaults(config: Path) -> None:
    config.write_text("")
    assert read(config, required=True).section("server", ServerSettings) == ServerSettings()


def test_a_missing_file_is_an_error_only_where_it_was_named(config: Path) -> None:
    assert read(config, required=False).section("server", ServerSettings) == ServerSettings()
    with pytest.raises(SettingsError, match="no such settings file"):
        read(config, required=True)


def test_the_prompt_overrides_the_file(config: Path) -> None:
    config.write_text('[server]\nport = 1\naddress = "::1"\n')
    settings = read(config, required=True, overrides={"server.port": 2}).section("server", ServerSettings)
    assert (settings.port, settings.address) == (2, "::1")


# The environment.


@dataclass(frozen=True)
class Mixed:
    words: list[str] = field(default_factory=list)
    name: str = "x"
    count: Annotated[int, msgspec.Meta(ge=1)] = 1
    share: float = 0.5
    on: bool = False
    either: Literal["a", "b"] = "a"


def from_environment(config: Path, **variables: str) -> Mixed:
    settings = read(config, required=False, environment=variables)
    return settings.section("push.longpoll", Mixed)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("words", "a, b", ["a", "b"]),
        ("words", '["a, b", "c"]', ["a, b", "c"]),
        ("name", "8080", "8080"),
        ("name", "true", "true"),
        ("count", "7", 7),
        ("share", "2", 2.0),
        ("on", "true", True),
        ("on", "0", False),
        ("either", "b", "b"),
    ],
)
def test_a_variable_is_what_its_setting_is(config: Path, name: str, text: str, value: Any) -> None:
    mixed = from_environment(config, **{f"THYWILL_PUSH_LONGPOLL_{name.upper()}": text})
    assert getattr(mixed, name) == value


def test_the_prompt_counts_before_the_environment_and_that_before_the_file(config: Path) -> None:
    config.write_text('[server]\nport = 1\naddress = "::1"\n')
    variables = {"THYWILL_SERVER_PORT": "2", "THYWILL_SERVER_DATA": "elsewhere"}
    settings = read(config, required=True, environment=variables)
    assert settings.section("server", ServerSettings).port == 2
    settings = read(config, required=True, environment=variables, overrides={"server.port": 3})
    assert settings.section("server", ServerSettings) == ServerSettings("::1", 3, data="elsewhere")


def test_components_from_the_environment(config: Path) -> None:
    settings = read(config, required=False, environment={"THYWILL_PUSH_COMPONENTS": "longpoll"})
    assert settings.chosen_all("push", ["sockjs"]) == ["longpoll"]
    settings = read(config, required=False, environment={"THYWILL_LOG_COMPONENT": "file"})
    assert settings.chosen("log", "console") == "file"


def test_an_empty_variable_counts_as_none(config: Path) -> None:
    assert from_environment(config, THYWILL_PUSH_LONGPOLL_COUNT="") == Mixed()


def test_a_secret_from_a_file(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "name"
    file.write_text("s3cret\n")
    assert from_environment(config, THYWILL_PUSH_LONGPOLL_NAME_FILE=str(file)).name == "s3cret"
    with pytest.raises(SettingsError, match="NAME and THYWILL_PUSH_LONGPOLL_NAME_FILE are both set"):
        from_environment(config, THYWILL_PUSH_LONGPOLL_NAME_FILE=str(file), THYWILL_PUSH_LONGPOLL_NAME="x")


def test_the_file_of_a_setting_is_not_secret(config: Path) -> None:
    settings = read(config, required=False, environment={"THYWILL_CLIENT_INTERFACE_SECRET_FILE": "/x/secret"})
    assert settings.section("client_interface", ClientInterfaceSettings).secret_file == "/x/secret"


def test_a_variable_that_is_no_setting(config: Path) -> None:
    for name, hint in (
        ("THYWILL_SERVER_PROT", "did you mean THYWILL_SERVER_PORT"),
        ("THYWILL_LOG_X", "remove it"),
    ):
        settings = read(config, required=False, environment={name: "1"})
        settings.section("server", ServerSettings)
        with pytest.raises(SettingsError, match=f"{name}: is no setting.*{hint}"):
            settings.check_variables()
    read(config, required=False, environment={"THYWILL_OF_SOMEBODY_ELSE": "1"}).check_variables()


@pytest.mark.parametrize(
    "links",
    [
        {"THYWILL_SERVER_PORT": "tcp://10.0.0.7:8080"},
        {
            "THYWILL_SERVER_SERVICE_HOST": "10.0.0.7",
            "THYWILL_SERVER_SERVICE_PORT": "8080",
            "THYWILL_SERVER_SERVICE_PORT_HTTP": "8080",
            "THYWILL_SERVER_PORT": "tcp://[fd00::7]:8080",
            "THYWILL_SERVER_PORT_8080_TCP": "tcp://[fd00::7]:8080",
            "THYWILL_SERVER_PORT_8080_TCP_PROTO": "tcp",
            "THYWILL_SERVER_PORT_8080_TCP_PORT": "8080",
            "THYWILL_SERVER_PORT_8080_TCP_ADDR": "fd00::7",
        },
        {"THYWILL_LOG_PORT_514_UDP": "udp://10.0.0.8:514", "THYWILL_LOG_SERVICE_HOST": "10.0.0.8"},
        {"THYWILL_QUEUE_PORT": "tcp://172.17.0.2:6379", "THYWILL_QUEUE_NAME": "/web/queue"},
    ],
)
def test_variables_of_kubernetes_and_docker_are_not_settings(config: Path, links: dict[str, str]) -> None:
    settings = read(config, required=False, environment={**links, "THYWILL_SERVER_DATA": "x"})
    assert settings.section("server", ServerSettings) == ServerSettings(data="x")
    settings.check_variables()
    ignored = settings.ignored()
    assert ignored is not None
    assert ignored.startswith(min(links))
    assert "\n" not in ignored


def test_a_setting_beside_links_counts(config: Path) -> None:
    variables = {"THYWILL_SERVER_SERVICE_HOST": "10.0.0.7", "THYWILL_SERVER_PORT": "9000"}
    settings = read(config, required=False, environment=variables)
    assert settings.section("server", ServerSettings).port == 9000
    for value in ("tcp", "tcp://", "90000", "x://10.0.0.7:80"):
        settings = read(config, required=False, environment={"THYWILL_SERVER_PORT": value})
        assert settings.ignored() is None
        with pytest.raises(SettingsError, match="THYWILL_SERVER_PORT"):
            settings.section("server", ServerSettings)


# What editors write.


def test_a_byte_order_mark_is_not_part_of_a_file(config: Path, tmp_path: Path) -> None:
    config.write_text("\ufeff[server]\nport = 1\n", encoding="utf-8")
    assert read(config, required=True).section("server", ServerSettings).port == 1
    file = tmp_path / "name"
    file.write_text("\ufeffs3cret\r\n", encoding="utf-8")
    assert from_environment(tmp_path / "none", THYWILL_PUSH_LONGPOLL_NAME_FILE=str(file)).name == "s3cret"


def test_another_encoding_is_named(config: Path) -> None:
    config.write_text("[server]\nport = 1\n", encoding="utf-16")
    with pytest.raises(SettingsError, match="is not UTF-8: save it with that encoding"):
        read(config, required=True)


def test_every_setting_can_stand_in_a_variable(config: Path) -> None:
    """No two settings have one variable."""
    names: list[str] = []
    for section, classes in documented().items():
        keys = {each.name for kind in classes for each in dataclasses.fields(kind)}
        names += [f"THYWILL_{section}_{key}".replace(".", "_").upper() for key in keys]
    assert len(names) == len(set(names))
    assert not {f"{name}_FILE" for name in names} & set(names)


# Mistakes, and whom they are blamed on.

MISTAKES = {
    "[server]\nprot = 1": r"\[server\] prot: is no setting here; did you mean 'port'\?",
    '[server]\nport = "80"': r"\[server\] port: expected 'int', got 'str'",
    "[server]\nport = 70000": r"\[server\] port: expected 'int' <= 65535",
    '[server]\nhttp = "slow"': r"\[server\] http: invalid enum value 'slow'; use one of fast, tornado",
    '[server]\ntrusted_proxies = ["10.0.0.0/99"]': r"'10.0.0.0/99' is no address, no network",
    "[sever]": r"unknown section \[sever\]; did you mean 'server'\?",
    "port = 1": r"'port' stands outside a section",
    "[server": "is not TOML",
    '[queue]\ncomponent = "memroy"': r"\[queue\] component: 'memroy' is no component; choose memory",
    '[queue]\ncomponent = "no.such.Queue"': r"\[queue\] component: no.such.Queue cannot be imported",
    '[queue]\ncomponent = "thywill.hub.hub.Nothing"': r"no class 'Nothing' in thywill.hub.hub",
    '[queue]\ncomponent = "thywill.hub.hub.Hub"': r"is no subclass of thywill.queue.base.Queue",
    "[queue]\ncomponent = 1": r"\[queue\] component: must be one name",
    '[queue]\noverflow = "explode"': r"\[queue\] overflow: invalid .*'explode'; use one of drop_oldest",
    "[push]\ncomponents = []": r"\[push\] components: must be a list of names",
    "[push]\nhold = 5": r"\[push\] hold: is no setting here",
    "[push.longpol]\nhold = 5": r"\[push\] longpol: no component has this table; did you mean 'longpoll'\?",
    "[push.longpoll]\nhold = 0": r"\[push.longpoll\] hold: expected 'float' > 0",
    '[application_interface]\napplications = ["apps.nothing"]': r"there is no package 'apps.nothing'",
    '[application_interface]\napplications = ["thywill.hub.hub"]': r"must define one subclass of Application",
    '[application_interface]\napplications = ["tests.support.probe", "tests.support.probe"]': (
        r"two have the name 'probe', since tests.support.probe is listed twice"
    ),
    '[log]\nlevel = "loud"': r"\[log\] level = 'loud': use one of debug, info",
    '[database]\nurl = "what"': r"\[database\] url",
}


MISTAKES |= {
    f"[client_interface]\norigins = ['{origin}']": rf"\[client_interface\] origins: .* no origin: {remedy}$"
    for origin, remedy in {
        "www.example.org": "write it with its scheme: https://www.example.org",
        "www.example.org/chat": "write it with its scheme: https://www.example.org",
        "http://a.example:81/chat": "write it alone, without a path: http://a.example:81",
        "https://me@a.example": "write it alone, without a path: https://a.example",
        "http://a.example:0": "its port must be from 1 to 65535",
        "file:///page.html": 'pages that are opened from a file have the origin null: write "null"',
        "https://*.example.org": 'write each as https://www.example.org, or "\\*" alone for all',
        "": 'write each as https://www.example.org, or "\\*" alone for all',
    }.items()
}


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "https://a.example", "HTTPS://A.example:81/", "app://local", "http://ü.example:80"],
)
def test_origins_that_are_right(origin: str) -> None:
    assert ClientInterfaceSettings([origin]).origins == [origin]


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("secret", "error"),
    [
        ("secret", r"\[server\] data: nothing can be written in the folder {}: Permission .*chown.* --data"),
        ("{}/own/secret", r"\[client_interface\] secret_file: {}/own/secret: No such file"),
    ],
)
async def test_a_folder_without_rights(secret: str, error: str) -> None:
    # Not below pytest's own folder, which is for its user alone.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)  # noqa: ASYNC240
        own = {"server": {"data": folder}, "client_interface": {"secret_file": secret.format(folder)}}
        with nobody(), pytest.raises(SettingsError, match=error.format(folder, folder)):
            Service(Settings(own, "settings"), ROOT)


@pytest.mark.gen_test
async def test_a_table_of_a_component_that_is_not_chosen_waits(config: Path) -> None:
    config.write_text("[push]\ncomponents = ['longpoll']\n[push.sockjs]\nhold = 5.0\n")  # noqa: ASYNC240
    Service(read(config, required=True, overrides={"server.data": str(config.parent)}), ROOT)


@pytest.mark.gen_test
@pytest.mark.parametrize(("text", "error"), MISTAKES.items(), ids=MISTAKES.keys())
async def test_mistakes(config: Path, text: str, error: str) -> None:
    config.write_text(text)  # noqa: ASYNC240 - nothing else runs here
    with pytest.raises(SettingsError, match=error) as caught:
        Service(read(config, required=True, overrides={"server.data": str(config.parent)}), ROOT)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "environment", "origin"),
    [
        ({"server.port": 70000}, {}, "--port: "),
        ({}, {"THYWILL_SERVER_PORT": "70000"}, "THYWILL_SERVER_PORT: "),
        ({}, {}, "{config}: "),
    ],
)
def test_a_mistake_says_where_its_value_is_from(
    config: Path, overrides: dict[str, Any], environment: dict[str, str], origin: str
) -> None:
    config.write_text("[server]\nport = 80000\n")
    settings = read(
        config,
        required=True,
        overrides=overrides,
        options={"server.port": "--port"},
        environment=environment,
    )
    with pytest.raises(SettingsError) as caught:
        settings.section("server", ServerSettings)
    assert str(caught.value) == f"{origin.format(config=config)}[server] port: expected 'int' <= 65535"


def test_a_mistake_that_a_part_finds_is_blamed_too(config: Path) -> None:
    config.write_text('[database]\nurl = "x"\n')
    settings = read(config, required=True, overrides={"log.level": "x"}, options={"log.level": "--log-level"})
    blamed = {
        "[database] url: what": f"{config}: [database] url: what",
        "[log] level = 'x': use": "--log-level: [log] level = 'x': use",
        "[server] data: no": "[server] data: no",
        "the port is taken": "the port is taken",
    }
    for text, told in blamed.items():
        assert str(settings.with_origin(SettingsError(text))) == told
